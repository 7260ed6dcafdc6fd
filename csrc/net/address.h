/* The parts of an address as text, for those who look up what is no number. */
#ifndef GREEN_NET_ADDRESS_H
#define GREEN_NET_ADDRESS_H

#include <green/address.h>

enum { GREEN_HOST_MAX = 256 };

typedef struct green_address_parts {
    const char *text; /* all of it, for messages */
    const char *port; /* its end */
    bool bracketed;
    char host[GREEN_HOST_MAX]; /* without brackets; "" and "*" are any */
} green_address_parts;

/* Whether it is the text of a unix address, which has no parts. */
bool green__address_is_unix(const char *text);

/* Splits "host:port" or "[host]:port". -EINVAL, explained. */
int green__address_split(green_address_parts *parts, const char *text);

/* Reads the port as a number, and the host as the number of an address. -EINVAL,
 * explained. */
int green__address_read_port(const green_address_parts *parts, uint16_t *port);
int green__address_read_host(green_address *address, const green_address_parts *parts, uint16_t port);

#endif
