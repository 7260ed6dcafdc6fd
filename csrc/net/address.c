/* Socket addresses as text and back. */
#include "address.h"

#include "../base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const char UNIX_PREFIX[] = "unix:";

static struct sockaddr_in *ipv4(green_address *address) {
    return (struct sockaddr_in *)&address->storage;
}

static struct sockaddr_in6 *ipv6(green_address *address) {
    return (struct sockaddr_in6 *)&address->storage;
}

static const struct sockaddr_un *local(const green_address *address) {
    return (const struct sockaddr_un *)&address->storage;
}

static int parse_unix(green_address *address, const char *path) {
    struct sockaddr_un *un = (struct sockaddr_un *)&address->storage;
    size_t length = strlen(path);
    if (length == 0)
        return green__fail(-EINVAL, "address 'unix:': the path is missing");
    if (length >= sizeof un->sun_path)
        return green__fail(-ENAMETOOLONG, "address 'unix:%s': the path has %zu bytes, at most %zu fit", path, length,
                           sizeof un->sun_path - 1);
    *address = (green_address){0};
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, length);
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    if (path[0] == '@') { /* an abstract name has no final NUL: its length ends it */
        un->sun_path[0] = '\0';
        address->length--;
    }
    return 0;
}

int green__address_read_port(const green_address_parts *parts, uint16_t *port) {
    const char *text = parts->port;
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number > UINT16_MAX)
        return green__fail(-EINVAL, "address '%s': '%s' is not a port from 0 to 65535", parts->text, text);
    *port = (uint16_t)number;
    return 0;
}

/* The index of an interface, by name or number; 0 if there is none. */
static uint32_t zone_index(const char *zone) {
    char *end;
    unsigned index = if_nametoindex(zone);
    if (index)
        return index;
    errno = 0;
    unsigned long number = strtoul(zone, &end, 10);
    bool is_number = *zone >= '0' && *zone <= '9' && *end == '\0' && errno == 0;
    return is_number && number <= UINT32_MAX ? (uint32_t)number : 0;
}

static int read_ipv6(green_address *address, const green_address_parts *parts, uint16_t port) {
    char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    struct sockaddr_in6 *in6 = ipv6(address);
    size_t length = strlen(parts->host);
    if (length >= sizeof copy)
        return green__fail(-EINVAL, "address '%s': '%s' is not an IPv6 address", parts->text, parts->host);
    memcpy(copy, parts->host, length + 1);
    char *zone = strchr(copy, '%');
    if (zone)
        *zone++ = '\0';
    *address = (green_address){.length = sizeof *in6};
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    if (inet_pton(AF_INET6, copy, &in6->sin6_addr) != 1)
        return green__fail(-EINVAL, "address '%s': '%s' is not an IPv6 address", parts->text, parts->host);
    if (zone && !(in6->sin6_scope_id = zone_index(zone)))
        return green__fail(-EINVAL, "address '%s': there is no interface '%s'", parts->text, zone);
    return 0;
}

static int read_ipv4(green_address *address, const green_address_parts *parts, uint16_t port) {
    struct sockaddr_in *in = ipv4(address);
    *address = (green_address){.length = sizeof *in};
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    if (*parts->host == '\0' || strcmp(parts->host, "*") == 0)
        in->sin_addr.s_addr = htonl(INADDR_ANY);
    else if (inet_pton(AF_INET, parts->host, &in->sin_addr) != 1)
        return green__fail(-EINVAL, "address '%s': '%s' is not an IPv4 address (resolve host names first)", parts->text,
                           parts->host);
    return 0;
}

int green__address_read_host(green_address *address, const green_address_parts *parts, uint16_t port) {
    int error = parts->bracketed ? read_ipv6(address, parts, port) : read_ipv4(address, parts, port);
    if (error < 0)
        address->length = 0;
    return error;
}

