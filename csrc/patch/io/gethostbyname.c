/* gethostbyname(), gethostbyaddr() and their variants, which old libraries use. */
#include "getaddrinfo.h"

#include <stdlib.h>
#include <string.h>

/* A look-up by any of these calls. Has copies of the arguments and its own result, because
 * the caller of an interrupted look-up may be gone before it ends. */
struct host_lookup {
    char *name; /* NULL if the look-up is by address */
    unsigned char address[16];
    socklen_t length;
    int family;
    struct hostent host, *found;
    char *buffer;
    size_t size;
    int result, h_error, error;
};

static void lookup_free(void *argument) {
    struct host_lookup *lookup = argument;
    free(lookup->buffer);
    free(lookup->name);
    free(lookup);
}

static int ask(struct host_lookup *lookup) {
    if (!lookup->name)
        return green__real.gethostbyaddr_r(lookup->address, lookup->length, lookup->family, &lookup->host,
                                           lookup->buffer, lookup->size, &lookup->found, &lookup->h_error);
    return green__real.gethostbyname2_r(lookup->name, lookup->family, &lookup->host, lookup->buffer, lookup->size,
                                        &lookup->found, &lookup->h_error);
}

static int look_up(void *argument) {
    struct host_lookup *lookup = argument;
    do {
        char *larger = realloc(lookup->buffer, lookup->size += 8192);
        if (!larger) {
            lookup->result = ENOMEM;
            lookup->h_error = NETDB_INTERNAL;
            break;
        }
        lookup->buffer = larger;
        lookup->result = ask(lookup);
    } while (lookup->result == ERANGE && lookup->h_error == NETDB_INTERNAL);
    lookup->error = errno;
    return 0;
}

/* Copying out -------------------------------------------------------------- */

struct memory {
    char *at, *end;
};

static void *allocate(struct memory *memory, size_t size, size_t alignment) {
    size_t offset = (size_t)(-(uintptr_t)memory->at & (alignment - 1));
    if ((size_t)(memory->end - memory->at) < size + offset)
        return NULL;
    char *place = memory->at + offset;
    memory->at = place + size;
    return place;
}

/* Copies a list of pointers that ends with NULL, and the objects that they point to: objects
 * of the given size, or strings for 0. Returns NULL if there is not enough room. */
static char **copy_list(struct memory *memory, char *const *list, size_t size) {
    size_t count = 0;
    while (list[count])
        count++;
    char **copy = allocate(memory, (count + 1) * sizeof *copy, _Alignof(char *));
    for (size_t i = 0; copy && i < count; i++) {
        size_t bytes = size ? size : strlen(list[i]) + 1;
        copy[i] = allocate(memory, bytes, size ? 4 : 1);
        if (!copy[i])
            return NULL;
        memcpy(copy[i], list[i], bytes);
    }
    if (copy)
        copy[count] = NULL;
    return copy;
}

/* Returns false if there is not enough room. */
static bool copy_host(struct hostent *copy, const struct hostent *host, struct memory memory) {
    *copy = *host;
    char *name[] = {host->h_name, NULL};
    char **names = copy_list(&memory, name, 0);
    copy->h_aliases = copy_list(&memory, host->h_aliases, 0);
    copy->h_addr_list = copy_list(&memory, host->h_addr_list, (size_t)host->h_length);
    if (!names || !copy->h_aliases || !copy->h_addr_list)
        return false;
    copy->h_name = names[0];
    return true;
}

/* The calls ---------------------------------------------------------------- */

static struct host_lookup *make_by_name(const char *name, int family) {
    struct host_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup && !(lookup->name = strdup(name))) {
        free(lookup);
        lookup = NULL;
    }
    if (lookup)
        lookup->family = family;
    return lookup;
}

static struct host_lookup *make_by_address(const void *address, socklen_t length, int family) {
    struct host_lookup *lookup = length <= 16 ? calloc(1, sizeof *lookup) : NULL;
    if (lookup) {
        memcpy(lookup->address, address, length);
        lookup->length = length;
        lookup->family = family;
    }
    return lookup;
}

/* Implements the reentrant calls. Returns 0 or an errno. */
static int find(green_hub *hub, struct host_lookup *lookup, struct hostent *host, char *buffer, size_t size,
                struct hostent **found, int *h_error) {
    int error_number = errno;
    *found = NULL;
    *h_error = NETDB_INTERNAL;
    if (!lookup)
        return ENOMEM;
    if (green__resolver_run(hub, look_up, lookup, lookup_free) < 0)
        return errno;
    int result = lookup->result;
    *h_error = lookup->h_error;
    if (result == 0 && lookup->found) {
        if (copy_host(host, lookup->found, (struct memory){buffer, buffer + size})) {
            *found = host;
        } else {
            *h_error = NETDB_INTERNAL;
            result = ERANGE;
        }
    }
    errno = result == 0 ? error_number : lookup->error;
    if (result == ERANGE)
        errno = ERANGE;
    lookup_free(lookup);
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

static struct hostent *find_static(green_hub *hub, struct host_lookup *lookup) {
    struct hostent *found;
    int h_error, error = find(hub, lookup, &static_result.host, static_result.buffer, RESULT_SIZE, &found, &h_error);
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
