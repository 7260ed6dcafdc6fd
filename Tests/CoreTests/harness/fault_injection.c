#include "fault_injection.h"

#include <fcntl.h>
#include <liburing.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

static struct {
    atomic_uint kinds;            /* kinds of calls that fail; 0: none */
    atomic_uint count;            /* calls made */
    atomic_uint first, last;      /* the range of calls that fail, from 1 */
    _Atomic(const char *) failed; /* the first call that failed */
} failing;

/* Allocations and mappings of wrapped calls that were not freed. */
static atomic_long allocations, mappings;

static const char *running, *running_on;

static bool fails(unsigned kind, const char *call) {
    if (!(atomic_load(&failing.kinds) & kind))
        return false;
    unsigned number = atomic_fetch_add(&failing.count, 1) + 1;
    if (number < failing.first || number > failing.last)
        return false;
    if (!failing.failed)
        failing.failed = call;
    return true;
}

bool should_fail(const char *call) {
    return fails(FAIL_MEMORY, call);
}

unsigned fail_calls(unsigned kinds, unsigned first, unsigned last) {
    atomic_store(&failing.kinds, 0);
    unsigned made = atomic_exchange(&failing.count, 0);
    if (kinds) {
        failing.first = first;
        failing.last = last;
        failing.failed = NULL;
    }
    atomic_store(&failing.kinds, kinds);
    return made;
}

/* Memory -------------------------------------------------------------------- */

#define WRAPPED(result, name, ...)                                                                                     \
    result __real_##name(__VA_ARGS__);                                                                                 \
    result __wrap_##name(__VA_ARGS__);                                                                                 \
    result __wrap_##name(__VA_ARGS__)

#define FAIL_IF(kind, call, error, result)                                                                             \
    do {                                                                                                               \
        if (fails(kind, call)) {                                                                                       \
            errno = error;                                                                                             \
            return result;                                                                                             \
        }                                                                                                              \
    } while (0)

static void *counted(void *memory) {
    allocations += memory != NULL;
    return memory;
}

WRAPPED(void *, malloc, size_t size) {
    FAIL_IF(FAIL_MEMORY, "malloc", ENOMEM, NULL);
    return counted(__real_malloc(size));
}

WRAPPED(void *, calloc, size_t count, size_t size) {
    FAIL_IF(FAIL_MEMORY, "calloc", ENOMEM, NULL);
    return counted(__real_calloc(count, size));
}

WRAPPED(void *, realloc, void *memory, size_t size) {
    FAIL_IF(FAIL_MEMORY, "realloc", ENOMEM, NULL);
    void *moved = __real_realloc(memory, size);
    allocations += !memory && moved;
    return moved;
}

WRAPPED(void *, aligned_alloc, size_t alignment, size_t size) {
    FAIL_IF(FAIL_MEMORY, "aligned_alloc", ENOMEM, NULL);
    return counted(__real_aligned_alloc(alignment, size));
}

WRAPPED(char *, strdup, const char *text) {
    FAIL_IF(FAIL_MEMORY, "strdup", ENOMEM, NULL);
    return counted(__real_strdup(text));
}

WRAPPED(char *, strndup, const char *text, size_t size) {
    FAIL_IF(FAIL_MEMORY, "strndup", ENOMEM, NULL);
    return counted(__real_strndup(text, size));
}

WRAPPED(void, free, void *memory) {
    allocations -= memory != NULL;
    __real_free(memory);
}

WRAPPED(void *, mmap, void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    FAIL_IF(FAIL_MEMORY, "mmap", ENOMEM, MAP_FAILED);
    void *memory = __real_mmap(address, size, protection, flags, fd, offset);
    mappings += memory != MAP_FAILED;
    return memory;
}

WRAPPED(int, munmap, void *address, size_t size) {
    mappings--;
    return __real_munmap(address, size);
}

WRAPPED(int, mprotect, void *address, size_t size, int protection) {
    FAIL_IF(FAIL_MEMORY, protection == PROT_NONE ? "mprotect_guard" : "mprotect", ENOMEM, -1);
    return __real_mprotect(address, size, protection);
}

WRAPPED(int, madvise, void *address, size_t size, int advice) {
    /* A failed guard must keep its stack from being used. Other advice is optional. */
    FAIL_IF(FAIL_MEMORY, advice == MADV_GUARD_INSTALL ? "guard" : "madvise", ENOMEM, -1);
    return __real_madvise(address, size, advice);
}

WRAPPED(int, io_uring_queue_init_params, unsigned entries, struct io_uring *ring, struct io_uring_params *params) {
    if (fails(FAIL_MEMORY, "io_uring_queue_init_params"))
        return -ENOMEM;
    if (fails(FAIL_CALLS, "io_uring_queue_init_params"))
        return -EMFILE;
    return __real_io_uring_queue_init_params(entries, ring, params);
}

WRAPPED(int, io_uring_register_probe, struct io_uring *ring, struct io_uring_probe *probe, unsigned count) {
    if (fails(FAIL_MEMORY, "io_uring_register_probe"))
        return -ENOMEM;
    return __real_io_uring_register_probe(ring, probe, count);
}

