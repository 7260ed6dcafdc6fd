/* Socket addresses: IPv4, IPv6 and unix, as values.
 *
 * Text forms, both parsed and printed:
 *     "127.0.0.1:6000"   "[::1]:6000"   "[fe80::1%eth0]:6000"   "unix:/path"
 * "unix:@name" is an abstract name of Linux. ":6000" and "*:6000" are every local IPv4
 * address. A host name is not an address: see green_resolve(). */
#ifndef GREEN_ADDRESS_H
#define GREEN_ADDRESS_H

#include <green/base.h>
#include <sys/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_address {
    struct sockaddr_storage storage;
    socklen_t length; /* bytes of storage in use; 0: no address */
} green_address;

/* Size of a buffer that holds any address as text, including the final NUL. */
enum { GREEN_ADDRESS_TEXT_MAX = 128 };

/* Parses one of the text forms above. Does not block.
 *
 * Returns 0, or:
 *   -EINVAL        the text has none of these forms; green_explain() names the part
 *   -ENAMETOOLONG  the unix path is longer than 107 bytes */
GREEN_API GREEN_CHECK int green_address_parse(green_address *address, const char *text);

/* Writes the text form, truncated to size bytes including a final NUL, and returns the
 * length of the whole text. An unnamed unix socket is printed as "unix:", and a NUL in
 * an abstract name as '@'. */
GREEN_API size_t green_address_print(const green_address *address, char *text, size_t size);

/* The port of an IPv4 or IPv6 address, else -1. */
GREEN_API int green_address_port(const green_address *address);
GREEN_API void green_address_set_port(green_address *address, uint16_t port);

GREEN_API bool green_address_equal(const green_address *a, const green_address *b);

/* Resolves "host:port" to addresses. The host is a name or a numeric address, the port a
 * number or a service name. Also accepts every form of green_address_parse(), with a
 * service name as the port. A service name is looked up for TCP, then for UDP.
 *
 * Stores up to count addresses in the order in which to try them, and returns their
 * number. Blocks. The system's resolver runs on OS threads that serve only names, at
 * most 16. If the call is interrupted, the look-up continues there and its result is
 * discarded.
 *
 * Errors:
 *   -ENOENT        the host does not exist
 *   -EAGAIN        the name service did not answer, or no OS thread can be started
 *   -EINVAL        the text is neither an address nor host:port, or the service does
 *                  not exist
 *   -ENAMETOOLONG  the unix path is longer than 107 bytes */
GREEN_API GREEN_CHECK int green_resolve(green_address *addresses, size_t count, const char *text);

/* Like green_resolve(), within timeout nanoseconds. -ETIMEDOUT: the name service did not
 * answer in time. */
GREEN_API GREEN_CHECK int green_resolve_within(green_address *addresses, size_t count, const char *text,
                                               int64_t timeout);

/* Like green_resolve_within(), with the host and the port as separate arguments. The
 * host is a name or a numeric address, IPv6 with or without brackets. It is never parsed
 * as one of the text forms above ("unix" is a host name), so it may come from an
 * untrusted peer. -EINVAL: the host is empty, too long, "*", or contains a ':' and is
 * not an IPv6 address. */
GREEN_API GREEN_CHECK int green_resolve_host(green_address *addresses, size_t count, const char *host, uint16_t port,
                                             int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
