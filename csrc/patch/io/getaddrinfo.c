/* getaddrinfo() and getnameinfo(). */
#include "getaddrinfo.h"

#include "../../offload/job.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* A pool of its own, so that name servers that do not respond delay only look-ups. */
static green_offload_pool resolvers = GREEN_OFFLOAD_POOL(resolvers, "green-names", 16);

int green__resolver_run(green_hub *hub, int (*look_up)(void *), void *argument, void (*abandon)(void *)) {
    int error = green_offload(&resolvers, look_up, argument, abandon, NULL, GREEN_FOREVER);
    return error < 0 ? green__wait_fds_end_failed(hub, error, ETIMEDOUT) : 0;
}

/* Names to addresses ------------------------------------------------------- */

struct lookup {
    char *node, *service; /* copies in `text`, NULL like the caller's */
    struct addrinfo hints, *found;
    bool has_hints;
    int result, error;
    char text[];
};

static int look_up(void *argument) {
    struct lookup *lookup = argument;
    lookup->result = green__real.getaddrinfo(lookup->node, lookup->service, lookup->has_hints ? &lookup->hints : NULL,
                                             &lookup->found);
    lookup->error = errno;
    return 0;
}

static void lookup_free(void *argument) {
    struct lookup *lookup = argument;
    if (lookup->found)
        freeaddrinfo(lookup->found);
    free(lookup);
}

static struct lookup *lookup_make(const char *node, const char *service, const struct addrinfo *hints) {
    size_t node_size = strlen(node) + 1, service_size = service ? strlen(service) + 1 : 0;
    struct lookup *lookup = calloc(1, sizeof *lookup + node_size + service_size);
    if (!lookup)
        return NULL;
    lookup->node = memcpy(lookup->text, node, node_size);
    if (service)
        lookup->service = memcpy(lookup->text + node_size, service, service_size);
    if ((lookup->has_hints = hints != NULL))
        lookup->hints = *hints;
    return lookup;
}

/* Whether the node is a numeric address, which needs no name server. */
static bool is_numeric(const char *node) {
    struct in6_addr address;
    return !node || inet_pton(AF_INET, node, &address) == 1 || inet_pton(AF_INET6, node, &address) == 1;
}

int green__green_getaddrinfo(const char *restrict node, const char *restrict service,
                             const struct addrinfo *restrict hints, struct addrinfo **restrict found) {
    green_hub *hub = is_numeric(node) || (hints && (hints->ai_flags & AI_NUMERICHOST)) ? NULL : green__may_park();
    if (!hub)
        return green__real.getaddrinfo(node, service, hints, found);
    int error_number = errno;
    struct lookup *lookup = lookup_make(node, service, hints);
    if (!lookup)
        return EAI_MEMORY;
    if (green__resolver_run(hub, look_up, lookup, lookup_free) < 0)
        return EAI_SYSTEM;
    int result = lookup->result;
    errno = result == EAI_SYSTEM ? lookup->error : error_number;
    if (result == 0) {
        *found = lookup->found;
        lookup->found = NULL;
    }
    lookup_free(lookup);
    return result;
}

/* Addresses to names ------------------------------------------------------- */

struct reverse_lookup {
    struct sockaddr_storage address;
    socklen_t length;
    socklen_t host_size, service_size;
    int flags, result, error;
    char host[NI_MAXHOST], service[NI_MAXSERV];
};

static int look_up_name(void *argument) {
    struct reverse_lookup *lookup = argument;
    lookup->result = green__real.getnameinfo(
        (struct sockaddr *)&lookup->address, lookup->length, lookup->host_size ? lookup->host : NULL, lookup->host_size,
        lookup->service_size ? lookup->service : NULL, lookup->service_size, lookup->flags);
    lookup->error = errno;
    return 0;
}

static socklen_t at_most(socklen_t size, size_t most) {
    return size < most ? size : (socklen_t)most;
}

int green__green_getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host,
                             socklen_t host_size, char *restrict service, socklen_t service_size, int flags) {
    bool needs_no_server = (flags & NI_NUMERICHOST) || !host || length > sizeof(struct sockaddr_storage);
    green_hub *hub = needs_no_server ? NULL : green__may_park();
    if (!hub)
        return green__real.getnameinfo(address, length, host, host_size, service, service_size, flags);
    int error_number = errno;
    struct reverse_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return EAI_MEMORY;
    memcpy(&lookup->address, address, length);
    lookup->length = length;
    lookup->host_size = at_most(host_size, sizeof lookup->host);
    lookup->service_size = service ? at_most(service_size, sizeof lookup->service) : 0;
    lookup->flags = flags;
    if (green__resolver_run(hub, look_up_name, lookup, free) < 0)
        return EAI_SYSTEM;
    int result = lookup->result;
    errno = result == EAI_SYSTEM ? lookup->error : error_number;
    if (result == 0 && lookup->host_size)
        strcpy(host, lookup->host);
    if (result == 0 && lookup->service_size)
        strcpy(service, lookup->service);
    free(lookup);
    return result;
}