WRAPPED(int, io_uring_register_buf_ring, struct io_uring *ring, struct io_uring_buf_reg *registration, unsigned flags) {
    if (fails(FAIL_MEMORY, "io_uring_register_buf_ring"))
        return -ENOMEM;
    return __real_io_uring_register_buf_ring(ring, registration, flags);
}

WRAPPED(int, io_uring_register_ring_fd, struct io_uring *ring) {
    if (fails(FAIL_MEMORY, "io_uring_register_ring_fd"))
        return -ENOMEM;
    return __real_io_uring_register_ring_fd(ring);
}

/* System calls -------------------------------------------------------------- */

WRAPPED(int, socket, int family, int type, int protocol) {
    FAIL_IF(FAIL_CALLS, "socket", EMFILE, -1);
    return __real_socket(family, type, protocol);
}

WRAPPED(int, socketpair, int family, int type, int protocol, int *fds) {
    FAIL_IF(FAIL_CALLS, "socketpair", EMFILE, -1);
    return __real_socketpair(family, type, protocol, fds);
}

WRAPPED(int, accept4, int fd, struct sockaddr *address, socklen_t *length, int flags) {
    FAIL_IF(FAIL_CALLS, "accept4", EMFILE, -1);
    return __real_accept4(fd, address, length, flags);
}

WRAPPED(int, bind, int fd, const struct sockaddr *address, socklen_t length) {
    FAIL_IF(FAIL_CALLS, "bind", ENOBUFS, -1);
    return __real_bind(fd, address, length);
}

WRAPPED(int, listen, int fd, int backlog) {
    FAIL_IF(FAIL_CALLS, "listen", EADDRINUSE, -1);
    return __real_listen(fd, backlog);
}

WRAPPED(int, setsockopt, int fd, int level, int name, const void *value, socklen_t length) {
    FAIL_IF(FAIL_CALLS, "setsockopt", ENOBUFS, -1);
    return __real_setsockopt(fd, level, name, value, length);
}

WRAPPED(int, connect, int fd, const struct sockaddr *address, socklen_t length) {
    FAIL_IF(FAIL_CALLS, "connect", EADDRNOTAVAIL, -1);
    return __real_connect(fd, address, length);
}

WRAPPED(int, epoll_create1, int flags) {
    FAIL_IF(FAIL_CALLS, "epoll_create1", EMFILE, -1);
    return __real_epoll_create1(flags);
}

WRAPPED(int, epoll_ctl, int epoll, int action, int fd, struct epoll_event *event) {
    FAIL_IF(FAIL_CALLS, "epoll_ctl", ENOSPC, -1);
    return __real_epoll_ctl(epoll, action, fd, event);
}

WRAPPED(int, eventfd, unsigned value, int flags) {
    FAIL_IF(FAIL_CALLS, "eventfd", ENFILE, -1);
    return __real_eventfd(value, flags);
}

WRAPPED(int, signalfd, int fd, const sigset_t *signals, int flags) {
    FAIL_IF(FAIL_CALLS, "signalfd", EMFILE, -1);
    return __real_signalfd(fd, signals, flags);
}

WRAPPED(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
        void *argument) {
    if (fails(FAIL_CALLS, "pthread_create"))
        return EAGAIN;
    return __real_pthread_create(thread, attributes, function, argument);
}

WRAPPED(int, getaddrinfo, const char *host, const char *service, const struct addrinfo *hints,
        struct addrinfo **found) {
    if (fails(FAIL_MEMORY, "getaddrinfo"))
        return EAI_MEMORY;
    if (fails(FAIL_CALLS, "getaddrinfo")) {
        errno = EMFILE;
        return EAI_SYSTEM;
    }
    return __real_getaddrinfo(host, service, hints, found);
}

/* Running ------------------------------------------------------------------- */

static void say_where(void) {
    fprintf(stderr, "in the scenario '%s' on %s, with failures from call %u to %u (%s)\n", running, running_on,
            failing.first, failing.last, failing.failed ? failing.failed : "none yet");
}

static void open_hub(const char *engine) {
    green_hub_options options = {.engine = engine};
    CHECK(green_hub_open(&options), ==, 0);
}

/* Cancelled operations may need some loop iterations to end, and workers some time. */
static void close_hub(void) {
    int error = green_hub_close();
    for (unsigned i = 0; i < 2000 * time_factor() && error == -EBUSY; i++) {
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        error = green_hub_close();
    }
    CHECK(error == 0 || error == -ENOENT);
}

struct holdings {
    long allocations, mappings;
    size_t descriptors;
};

static struct holdings holdings(void) {
    return (struct holdings){allocations, mappings, open_descriptors()};
}

/* Waits until workers have finished earlier calls. */
static struct holdings settled_holdings(void) {
    struct holdings now = holdings();
    for (int same = 0; same < 20;) {
        struct holdings before = now;
        usleep(1000);
        now = holdings();
        same = now.allocations == before.allocations && now.descriptors == before.descriptors ? same + 1 : 0;
    }
    return now;
}

