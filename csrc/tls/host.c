/* Converts a host name to the canonical form used for SNI, verification and sessions. */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static bool print_address(int family, const char *text, char host[GREEN_TLS_HOST_MAX]) {
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(family, text, bytes) == 1 && inet_ntop(family, bytes, host, GREEN_TLS_HOST_MAX);
}

/* The zone identifies the link. Certificates do not contain it. */
static bool read_ipv6(const char *text, size_t length, char host[GREEN_TLS_HOST_MAX]) {
    char copy[INET6_ADDRSTRLEN];
    const char *zone = memchr(text, '%', length);
    if (zone)
        length = (size_t)(zone - text);
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return print_address(AF_INET6, copy, host);
}

/* A final dot marks a fully qualified name. Certificates and the server name of a
 * handshake (RFC 6066) omit it. */
static bool read_name(const char *text, size_t length, char host[GREEN_TLS_HOST_MAX]) {
    length -= length > 0 && text[length - 1] == '.';
    if (length == 0 || length >= GREEN_TLS_HOST_MAX || text[0] == '.' || text[length - 1] == '.')
        return false;
    for (size_t i = 0; i < length; i++)
        host[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    host[length] = '\0';
    return true;
}

int green__tls_parse_host(const char *text, char host[GREEN_TLS_HOST_MAX], bool *is_address) {
    size_t length = strlen(text);
    if (length == 0)
        return green__fail(-EINVAL, "TLS: there is no host name to verify");
    bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    *is_address = bracketed ? read_ipv6(text + 1, length - 2, host) : read_ipv6(text, length, host);
    if (*is_address)
        return 0;
    if (bracketed || !read_name(text, length, host))
        return green__fail(-EINVAL, "TLS: '%.300s' is not a host name", text);
    *is_address = print_address(AF_INET, host, host);
    return 0;
}
