/* Hub pools: their hubs, OS threads and CPUs, and how they end. */
#include "helpers.h"
#include "other_hub.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

static green_hub_pool *pool_of(size_t count) {
    green_hub_pool *pool = NULL;
    CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = count}), ==, 0);
    CHECK(green_hub_pool_count(pool), ==, count);
    return pool;
}

static void end_pool(green_hub_pool *pool) {
    CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(pool);
}

/* The CPUs of the calling OS thread. */
static size_t allowed_cpus(cpu_set_t *set) {
    CHECK(sched_getaffinity(0, sizeof *set, set), ==, 0);
    return (size_t)CPU_COUNT(set);
}

static int is_on(void *hub) {
    return green_hub_current() == hub;
}

TEST(default_count, "the default is one hub for each CPU that the process may use") {
    green_hub_pool *pool = NULL;
    cpu_set_t set;
    CHECK(green_hub_pool_make(&pool, NULL), ==, 0);
    CHECK(green_hub_pool_count(pool), ==, allowed_cpus(&set));
    end_pool(pool);
    int first = 0;
    while (!CPU_ISSET((size_t)first, &set))
        first++;
    CPU_ZERO(&set);
    CPU_SET((size_t)first, &set);
    CHECK(sched_setaffinity(0, sizeof set, &set), ==, 0);
    CHECK(green_hub_pool_make(&pool, NULL), ==, 0);
    CHECK(green_hub_pool_count(pool), ==, 1);
    end_pool(pool);
}

TEST(hubs, "each hub runs threads on its own OS thread, and next returns the hubs one after the other") {
    enum { COUNT = 4 };
    green_hub_pool *pool = pool_of(COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        green_hub *hub = green_hub_pool_hub(pool, i);
        CHECK(on_hub(hub, is_on, hub), ==, 1);
        for (size_t k = 0; k < i; k++)
            CHECK(hub != green_hub_pool_hub(pool, k));
    }
    green_hub *first = green_hub_pool_next(pool);
    for (size_t i = 1; i < COUNT; i++)
        CHECK(green_hub_pool_next(pool) != first);
    CHECK(green_hub_pool_next(pool) == first);
    end_pool(pool);
}

static char os_thread_name[16];

static int get_os_thread_name(void *unused) {
    (void)unused;
    return -pthread_getname_np(pthread_self(), os_thread_name, sizeof os_thread_name);
}

TEST(names, "the name and a number name each OS thread and its hub; a long name is cut") {
    static const struct {
        const char *given, *first, *second;
    } cases[] = {{NULL, "hub-0", "hub-1"}, {"web", "web-0", "web-1"}, {"a long name", "a long nam-0", "a long nam-1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        green_hub_pool *pool = NULL;
        CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = 2, .name = cases[i].given}), ==, 0);
        CHECK(on_hub(green_hub_pool_hub(pool, 0), get_os_thread_name, NULL), ==, 0);
        CHECK_TEXT(os_thread_name, cases[i].first);
        CHECK_TEXT(green_hub_name(green_hub_pool_hub(pool, 0)), cases[i].first);
        CHECK(on_hub(green_hub_pool_hub(pool, 1), get_os_thread_name, NULL), ==, 0);
        CHECK_TEXT(os_thread_name, cases[i].second);
        CHECK_TEXT(green_hub_name(green_hub_pool_hub(pool, 1)), cases[i].second);
        end_pool(pool);
    }
}

static int get_cpus(void *set) {
    return (int)allowed_cpus(set);
}

TEST(pinned, "a pinned hub is bound to one CPU; with more hubs than CPUs, they are used in turn") {
    cpu_set_t allowed, one, united;
    size_t cpus = allowed_cpus(&allowed), count = 2 * cpus + 1;
    green_hub_pool *pool = NULL;
    CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = count, .pinned = true}), ==, 0);
    CPU_ZERO(&united);
    for (size_t i = 0; i < count; i++) {
        CHECK(on_hub(green_hub_pool_hub(pool, i), get_cpus, &one), ==, 1);
        CPU_OR(&united, &united, &one);
        if (i + 1 >= cpus)
            CHECK(CPU_EQUAL(&united, &allowed));
        else
            CHECK((size_t)CPU_COUNT(&united), ==, i + 1);
    }
    end_pool(pool);
    CHECK(allowed_cpus(&one), ==, cpus); /* the caller is not bound */
}

TEST(not_pinned, "without pinning, a hub may use all CPUs") {
    cpu_set_t allowed, set;
    for (size_t count = 0; count < 2; count++) {
        green_hub_pool *pool = NULL;
        CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = count}), ==, 0);
        CHECK(on_hub(green_hub_pool_hub(pool, 0), get_cpus, &set), ==, allowed_cpus(&allowed));
        end_pool(pool);
    }
}

static int stack_size(void *unused) {
    (void)unused;
    return (int)green_thread_stack_size(green_current());
}

static int is_epoll(void *unused) {
    (void)unused;
    return strcmp(green_hub_engine(), "epoll") == 0;
}

