/* Resolving names to addresses, by the system's resolver on an OS thread. */
#include "../base/descriptor.h"
#include "../core/hub.h"
#include "address.h"

#include "../offload/job.h"

#include <ctype.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A separate pool: names that no server answers delay only other names. */
static green_offload_pool resolvers = GREEN_OFFLOAD_POOL(resolvers, "green-resolver", 16);

enum { SERVICE_MAX = 32 };

/* The parts of an address that are not numbers. */
enum missing { NOTHING, PORT, HOST };

struct lookup {
    green_job job;
    enum missing missing;
    char host[GREEN_HOST_MAX], service[SERVICE_MAX];
    struct addrinfo *found;
    int error; /* EAI_... */
    int system_error;
};

/* If no descriptor is left, the resolver can read no file and ask no server, and reports the
 * host as unknown. This detects that case. */
static void check_descriptors(struct lookup *lookup) {
    int fd = green__open("/", O_PATH, 0);
    if (fd >= 0) {
        close(fd);
    } else if (errno == EMFILE || errno == ENFILE) {
        lookup->error = EAI_SYSTEM;
        lookup->system_error = errno;
    }
}

static int ask(struct lookup *lookup, int type, int flags) {
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = flags};
    return getaddrinfo(lookup->missing == PORT ? NULL : lookup->host, lookup->service, &hints, &lookup->found);
}

/* TCP and UDP services with the same name have the same port. Some names exist for only
 * one of them. */
static int ask_each_type(struct lookup *lookup, int flags) {
    int error = ask(lookup, SOCK_STREAM, flags);
    return error == EAI_SERVICE ? ask(lookup, SOCK_DGRAM, flags) : error;
}

static void look_up(green_job *job) {
    struct lookup *lookup = GREEN_CONTAINER(job, struct lookup, job);
    int error = ask_each_type(lookup, AI_ADDRCONFIG);
    /* AI_ADDRCONFIG finds nothing on a machine whose only addresses are loopback addresses. */
    if (error == EAI_NONAME || error == EAI_ADDRFAMILY)
        error = ask_each_type(lookup, 0);
    lookup->error = error;
    lookup->system_error = errno;
    if (error == EAI_NONAME || error == EAI_AGAIN || error == EAI_FAIL || error == EAI_SERVICE)
        check_descriptors(lookup);
}

static void lookup_free(green_job *job) {
    struct lookup *lookup = GREEN_CONTAINER(job, struct lookup, job);
    if (lookup->found)
        freeaddrinfo(lookup->found);
    free(lookup);
}

static int fail(const struct lookup *lookup) {
    switch (lookup->error) {
    case EAI_SYSTEM:
        return green__fail(-lookup->system_error, "cannot resolve '%s'", lookup->host);
    case EAI_MEMORY:
        return green__fail(-ENOMEM, "cannot resolve '%s'", lookup->host);
    case EAI_AGAIN:
        return green__fail(-EAGAIN, "cannot resolve '%s': the name service did not answer; try again later",
                           lookup->host);
    case EAI_SERVICE:
        return green__fail(-EINVAL, "cannot resolve '%s': unknown service '%s'", lookup->host, lookup->service);
    default:
        return green__fail(-ENOENT, "cannot resolve '%s': %s", lookup->host, gai_strerror(lookup->error));
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

/* Whether the port may be a service name. The C library accepts "+80", " 80" and "-1" as
 * numbers. */
static bool names_service(const char *port) {
    return isalnum((unsigned char)*port) && port[strspn(port, "0123456789")] != '\0';
}

/* Parses the numeric parts and returns which part must be looked up: a service name, or a
 * host and its port. -EINVAL, explained. */
static int read_numbers(const green_address_parts *parts, green_address *address) {
    uint16_t port = 0;
    bool service = names_service(parts->port);
    int error = service ? 0 : green__address_read_port(parts, &port);
    if (error < 0)
        return error;
    if (strlen(parts->port) >= SERVICE_MAX)
        return green__fail(-EINVAL, "address '%.64s...': the port is too long", parts->text);
    error = green__address_read_host(address, parts, port);
    if (error == 0)
        return service ? PORT : NOTHING;
    return parts->bracketed ? error : HOST;
}

static struct lookup *lookup_make(const green_address_parts *parts, enum missing missing) {
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup) {
        green__fail(-ENOMEM, "cannot resolve '%s'", parts->text);
        return NULL;
    }
    lookup->job = (green_job){.run = look_up, .release = lookup_free, .owners = 1};
    lookup->missing = missing;
    strcpy(lookup->host, parts->host);
    strcpy(lookup->service, parts->port);
    return lookup;
}

/* Runs the look-up on an OS thread. Returns 0 or -errno, explained. */
static int run(green_hub *hub, struct lookup *lookup, int64_t timeout) {
    int error = green__job_run(hub, &resolvers, &lookup->job, timeout);
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "cannot resolve '%s': the name service did not answer", lookup->host);
    return error == 0 && lookup->error ? fail(lookup) : error;
}