bool green__address_is_unix(const char *text) {
    return strncmp(text, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0;
}

int green__address_split(green_address_parts *parts, const char *text) {
    const char *colon = strrchr(text, ':');
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
    if (text[0] == '[' && !bracket)
        return green__fail(-EINVAL, "address '%s': the ']' is missing", text);
    if (!colon || (bracket && colon != bracket + 1))
        return green__fail(-EINVAL, "address '%s': the port is missing, as in '127.0.0.1:80', '[::1]:80'", text);
    if (!bracket && memchr(text, ':', (size_t)(colon - text)))
        return green__fail(-EINVAL, "address '%s': an IPv6 address needs brackets, as in '[::1]:80'", text);
    const char *begin = bracket ? text + 1 : text, *end = bracket ? bracket : colon;
    size_t length = (size_t)(end - begin);
    if (length >= sizeof parts->host)
        return green__fail(-EINVAL, "address '%.64s...': the host is too long", text);
    parts->text = text;
    parts->port = colon + 1;
    parts->bracketed = bracket != NULL;
    memcpy(parts->host, begin, length);
    parts->host[length] = '\0';
    return 0;
}

int green_address_parse(green_address *address, const char *text) {
    green_address_parts parts;
    uint16_t port = 0;
    *address = (green_address){0};
    if (green__address_is_unix(text))
        return parse_unix(address, text + sizeof UNIX_PREFIX - 1);
    int error = green__address_split(&parts, text);
    if (error == 0)
        error = green__address_read_port(&parts, &port);
    return error < 0 ? error : green__address_read_host(address, &parts, port);
}

/* An abstract name may contain NULs. They are printed as '@', like the first one, as in
 * /proc/net/unix. */
static int print_unix(const green_address *address, char *text, size_t size) {
    char name[sizeof local(address)->sun_path];
    size_t header = offsetof(struct sockaddr_un, sun_path);
    size_t length = address->length > header ? address->length - header : 0;
    if (length > sizeof name)
        length = sizeof name;
    memcpy(name, local(address)->sun_path, length);
    bool abstract = length > 0 && name[0] == '\0';
    for (size_t i = 0; abstract && i < length; i++)
        if (name[i] == '\0')
            name[i] = '@';
    return snprintf(text, size, "unix:%.*s", (int)strnlen(name, length), name);
}

size_t green_address_print(const green_address *address, char *text, size_t size) {
    char host[INET6_ADDRSTRLEN] = "", zone[IF_NAMESIZE + 1] = "";
    int length;
    switch (address->length ? address->storage.ss_family : AF_UNSPEC) {
    case AF_INET: {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        length = snprintf(text, size, "%s:%u", host, ntohs(in->sin_port));
        break;
    }
    case AF_INET6: {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        if (in6->sin6_scope_id) {
            zone[0] = '%';
            if (!if_indextoname(in6->sin6_scope_id, zone + 1))
                snprintf(zone + 1, sizeof zone - 1, "%u", in6->sin6_scope_id);
        }
        length = snprintf(text, size, "[%s%s]:%u", host, zone, ntohs(in6->sin6_port));
        break;
    }
    case AF_UNIX:
        length = print_unix(address, text, size);
        break;
    default:
        length = snprintf(text, size, "(no address)");
    }
    return length > 0 ? (size_t)length : 0;
}

int green_address_port(const green_address *address) {
    if (address->storage.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
    if (address->storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
    return -1;
}

void green_address_set_port(green_address *address, uint16_t port) {
    if (address->storage.ss_family == AF_INET)
        ipv4(address)->sin_port = htons(port);
    else if (address->storage.ss_family == AF_INET6)
        ipv6(address)->sin6_port = htons(port);
}

bool green_address_equal(const green_address *a, const green_address *b) {
    return a->length == b->length && memcmp(&a->storage, &b->storage, a->length) == 0;
}

int green__address_of(int fd, green_address_query *query, green_address *address) {
    *address = (green_address){.length = sizeof address->storage};
    int error = fd < 0 ? -EBADF : query(fd, (struct sockaddr *)&address->storage, &address->length) < 0 ? -errno : 0;
    if (error < 0)
        address->length = 0;
    return error;
}

int green__address_bind(int fd, const green_address *address) {
    return bind(fd, (const struct sockaddr *)&address->storage, address->length) < 0 ? -errno : 0;
}
