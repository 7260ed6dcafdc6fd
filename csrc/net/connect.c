/* Connecting to one address, or to the first of several that answers. */
#include "../base/descriptor.h"
#include "address.h"
#include "socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 16 };

/* Time between the starts of two attempts (RFC 8305). */
static const int64_t ATTEMPT_DELAY = INT64_C(250) * 1000 * 1000;

struct connecting {
    green_io io;
    const green_address *to;
};

static void describe(const green_wait *wait, char *text, size_t size) {
    char address[GREEN_ADDRESS_TEXT_MAX];
    green_address_print(GREEN_CONTAINER(wait, const struct connecting, io.wait)->to, address, sizeof address);
    snprintf(text, size, "connecting to %s", address);
}

static const green_wait_kind connecting = {green__io_cancel, describe};

static const char *advice(int error) {
    switch (error) {
    case -ECONNREFUSED:
        return "nothing listens there";
    case -EMFILE:
        return GREEN_ADVICE_EMFILE;
    case -EADDRNOTAVAIL:
        return "this machine does not have the local address, or all its ports are in use";
    case -ETIMEDOUT:
        return "the peer did not answer in time";
    default:
        return "";
    }
}

static int explain(int error, const green_address *to, const green_address *from) {
    char there[GREEN_ADDRESS_TEXT_MAX], here[GREEN_ADDRESS_TEXT_MAX];
    if (green__is_explained(error))
        return error;
    green_address_print(to, there, sizeof there);
    if (!from)
        return green__fail_with_advice(error, advice(error), "cannot connect to %s", there);
    green_address_print(from, here, sizeof here);
    return green__fail_with_advice(error, advice(error), "cannot connect to %s from %s", there, here);
}