/* A worker that an earlier scenario has left behind may free memory. */
static void check_same(struct holdings *before) {
    struct holdings now = holdings();
    for (unsigned i = 0;
         i < 2000 * time_factor() && (now.allocations != before->allocations || now.descriptors != before->descriptors);
         i++) {
        usleep(1000);
        now = holdings();
    }
    if (now.allocations < before->allocations)
        before->allocations = now.allocations;
    CHECK(now.allocations, ==, before->allocations);
    CHECK(now.mappings, ==, before->mappings);
    CHECK(now.descriptors, ==, before->descriptors);
}

/* So that a call that fails without a message is not credited with an older one. */
static void forget_message(void) {
    green_address address;
    CHECK(green_address_parse(&address, "forgotten"), ==, -EINVAL);
}

static void check_message(int error) {
    char name[64];
    if (error == -ETIMEDOUT) /* its message ends with a time, not with the text of the error */
        snprintf(name, sizeof name, "s (ETIMEDOUT)");
    else
        snprintf(name, sizeof name, ": %s (%s)", strerrordesc_np(-error), strerrorname_np(-error));
    CHECK_CONTAINS(green_explain(error), name);
}

static atomic_uint noted_errors; /* threads of several hubs note results */

long note_result(long result) {
    if (result < 0) {
        check_message((int)result);
        noted_errors++;
    }
    return result;
}

int end_threads(green_thread **threads, size_t count, int error) {
    for (size_t i = 0; i < count; i++) {
        int result = 0;
        if (!threads[i])
            continue;
        if (error < 0)
            green_thread_kill(threads[i]);
        CHECK(green_thread_wait(threads[i], &result, GREEN_FOREVER), ==, 0);
        green_thread_release(threads[i]);
        if (error >= 0 && result < 0)
            error = result;
    }
    return error;
}

static int run(const struct scenario *scenario, const char *engine, unsigned kinds, unsigned first, unsigned last) {
    if (!scenario->opens)
        open_hub(engine);
    CHECK(setenv("GREEN_ENGINE", engine, 1), ==, 0);
    forget_message();
    noted_errors = 0;
    fail_calls(kinds, first, last);
    int error = scenario->run();
    fail_calls(0, 0, 0);
    if (error < 0)
        CHECK(noted_errors, >, 0);
    close_hub();
    return error < 0 ? error : 0;
}

static bool is_tolerated(const struct scenario *scenario, const char *call) {
    if (strcmp(call, "mprotect_guard") == 0) /* the stack may share the guard of another */
        return true;
    const char *found = scenario->tolerates ? strstr(scenario->tolerates, call) : NULL;
    size_t length = strlen(call);
    return found && (found[length] == ' ' || found[length] == '\0') &&
           (found == scenario->tolerates || found[-1] == ' ');
}

static void must_succeed(const struct scenario *scenario, const char *engine, struct holdings *before) {
    failing.failed = NULL;
    CHECK(run(scenario, engine, 0, 0, 0), ==, 0);
    check_same(before);
}

static unsigned fail_each(const struct scenario *scenario, const char *engine, unsigned kinds, bool all_later) {
    struct holdings before = settled_holdings();
    const char *asked = getenv("GREEN_FAILING_STEP");
    unsigned step = scenario->step ? scenario->step : 1, runs = 0;
    if (scenario->step && asked)
        step = (unsigned)atoi(asked);
    for (unsigned number = 1;; number += step, runs++) {
        int error = run(scenario, engine, kinds, number, all_later ? UINT_MAX : number);
        const char *failed = failing.failed;
        if (getenv("GREEN_FAILING_VERBOSE") && failed)
            printf("    %s: %s\n", failed, error < 0 ? green_explain(error) : "tolerated");
        if (!failed)
            CHECK(error, ==, 0);
        else if (error == 0 && !is_tolerated(scenario, failed))
            check_failed(__FILE__, __LINE__, "a failure is noticed");
        check_same(&before);
        must_succeed(scenario, engine, &before);
        if (!failed)
            return runs;
    }
}

void fail_everywhere(const struct scenario *scenario, const char *engine, unsigned kinds) {
    running = scenario->name;
    running_on = engine;
    on_failure = say_where;
    /* Makes the calls that a process makes only once. */
    CHECK(run(scenario, engine, 0, 0, 0), ==, 0);
    unsigned alone = fail_each(scenario, engine, kinds, false), together = 0;
    if (!scenario->one_by_one)
        together = fail_each(scenario, engine, kinds, true);
    printf("%s on %s: %u calls failed alone, %u with all later ones\n", scenario->name, engine, alone, together);
    CHECK(alone, >, 0);
    fflush(stdout);
}

static bool has_uring(void) {
    green_hub_options options = {.engine = "uring"};
    int error = green_hub_open(&options);
    if (error == 0)
        CHECK(green_hub_close(), ==, 0);
    return error == 0;
}

void fail_on_each_engine(const struct scenario *scenarios, size_t count, unsigned kinds) {
    static const char *const engines[] = {"epoll", "uring"};
    size_t engine_count = has_uring() ? 2 : 1;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < engine_count; j++)
            fail_everywhere(&scenarios[i], engines[j], kinds);
}
