/* Names to addresses, by the system's resolver on a native thread. */
#include "../base/descriptor.h"
#include "../offload/offload.h"

#include <green/address.h>

#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of its own: names that nobody answers for hold up only names. */
static green_offload_pool resolvers = GREEN_OFFLOAD_POOL(resolvers, "green-resolver", 16);

enum { HOST_MAX = 256, SERVICE_MAX = 32 };

struct lookup {
    green_job job;
    char host[HOST_MAX], service[SERVICE_MAX];
    struct addrinfo *found;
    int error; /* EAI_... */
    int system_error;
};

/* Without a descriptor the resolver reads no file, asks nobody, and takes the host for
 * unknown. */
static void look_for_descriptor(struct lookup *lookup) {
    int fd = green__open("/", O_PATH, 0);
    if (fd >= 0) {
        close(fd);
    } else if (errno == EMFILE || errno == ENFILE) {
        lookup->error = EAI_SYSTEM;
        lookup->system_error = errno;
    }
}

static void look_up(green_job *job) {
    struct lookup *lookup = GREEN_CONTAINER(job, struct lookup, job);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    lookup->error = getaddrinfo(lookup->host, lookup->service, &hints, &lookup->found);
    /* A machine with no address but the loopback's still has that one. */
    if (lookup->error == EAI_NONAME || lookup->error == EAI_ADDRFAMILY) {
        hints.ai_flags = 0;
        lookup->error = getaddrinfo(lookup->host, lookup->service, &hints, &lookup->found);
    }
    lookup->system_error = errno;
    if (lookup->error == EAI_NONAME || lookup->error == EAI_AGAIN || lookup->error == EAI_FAIL)
        look_for_descriptor(lookup);
}

static void lookup_free(green_job *job) {
    struct lookup *lookup = GREEN_CONTAINER(job, struct lookup, job);
    if (lookup->found)
        freeaddrinfo(lookup->found);
    free(lookup);
}

static int split(const char *text, struct lookup *lookup) {
    const char *colon = strrchr(text, ':');
    size_t host = colon ? (size_t)(colon - text) : 0;
    if (!colon || host == 0 || !colon[1] || memchr(text, ':', host))
        return green__fail(-EINVAL, "address '%s': neither an address nor 'host:port'", text);
    if (host >= HOST_MAX || strlen(colon + 1) >= SERVICE_MAX)
        return green__fail(-EINVAL, "address '%.64s...': the host or the port is too long", text);
    /* The resolver cuts larger numbers without a word. */
    if (strspn(colon + 1, "0123456789") == strlen(colon + 1) && strtoul(colon + 1, NULL, 10) > UINT16_MAX)
        return green__fail(-EINVAL, "address '%s': '%s' is not a port from 0 to 65535", text, colon + 1);
    memcpy(lookup->host, text, host);
    strcpy(lookup->service, colon + 1);
    return 0;
}

static int fail(const struct lookup *lookup) {
    switch (lookup->error) {
    case EAI_SYSTEM:
        return green__fail(-lookup->system_error, "looking up '%s'", lookup->host);
    case EAI_MEMORY:
        return green__fail(-ENOMEM, "looking up '%s'", lookup->host);
    case EAI_AGAIN:
        return green__fail(-EAGAIN, "looking up '%s': the name service did not answer, try again later", lookup->host);
    case EAI_SERVICE:
        return green__fail(-EINVAL, "looking up '%s': there is no service '%s'", lookup->host, lookup->service);
    default:
        return green__fail(-ENOENT, "looking up '%s': %s", lookup->host, gai_strerror(lookup->error));
    }
}

static int copy(const struct addrinfo *found, green_address *addresses, size_t count) {
    int copied = 0;
    for (; found && (size_t)copied < count; found = found->ai_next)
        if (found->ai_addrlen <= sizeof addresses->storage) {
            addresses[copied] = (green_address){.length = found->ai_addrlen};
            memcpy(&addresses[copied++].storage, found->ai_addr, found->ai_addrlen);
        }
    return copied;
}

/* An address needs no look-up; with one of these it can be nothing else. */
static bool is_address(const char *text) {
    return strncmp(text, "unix:", 5) == 0 || text[0] == '[';
}

int green_resolve(green_address *addresses, size_t count, const char *text) {
    return green_resolve_within(addresses, count, text, GREEN_FOREVER);
}

int green_resolve_within(green_address *addresses, size_t count, const char *text, int64_t timeout) {
    green_address address;
    int error = green_address_parse(&address, text);
    if (error == 0 && count > 0)
        addresses[0] = address;
    if (error == 0)
        return count > 0;
    if (is_address(text))
        return error;

    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return green__fail(-ENOMEM, "looking up '%s'", text);
    lookup->job = (green_job){.run = look_up, .release = lookup_free, .owners = 1, .done = -1};
    error = split(text, lookup);
    if (error == 0)
        error = green__offload(hub, &resolvers, &lookup->job, timeout);
    if (error == -ETIMEDOUT)
        green__fail(error, "looking up '%s': the name service has not answered yet", lookup->host);
    if (error == 0)
        error = lookup->error ? fail(lookup) : copy(lookup->found, addresses, count);
    green__offload_release(&lookup->job);
    return error;
}
