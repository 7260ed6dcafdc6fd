/* Addresses of descriptors, and the parts of an address in text form. */
#ifndef GREEN_NET_ADDRESS_H
#define GREEN_NET_ADDRESS_H

#include <green/address.h>

/* getsockname() or getpeername(). */
typedef int green_address_query(int fd, struct sockaddr *address, socklen_t *length);

/* Stores the address that the query returns for a descriptor. Returns 0, or -errno with an
 * address of length 0. -EBADF for a negative fd. */
int green__address_of(int fd, green_address_query *query, green_address *address);

/* bind(2). Returns 0 or -errno. */
int green__address_bind(int fd, const green_address *address);

enum { GREEN_HOST_MAX = 256 };

typedef struct green_address_parts {
    const char *text; /* the whole address, for messages */
    const char *port; /* in text, after the host */
    bool bracketed;
    char host[GREEN_HOST_MAX]; /* without brackets; "" and "*" mean any address */
} green_address_parts;

/* Whether the text is a unix address, which has no parts. */
bool green__address_is_unix(const char *text);

/* Splits "host:port" or "[host]:port". -EINVAL, explained. */
int green__address_split(green_address_parts *parts, const char *text);

/* Parses the port as a number, and the host as a numeric address. -EINVAL, explained. */
int green__address_read_port(const green_address_parts *parts, uint16_t *port);
int green__address_read_host(green_address *address, const green_address_parts *parts, uint16_t port);

#endif
