/* Socket addresses: IPv4, IPv6 and unix, as values.
 *
 * Text forms, read and printed alike:
 *     "127.0.0.1:6000"   "[::1]:6000"   "[fe80::1%eth0]:6000"   "unix:/path"
 * and, for "unix:@name", Linux' abstract names. ":6000" and "*:6000" are every
 * local IPv4 address. A host name is not an address: see green_resolve(). */
#ifndef GREEN_ADDRESS_H
#define GREEN_ADDRESS_H

#include <green/base.h>
#include <sys/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_address {
    struct sockaddr_storage storage;
    socklen_t length; /* bytes of storage in use; 0 is no address */
} green_address;

/* Bytes that hold any address as text, with its final NUL. */
enum { GREEN_ADDRESS_TEXT_MAX = 128 };

/* Reads the text forms above. -EINVAL: it is none of them, and green_explain()
 * says which part. -ENAMETOOLONG: a unix path of more than 107 bytes.
 * Does not block. */
GREEN_API GREEN_CHECK int green_address_parse(green_address *address, const char *text);

/* Writes the text form, cut to size bytes with a final NUL, and returns the
 * length of the whole text. An unnamed unix socket prints as "unix:", and a NUL
 * in an abstract name as '@'. */
GREEN_API size_t green_address_print(const green_address *address, char *text, size_t size);

/* The port of an IPv4 or IPv6 address, else -1. */
GREEN_API int green_address_port(const green_address *address);
GREEN_API void green_address_set_port(green_address *address, uint16_t port);

GREEN_API bool green_address_equal(const green_address *a, const green_address *b);

/* Finds the addresses of "host:port", where host is a name or a number and port
 * a number or a service name. Also takes every form of green_address_parse(), with
 * a service name for the port. A service name is looked up for TCP, then for UDP.
 * Stores up to count of them, in the order to try them, and returns how many.
 * Blocks: the system's resolver runs on native threads that are only for names, 16
 * at most, and an interrupt leaves it to finish by itself.
 * -ENOENT: there is no such host. -EAGAIN: the name service did not answer, or no
 * native thread can be started. -EINVAL: the text is neither an address nor
 * host:port, or there is no such service. -ENAMETOOLONG: a unix path is too long. */
GREEN_API GREEN_CHECK int green_resolve(green_address *addresses, size_t count, const char *text);

/* Like green_resolve(), within timeout nanoseconds. -ETIMEDOUT: the name service did
 * not answer in time. */
GREEN_API GREEN_CHECK int green_resolve_within(green_address *addresses, size_t count, const char *text,
                                               int64_t timeout);

/* Like green_resolve_within(), with the host and the port as separate arguments. The
 * host is a name or a number, IPv6 with or without brackets. It is never parsed as one
 * of the text forms above ("unix" is a host name), so it may come from an untrusted
 * peer. -EINVAL: the host is empty, too long, "*", or contains a ':' and is not an
 * IPv6 address. */
GREEN_API GREEN_CHECK int green_resolve_host(green_address *addresses, size_t count, const char *host, uint16_t port,
                                             int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