/* Returns the number of addresses of the host, or 0 if only the port was looked up. */
static int look_up_missing(const green_address_parts *parts, enum missing missing, green_address *address,
                           green_address *addresses, size_t count, int64_t timeout) {
    int result = 0;
    green_address service;
    green_hub *hub = green__hub_here(&result);
    struct lookup *lookup = hub ? lookup_make(parts, missing) : NULL;
    if (!lookup)
        return hub ? -ENOMEM : result;
    result = run(hub, lookup, timeout);
    if (result == 0 && missing == HOST)
        result = copy(lookup->found, addresses, count);
    else if (result == 0 && copy(lookup->found, &service, 1) == 1)
        green_address_set_port(address, (uint16_t)green_address_port(&service));
    green__job_release(&lookup->job);
    return result;
}

static int resolve(const green_address_parts *parts, green_address *addresses, size_t count, int64_t timeout) {
    green_address address;
    int missing = read_numbers(parts, &address);
    if (missing < 0)
        return missing;
    if (missing != NOTHING) {
        int result = look_up_missing(parts, (enum missing)missing, &address, addresses, count, timeout);
        if (result < 0 || missing == HOST)
            return result;
    }
    if (count > 0)
        addresses[0] = address;
    return count > 0;
}

int green_resolve(green_address *addresses, size_t count, const char *text) {
    return green_resolve_within(addresses, count, text, GREEN_FOREVER);
}

int green_resolve_within(green_address *addresses, size_t count, const char *text, int64_t timeout) {
    green_address address;
    green_address_parts parts;
    int error = green_check_interrupt();
    if (error < 0)
        return error;
    if (!green__address_is_unix(text)) {
        error = green__address_split(&parts, text);
        return error < 0 ? error : resolve(&parts, addresses, count, timeout);
    }
    error = green_address_parse(&address, text);
    if (error < 0)
        return error;
    if (count > 0)
        addresses[0] = address;
    return count > 0;
}

/* A host alone is a name or a number. With ":port" appended, it could be parsed as
 * another form: "unix" as a path, "" and "*" as every local address. */
int green_resolve_host(green_address *addresses, size_t count, const char *host, uint16_t port, int64_t timeout) {
    char number[sizeof "65535"];
    size_t length = strlen(host);
    int error = green_check_interrupt();
    if (error < 0)
        return error;
    bool brackets = length > 2 && host[0] == '[' && host[length - 1] == ']';
    if (length == 0 || length >= GREEN_HOST_MAX || strcmp(host, "*") == 0)
        return green__fail(-EINVAL, "host '%.64s': neither a name nor a number", host);
    snprintf(number, sizeof number, "%u", port);
    green_address_parts parts = {.text = host, .port = number, .bracketed = brackets || memchr(host, ':', length)};
    memcpy(parts.host, host + brackets, length - 2 * brackets);
    return resolve(&parts, addresses, count, timeout);
}