TEST(options, "each hub has the given options") {
    green_hub_pool *pool = NULL;
    green_hub_pool_options options = {.count = 2, .hub = {.engine = "epoll", .stack_size = 64 << 10}};
    CHECK(green_hub_pool_make(&pool, &options), ==, 0);
    for (size_t i = 0; i < 2; i++) {
        CHECK(on_hub(green_hub_pool_hub(pool, i), stack_size, NULL), ==, 64 << 10);
        CHECK(on_hub(green_hub_pool_hub(pool, i), is_epoll, NULL), ==, 1);
    }
    end_pool(pool);
}

TEST(bad_options, "an option out of range is -EINVAL, and the message names it") {
    static const struct {
        green_hub_pool_options options;
        const char *named;
    } cases[] = {
        {{.count = 1025}, "count is 1025 and must be at most 1024"},
        {{.count = 10000}, "count is 10000"},
        {{.count = SIZE_MAX}, "at most 1024"},
        {{.count = 2, .hub = {.engine = "steam"}}, "steam"},
        {{.count = 2, .hub = {.entries = 3}}, "hub 1 of 2: green_hub_open: entries"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        green_hub_pool *pool = NULL;
        CHECK(green_hub_pool_make(&pool, &cases[i].options), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), cases[i].named);
        CHECK(pool == NULL);
        UNTIL(os_threads_named("hub-") == 0);
    }
}

static int blocked_signals(void *argument) {
    sigset_t *set = argument;
    return -pthread_sigmask(SIG_BLOCK, NULL, set);
}

TEST(signals, "the OS threads block the signals of the process, and not those of faults and the monitor") {
    static const int blocked[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGALRM, SIGPIPE, SIGQUIT};
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF, SIGURG};
    sigset_t set, before, after;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &before), ==, 0);
    green_hub_pool *pool = pool_of(1);
    CHECK(on_hub(green_hub_pool_hub(pool, 0), blocked_signals, &set), ==, 0);
    for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++)
        CHECK(sigismember(&set, blocked[i]), ==, 1);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        CHECK(sigismember(&set, own[i]), ==, 0);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &after), ==, 0);
    for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++)
        CHECK(sigismember(&after, blocked[i]), ==, sigismember(&before, blocked[i]));
    end_pool(pool);
}

static int use_pool(void *pool) {
    int sum = 0;
    for (int i = 0; i < 50; i++) {
        green_hub *hub = green_hub_pool_next(pool);
        sum += on_hub(hub, is_on, hub);
    }
    green_hub_pool_release(pool);
    return sum;
}

TEST(several_users, "several OS threads and green threads use a pool at the same time") {
    enum { USERS = 4 };
    struct os_thread os_threads[USERS];
    green_thread *threads[USERS];
    green_hub_pool *pool = pool_of(3);
    for (int i = 0; i < USERS; i++) {
        os_thread_start(&os_threads[i], use_pool, green_hub_pool_retain(pool));
        threads[i] = start(use_pool, green_hub_pool_retain(pool));
    }
    for (int i = 0; i < USERS; i++) {
        CHECK(os_thread_finish(&os_threads[i]), ==, 50);
        CHECK(finish(threads[i]), ==, 50);
    }
    end_pool(pool);
}

static int make_and_close(void *unused) {
    green_statistics none;
    (void)unused;
    green_hub_pool *pool = pool_of(2);
    green_hub *hub = green_hub_pool_hub(pool, 1);
    CHECK(on_hub(hub, is_on, hub), ==, 1);
    end_pool(pool);
    CHECK(green_hub_statistics(&none), ==, -ENOENT); /* no call made a hub */
    return 0;
}

TEST(without_hub, "an OS thread without a hub makes, uses and closes a pool") {
    struct os_thread os_thread;
    os_thread_start(&os_thread, make_and_close, NULL);
    CHECK(os_thread_finish(&os_thread), ==, 0);
}

static int make_in_pool(void *unused) {
    (void)unused;
    green_hub_pool *pool = pool_of(1);
    green_hub *hub = green_hub_pool_hub(pool, 0);
    CHECK(on_hub(hub, is_on, hub), ==, 1);
    end_pool(pool);
    return 0;
}

TEST(pool_in_pool, "a thread of a pool makes another pool") {
    green_hub_pool *pool = pool_of(1);
    CHECK(on_hub(green_hub_pool_hub(pool, 0), make_in_pool, NULL), ==, 0);
    end_pool(pool);
}

static void make_in_link(green_thread *thread, void *argument) {
    (void)thread;
    green_hub_pool *pool = NULL;
    CHECK(green_hub_pool_make(&pool, NULL), ==, -EWOULDBLOCK);
    CHECK(green_hub_pool_close(argument, 0), ==, -EWOULDBLOCK);
}

TEST(in_link, "in a link, to make or to close a pool is -EWOULDBLOCK") {
    int value = 0;
    green_hub_pool *pool = pool_of(1);
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, make_in_link, pool), ==, 0);
    CHECK(finish(thread), ==, 0);
    green_hub *hub = green_hub_pool_hub(pool, 0);
    CHECK(on_hub(hub, is_on, hub), ==, 1); /* it has not begun to end */
    end_pool(pool);
}
