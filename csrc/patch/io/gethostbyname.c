/* gethostbyname(), gethostbyaddr() and their variants, which old libraries use. */
#include "getaddrinfo.h"

#include <stdlib.h>
#include <string.h>

/* A look-up by any of these calls. Has copies of the arguments and its own result, because
 * the caller of an interrupted look-up may be gone before it ends. */
struct hosts {
    char *name; /* NULL if the look-up is by address */
    unsigned char address[16];
    socklen_t length;
    int family;
    struct hostent host, *found;
    char *buffer;
    size_t size;
    int result, h_error, error;
};

static void hosts_free(void *argument) {
    struct hosts *hosts = argument;
    free(hosts->buffer);
    free(hosts->name);
    free(hosts);
}

static int ask(struct hosts *hosts) {
    if (!hosts->name)
        return green__real.gethostbyaddr_r(hosts->address, hosts->length, hosts->family, &hosts->host, hosts->buffer,
                                           hosts->size, &hosts->found, &hosts->h_error);
    return green__real.gethostbyname2_r(hosts->name, hosts->family, &hosts->host, hosts->buffer, hosts->size,
                                        &hosts->found, &hosts->h_error);
}

static int look_up(void *argument) {
    struct hosts *hosts = argument;
    do {
        char *larger = realloc(hosts->buffer, hosts->size += 8192);
        if (!larger) {
            hosts->result = ENOMEM;
            hosts->h_error = NETDB_INTERNAL;
            break;
        }
        hosts->buffer = larger;
        hosts->result = ask(hosts);
    } while (hosts->result == ERANGE && hosts->h_error == NETDB_INTERNAL);
    hosts->error = errno;
    return 0;
}

/* Copying out ------------------------------------------------------------------ */

struct room {
    char *at, *end;
};

static void *carve(struct room *room, size_t size, size_t alignment) {
    size_t offset = (size_t)(-(uintptr_t)room->at & (alignment - 1));
    if ((size_t)(room->end - room->at) < size + offset)
        return NULL;
    char *place = room->at + offset;
    room->at = place + size;
    return place;
}

/* Copies a list of pointers that ends with NULL, and the objects that they point to: objects
 * of the given size, or strings for 0. Returns NULL if there is not enough room. */
static char **copy_list(struct room *room, char *const *list, size_t size) {
    size_t count = 0;
    while (list[count])
        count++;
    char **copy = carve(room, (count + 1) * sizeof *copy, _Alignof(char *));
    for (size_t i = 0; copy && i < count; i++) {
        size_t bytes = size ? size : strlen(list[i]) + 1;
        copy[i] = carve(room, bytes, size ? 4 : 1);
        if (!copy[i])
            return NULL;
        memcpy(copy[i], list[i], bytes);
    }
    if (copy)
        copy[count] = NULL;
    return copy;
}

/* Returns false if there is not enough room. */
static bool copy_host(struct hostent *copy, const struct hostent *host, struct room room) {
    *copy = *host;
    char *name[] = {host->h_name, NULL};
    char **names = copy_list(&room, name, 0);
    copy->h_aliases = copy_list(&room, host->h_aliases, 0);
    copy->h_addr_list = copy_list(&room, host->h_addr_list, (size_t)host->h_length);
    if (!names || !copy->h_aliases || !copy->h_addr_list)
        return false;
    copy->h_name = names[0];
    return true;
}

/* The calls ----------------------------------------------------------------------- */

static struct hosts *make_by_name(const char *name, int family) {
    struct hosts *hosts = calloc(1, sizeof *hosts);
    if (hosts && !(hosts->name = strdup(name))) {
        free(hosts);
        hosts = NULL;
    }
    if (hosts)
        hosts->family = family;
    return hosts;
}

static struct hosts *make_by_address(const void *address, socklen_t length, int family) {
    struct hosts *hosts = length <= 16 ? calloc(1, sizeof *hosts) : NULL;
    if (hosts) {
        memcpy(hosts->address, address, length);
        hosts->length = length;
        hosts->family = family;
    }
    return hosts;
}

/* Implements the reentrant calls. Returns 0 or an errno. */
static int find(green_hub *hub, struct hosts *hosts, struct hostent *host, char *buffer, size_t size,
                struct hostent **found, int *h_error) {
    int error_number = errno;
    *found = NULL;
    *h_error = NETDB_INTERNAL;
    if (!hosts)
        return ENOMEM;
    if (green__resolver_run(hub, look_up, hosts, hosts_free) < 0)
        return errno;
    int result = hosts->result;
    *h_error = hosts->h_error;
    if (result == 0 && hosts->found) {
        if (copy_host(host, hosts->found, (struct room){buffer, buffer + size})) {
            *found = host;
        } else {
            *h_error = NETDB_INTERNAL;
            result = ERANGE;
        }
    }
    errno = result == 0 ? error_number : hosts->error;
    if (result == ERANGE)
        errno = ERANGE;
    hosts_free(hosts);
    return result;
}

int green__green_gethostbyname2_r(const char *restrict name, int family, struct hostent *restrict host,
                                  char *restrict buffer, size_t size, struct hostent **restrict found,
                                  int *restrict h_error) {
    green_hub *hub = green__may_park();
    if (!hub)
        return green__real.gethostbyname2_r(name, family, host, buffer, size, found, h_error);
    return find(hub, make_by_name(name, family), host, buffer, size, found, h_error);
}

int green__green_gethostbyname_r(const char *restrict name, struct hostent *restrict host, char *restrict buffer,
                                 size_t size, struct hostent **restrict found, int *restrict h_error) {
    if (!green__may_park())
        return green__real.gethostbyname_r(name, host, buffer, size, found, h_error);
    return green__green_gethostbyname2_r(name, AF_INET, host, buffer, size, found, h_error);
}

int green__green_gethostbyaddr_r(const void *restrict address, socklen_t length, int family,
                                 struct hostent *restrict host, char *restrict buffer, size_t size,
                                 struct hostent **restrict found, int *restrict h_error) {
    green_hub *hub = length <= 16 ? green__may_park() : NULL;
    if (!hub)
        return green__real.gethostbyaddr_r(address, length, family, host, buffer, size, found, h_error);
    return find(hub, make_by_address(address, length, family), host, buffer, size, found, h_error);
}

/* The other calls return a static result, which the next call overwrites, as in the C
 * library: a green thread must copy the result before it waits again. */
enum { RESULT_SIZE = 8192 };
static struct {
    struct hostent host;
    char buffer[RESULT_SIZE];
} static_result;

static struct hostent *find_static(green_hub *hub, struct hosts *hosts) {
    struct hostent *found;
    int h_error, error = find(hub, hosts, &static_result.host, static_result.buffer, RESULT_SIZE, &found, &h_error);
    if (error)
        errno = error;
    h_errno = h_error;
    return found;
}

struct hostent *green__green_gethostbyname2(const char *name, int family) {
    green_hub *hub = green__may_park();
    return hub ? find_static(hub, make_by_name(name, family)) : green__real.gethostbyname2(name, family);
}

struct hostent *green__green_gethostbyname(const char *name) {
    return green__may_park() ? green__green_gethostbyname2(name, AF_INET) : green__real.gethostbyname(name);
}

struct hostent *green__green_gethostbyaddr(const void *address, socklen_t length, int family) {
    green_hub *hub = length <= 16 ? green__may_park() : NULL;
    if (!hub)
        return green__real.gethostbyaddr(address, length, family);
    return find_static(hub, make_by_address(address, length, family));
}