/* Returns a descriptor bound to `from`, or -errno. */
static int open_descriptor(const green_address *to, const green_address *from) {
    int fd = green__above_stdio(socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return -errno;
    int yes = 1, error = 0;
    bool internet = to->storage.ss_family != AF_UNIX;
    if (internet && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0)
        error = -errno;
    /* Without this option, bind() reserves a port for this connection alone. Kernels before
     * Linux 4.2 do not have it. */
    if (internet && from && green_address_port(from) == 0)
        (void)!setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (error == 0 && from)
        error = green__address_bind(fd, from);
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

static int connect_once(green_hub *hub, struct connecting *call, int fd, int64_t deadline) {
    green__io_init(hub, &call->io, &connecting, GREEN_OP_CONNECT, fd);
    call->io.op.address = (void *)&call->to->storage;
    call->io.op.length = call->to->length;
    return green__io_run(hub, &call->io, green__time_left(deadline));
}

/* A connect interrupted by a signal continues in the background. A second call reports
 * this. */
static int connect_descriptor(green_hub *hub, int fd, const green_address *to, int64_t deadline) {
    struct connecting call = {.to = to};
    for (;;) {
        int error = connect_once(hub, &call, fd, deadline);
        if (error == -EALREADY)
            error = green_wait_fd(fd, POLLOUT, green__time_left(deadline));
        else if (error != -EINTR)
            return error == -EISCONN ? 0 : error;
        if (error < 0 && error != -EINTR)
            return error;
        if (green__time_left(deadline) == 0)
            return -ETIMEDOUT;
        if ((error = green__begin(hub, deadline)) < 0)
            return error;
    }
}

/* If no socket listens on the destination, the kernel may select its port as the source
 * port, and TCP connects the socket to itself (a simultaneous open). */
static bool is_connected_to_itself(int fd, const green_address *to) {
    green_address here, there;
    return green_address_port(to) > 0 && green__address_of(fd, getsockname, &here) == 0 &&
           green_address_port(&here) == green_address_port(to) && green__address_of(fd, getpeername, &there) == 0 &&
           green_address_equal(&here, &there);
}

/* Closes without TIME_WAIT, in which a server could not bind the port. */
static int refuse_itself(int fd) {
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    return -ECONNREFUSED;
}

/* The timeout of the call has expired, not only that of the kernel's attempts. */
static bool is_late(int error, int64_t deadline) {
    return error == -ETIMEDOUT && green__time_left(deadline) == 0;
}

static int explain_late(int64_t timeout, const green_address *to, const green_address *from) {
    char there[GREEN_ADDRESS_TEXT_MAX], here[GREEN_ADDRESS_TEXT_MAX] = "";
    green_address_print(to, there, sizeof there);
    if (from)
        green_address_print(from, here, sizeof here);
    return green__fail_timed_out(timeout, "cannot connect to %s%s%s: the peer did not answer", there,
                                 from ? " from " : "", here);
}

static int attempt(green_hub *hub, const green_address *to, const green_address *from, int64_t timeout,
                   green_socket **made) {
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    int fd = open_descriptor(to, from);
    if (fd < 0)
        return explain(fd, to, from);
    int64_t deadline = green__deadline_after(timeout);
    error = connect_descriptor(hub, fd, to, deadline);
    if (error == 0 && is_connected_to_itself(fd, to))
        error = refuse_itself(fd);
    if (error == 0)
        error = green__socket_make(hub, fd, made);
    if (error == 0)
        return 0;
    green__io_close_fd(hub, fd);
    return is_late(error, deadline) ? explain_late(timeout, to, from) : explain(error, to, from);
}

/* Several attempts, each in its own green thread. The first success wins. */
struct race {
    green_hub *hub;
    const green_address *from;
    green_socket *winner;
    int error; /* of the last attempt that failed */
    size_t running;
    green_wait *waiting; /* the caller, while it waits for an attempt to end */
};

struct runner {
    struct race *race;
    green_address to;
    green_thread *thread;
};

static void attempt_ended(struct race *race) {
    race->running--;
    if (race->waiting) {
        green__ready(race->waiting->thread);
        race->waiting = NULL;
    }
}

static int run(void *argument) {
    struct runner *runner = argument;
    struct race *race = runner->race;
    green_socket *socket;
    int error = attempt(race->hub, &runner->to, race->from, GREEN_FOREVER, &socket);
    if (error < 0)
        race->error = error;
    else if (race->winner)
        green_socket_release(socket);
    else
        race->winner = socket;
    attempt_ended(race);
    return 0;
}

static void never_ran(void *argument) {
    attempt_ended(((struct runner *)argument)->race);
}

struct race_wait {
    green_wait wait;
    struct race *race;
};

static void stop_waiting(green_wait *wait) {
    GREEN_CONTAINER(wait, struct race_wait, wait)->race->waiting = NULL;
    green__ready(wait->thread);
}

static void describe_race(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "connecting to one of %zu addresses",
             GREEN_CONTAINER(wait, const struct race_wait, wait)->race->running);
}

static const green_wait_kind racing = {stop_waiting, describe_race};
static const green_wait_kind ending = {NULL, describe_race};

static int await_attempt(struct race *race, const green_wait_kind *kind, int64_t timeout) {
    struct race_wait race_wait = {.race = race};
    green__wait_init(race->hub, &race_wait.wait, kind);
    race->waiting = &race_wait.wait;
    green__park_for(race->hub, &race_wait.wait, timeout);
    /* An attempt may succeed after an interrupt has ended the wait. Then the interrupt stays
     * pending for the next call. */
    return race_wait.wait.cancelled && !race->winner ? green__wait_error(race->hub, &race_wait.wait) : 0;
}

/* Starts one attempt after another until one succeeds or all have failed. */
static int run_race(struct race *race, struct runner *runners, size_t count, int64_t deadline) {
    static const green_spawn_options options = {.name = "connect", .discard = never_ran};
    for (size_t started = 0; !race->winner;) {
        if (started < count) {
            int error = green_spawn_with(&runners[started].thread, &options, run, &runners[started]);
            if (error < 0)
                return error;
            race->running++;
            started++;
        } else if (race->running == 0) {
            return race->error;
        }
        int64_t left = green__time_left(deadline);
        if (left == 0)
            return -ETIMEDOUT;
        bool last = started == count;
        int64_t pause = last || (left >= 0 && left < ATTEMPT_DELAY) ? left : ATTEMPT_DELAY;
        int error = green__begin(race->hub, pause);
        if (error == 0)
            error = await_attempt(race, &racing, pause);
        if (error < 0 && (error != -ETIMEDOUT || last))
            return error;
    }
    return 0;
}

/* Kills the remaining attempts and waits until all have ended, because their records are on
 * this stack. An interrupt of the caller stays pending for its next call. */
static void end_race(struct race *race, struct runner *runners, size_t count) {
    for (size_t i = 0; i < count && runners[i].thread; i++)
        green_thread_kill(runners[i].thread);
    while (race->running > 0)
        await_attempt(race, &ending, GREEN_FOREVER);
    for (size_t i = 0; i < count; i++)
        green_thread_release(runners[i].thread);
}

/* Alternates between the address families, beginning with the family of the first
 * address. */
static void interleave(const green_address *addresses, struct runner *runners, size_t count, struct race *race) {
    size_t next[2] = {0, 0}; /* of the first family, of the others */
    for (size_t i = 0; i < count; i++) {
        size_t found = count;
        for (size_t pass = 0; pass < 2 && found == count; pass++) {
            bool others = (i + pass) % 2;
            for (found = next[others]; found < count; found++)
                if ((addresses[found].storage.ss_family != addresses[0].storage.ss_family) == others)
                    break;
            next[others] = found == count ? count : found + 1;
        }
        runners[i] = (struct runner){.race = race, .to = addresses[found]};
    }
}

static int connect_to_first(green_hub *hub, const green_address *addresses, size_t count, const green_address *from,
                            int64_t deadline, const char *to, green_socket **made) {
    struct runner runners[ADDRESSES_MAX];
    struct race race = {.hub = hub, .from = from, .error = -ENOENT};
    interleave(addresses, runners, count, &race);
    int error = run_race(&race, runners, count, deadline);
    end_race(&race, runners, count);
    if (race.winner && error == 0) {
        *made = race.winner;
        return 0;
    }
    green_socket_release(race.winner);
    return green__is_explained(error)
               ? error
               : green__fail_with_advice(error, advice(error), "cannot connect to '%s' (%zu addresses)", to, count);
}

static int64_t timeout_of(const green_connect_options *options) {
    return options && options->timeout > 0 ? options->timeout : GREEN_FOREVER;
}

int green_connect_address(green_socket **socket, const green_address *to, const green_connect_options *options) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    return hub ? attempt(hub, to, options ? options->from : NULL, timeout_of(options), socket) : error;
}

static int fail_late(const green_connect_options *options, const char *to) {
    return green__fail_timed_out(timeout_of(options), "cannot connect to '%s': no address answered", to);
}

/* Connects to the resolved addresses, or returns the error of the resolution. */
static int connect_found(green_socket **socket, const char *to, const green_address *addresses, int count,
                         const green_connect_options *options, int64_t deadline) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (count < 0 || !hub)
        return count < 0 ? count : error;
    const green_address *from = options ? options->from : NULL;
    int64_t left = green__time_left(deadline);
    if (left == 0)
        return fail_late(options, to);
    if (count == 1) {
        error = attempt(hub, &addresses[0], from, left, socket);
        return is_late(error, deadline) ? explain_late(timeout_of(options), &addresses[0], from) : error;
    }
    error = connect_to_first(hub, addresses, (size_t)count, from, deadline, to, socket);
    return is_late(error, deadline) ? fail_late(options, to) : error;
}

int green_connect(green_socket **socket, const char *to, const green_connect_options *options) {
    green_address addresses[ADDRESSES_MAX];
    int64_t timeout = timeout_of(options), deadline = green__deadline_after(timeout);
    int count = green_resolve_within(addresses, ADDRESSES_MAX, to, timeout);
    return connect_found(socket, to, addresses, count, options, deadline);
}

int green_connect_host(green_socket **socket, const char *host, uint16_t port, const green_connect_options *options) {
    green_address addresses[ADDRESSES_MAX];
    int64_t timeout = timeout_of(options), deadline = green__deadline_after(timeout);
    int count = green_resolve_host(addresses, ADDRESSES_MAX, host, port, timeout);
    return connect_found(socket, host, addresses, count, options, deadline);
}
