/* The hub: options, life, statistics, and one hub for each OS thread. */
#include "helpers.h"

#include <pthread.h>
#include <sys/resource.h>

TEST(other_error, "green_explain does not return the message of a different error") {
    green_address address;
    CHECK(green_address_parse(&address, "nonsense"), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "nonsense");
    CHECK(strstr(green_explain(-ENOENT), "nonsense") == NULL);
    CHECK(strstr(green_explain(0), "nonsense") == NULL);
}

TEST(open_twice, "a hub is opened once") {
    CHECK(green_hub_open(NULL), ==, 0);
    CHECK(green_hub_open(NULL), ==, -EALREADY);
    CHECK(*green_explain(-EALREADY) != 0);
    CHECK(green_hub_close(), ==, 0);
    CHECK(green_yield(), ==, 0); /* makes a hub with the defaults */
    CHECK(green_hub_open(NULL), ==, -EALREADY);
}

TEST(close_without, "calls that need a hub fail with -ENOENT without one") {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, -ENOENT);
    CHECK(green_dump(STDERR_FILENO), ==, -ENOENT);
    CHECK(green_hub_close(), ==, -ENOENT);
    CHECK(green_yield(), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    CHECK(green_hub_close(), ==, -ENOENT);
    CHECK(green_hub_statistics(&now), ==, -ENOENT);
}

TEST(bad_options, "an option out of range is -EINVAL, and the message names it") {
    static const struct {
        green_hub_options options;
        const char *named;
    } cases[] = {
        {{.engine = "steam"}, "steam"},
        {{.engine = ""}, "engine"},
        {{.entries = 3}, "entries"},
        {{.entries = 65536}, "entries"},
        {{.entries = UINT_MAX}, "entries"},
        {{.receive_memory = 1}, "receive_memory"},
        {{.receive_memory = (64 << 10) - 1}, "receive_memory"},
        {{.stack_size = 1}, "stack_size"},
        {{.stack_size = SIZE_MAX}, "stack_size"},
        {{.stack_size = SIZE_MAX - 4096}, "stack_size"},
        {{.stack_size = (16 << 10) - 1}, "stack_size"},
    };
    green_statistics now;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(green_hub_open(&cases[i].options), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), cases[i].named);
        CHECK(green_hub_statistics(&now), ==, -ENOENT);
    }
}

TEST(good_options, "the smallest and unusual values of each option work") {
    static const green_hub_options options[] = {
        {.entries = 1},           {.entries = 2},     {.entries = 32768},         {.receive_memory = 64 << 10},
        {.stack_size = 16 << 10}, {.warm_stacks = 1}, {.receive_memory = 100000},
    };
    int value = 6;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        CHECK(green_hub_open(&options[i]), ==, 0);
        CHECK(finish(start(give, &value)), ==, 6);
        struct pair pair = connected(TCP4);
        send_text(pair.near, "hello");
        expect_text(pair.far, "hello");
        release_pair(&pair);
        CHECK(green_hub_close(), ==, 0);
    }
}

TEST(names, "a hub has a copy of its name, cut to 31 bytes, or none") {
    char name[] = "north";
    CHECK(green_hub_open(&(green_hub_options){.name = name}), ==, 0);
    name[0] = 'N';
    CHECK_TEXT(green_hub_name(green_hub_current()), "north");
    CHECK(green_hub_close(), ==, 0);
    CHECK(green_hub_open(&(green_hub_options){.name = "a name of a hub that is longer than others"}), ==, 0);
    CHECK_TEXT(green_hub_name(green_hub_current()), "a name of a hub that is longer ");
    CHECK(green_hub_close(), ==, 0);
    CHECK_TEXT(green_hub_name(green_hub_current()), "");
}

TEST(few_entries, "more operations than the submission queue has entries can be in progress") {
    enum { PAIRS = 200 };
    static struct pair pairs[PAIRS];
    static struct transfer sends[PAIRS], receives[PAIRS];
    green_thread *threads[2 * PAIRS];
    green_hub_options options = {.entries = 2};
    CHECK(green_hub_open(&options), ==, 0);
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = connected(UNIX_PAIR);
        sends[i] = (struct transfer){pairs[i].near, 1000, 0};
        receives[i] = (struct transfer){pairs[i].far, 1000, 0};
        threads[2 * i] = start(receive_pattern, &receives[i]);
        threads[2 * i + 1] = start(send_pattern, &sends[i]);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        CHECK(finish(threads[i]), ==, 0);
    for (int i = 0; i < PAIRS; i++) {
        CHECK(receives[i].position, ==, 1000);
        release_pair(&pairs[i]);
    }
}

TEST(engine, "green_hub_engine names the engine, which the environment may select") {
    CHECK(green_hub_engine() != NULL);
    CHECK(*green_hub_engine() != 0);
    CHECK(green_hub_close(), ==, 0);
    CHECK(setenv("GREEN_ENGINE", "steam", 1), ==, 0);
    CHECK(green_hub_open(NULL), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "steam");
    CHECK(green_hub_engine() == NULL);
    CHECK(green_current() == NULL);
    int value = 0;
    CHECK(green_detach(give, &value), ==, -EINVAL);
    CHECK(green_yield(), ==, -EINVAL);
    green_hub_options options = {.engine = "epoll"}; /* options win over the environment */
    CHECK(green_hub_open(&options), ==, 0);
    CHECK_TEXT(green_hub_engine(), "epoll");
    CHECK(green_hub_fallback() == NULL); /* epoll was selected */
    CHECK(green_hub_close(), ==, 0);
    CHECK(setenv("GREEN_ENGINE", "epoll", 1), ==, 0);
    CHECK_TEXT(green_hub_engine(), "epoll");
    CHECK(green_hub_fallback() == NULL);
}

TEST(close_busy, "a hub with threads or sockets does not close, and the message counts them") {
    green_thread *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start(nap, NULL);
    let_run();
    CHECK(green_hub_close(), ==, -EBUSY);
    CHECK_CONTAINS(green_explain(-EBUSY), "3");
    for (int i = 0; i < 3; i++)
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
    struct pair pair = connected(UNIX_PAIR);
    CHECK(green_hub_close(), ==, -EBUSY);
    CHECK_CONTAINS(green_explain(-EBUSY), "2");
    send_text(pair.near, "still works");
    expect_text(pair.far, "still works");
    release_pair(&pair);
    CHECK(green_hub_close(), ==, 0);
}

static int close_hub(void *argument) {
    (void)argument;
    return green_hub_close();
}

TEST(close_from_thread, "a green thread cannot close its hub") {
    CHECK(finish(start(close_hub, NULL)), ==, -EBUSY);
}

TEST(statistics, "statistics count threads, stacks, timers, sockets and operations") {
    green_statistics first, now;
    CHECK(green_yield(), ==, 0);
    CHECK(green_hub_statistics(&first), ==, 0);
    CHECK(first.threads, ==, 1);
    CHECK(first.ready, ==, 0);
    CHECK(first.parked, ==, 0);
    green_thread *sleeper = start(nap, NULL), *new;
    let_run();
    int value = 0;
    new = start(give, &value);
    struct pair pair = connected(UNIX_PAIR);
    green_listener *listener = listen_any(TCP4);
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.threads, ==, 3);
    CHECK(now.ready, ==, 1);
    CHECK(now.parked, ==, 1);
    CHECK(now.timers, ==, 1);
    CHECK(now.sockets, ==, 3);
    CHECK(now.stacks, >=, 1);
    CHECK(now.spawned, ==, first.spawned + 2);
    CHECK(now.most_threads, ==, 3);
    let_run();
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.handles, ==, 1);
    CHECK(now.ready, ==, 0);
    CHECK(now.switches, >, first.switches);
    CHECK(now.loop_iterations, >, first.loop_iterations);
    CHECK(finish(new), ==, 0);
    CHECK(kill_and_finish(sleeper), ==, -ECANCELED);
    send_text(pair.near, "through the kernel");
    expect_text(pair.far, "through the kernel");
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.system_calls, >, first.system_calls);
    release_pair(&pair);
    green_listener_release(listener);
}

/* Other OS threads ---------------------------------------------------------- */

static void *run_own_hub(void *argument) {
    int64_t time = GREEN_MILLISECOND;
    for (int i = 0; i < 20; i++) {
        struct pair pair = connected(TCP4);
        struct transfer out = {pair.near, 10000, 0}, in = {pair.far, 10000, 0};
        green_thread *sender = start(send_pattern, &out), *receiver = start(receive_pattern, &in),
                     *sleeper = start(nap, &time);
        CHECK(finish(sender), ==, 0);
        CHECK(finish(receiver), ==, 0);
        CHECK(finish(sleeper), ==, 0);
        release_pair(&pair);
    }
    if (argument)
        CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(own_hubs, "every OS thread has its own hub") {
    pthread_t others[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&others[i], NULL, run_own_hub, others), ==, 0);
    run_own_hub(NULL);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(others[i], NULL), ==, 0);
}

TEST(ends_with_thread, "a hub that was not closed ends with its OS thread") {
    size_t before = open_descriptors();
    for (int i = 0; i < 10; i++) {
        pthread_t other;
        CHECK(pthread_create(&other, NULL, run_own_hub, NULL), ==, 0);
        CHECK(pthread_join(other, NULL), ==, 0);
    }
    CHECK(open_descriptors(), ==, before);
}

struct foreign {
    green_thread *thread;
    green_socket *socket;
    green_listener *listener;
};

static int never_serve(green_socket *client, void *context) {
    (void)client;
    (void)context;
    check_failed(__FILE__, __LINE__, "a foreign listener was served");
}

static void *use_foreign(void *argument) {
    struct foreign *foreign = argument;
    char bytes[16];
    const void *provided;
    green_socket *socket;
    green_address address;
    struct iovec piece = {bytes, 1};
    CHECK(green_thread_wait(foreign->thread, NULL, 0), ==, -EXDEV);
    CHECK(green_thread_wait(foreign->thread, NULL, GREEN_FOREVER), ==, -EXDEV);
    CHECK(green_thread_kill(foreign->thread), ==, -EXDEV);
    CHECK(green_thread_kill_with(foreign->thread, NULL, NULL), ==, -EXDEV);
    CHECK(green_thread_cancel(foreign->thread), ==, -EXDEV);
    CHECK(green_read(foreign->socket, bytes, 1), ==, -EXDEV);
    CHECK(green_read_exactly(foreign->socket, bytes, 1), ==, -EXDEV);
    CHECK(green_read_line(foreign->socket, bytes, sizeof bytes), ==, -EXDEV);
    CHECK(green_receive(foreign->socket, &provided), ==, -EXDEV);
    CHECK(green_write(foreign->socket, "x", 1), ==, -EXDEV);
    CHECK(green_write_some(foreign->socket, "x", 1), ==, -EXDEV);
    CHECK(green_writev(foreign->socket, &piece, 1), ==, -EXDEV);
    CHECK(green_receive_from(foreign->socket, bytes, 1, &address), ==, -EXDEV);
    CHECK(green_accept(foreign->listener, &socket), ==, -EXDEV);
    CHECK(green_serve(foreign->listener, NULL, never_serve, NULL), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "thread");
    green_hub_close();
    return NULL;
}

TEST(foreign_handles, "a handle of another OS thread is -EXDEV, and the call has no effect") {
    int64_t time = 10 * GREEN_MILLISECOND;
    struct pair pair = connected(UNIX_PAIR);
    struct foreign foreign = {start(nap, &time), pair.near, listen_any(TCP4)};
    pthread_t other;
    CHECK(pthread_create(&other, NULL, use_foreign, &foreign), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    CHECK(finish(foreign.thread), ==, 0);
    send_text(pair.near, "untouched");
    expect_text(pair.far, "untouched");
    green_socket_release(connect_to(foreign.listener));
    green_listener_release(foreign.listener);
    release_pair(&pair);
}

TEST(no_descriptors, "making a hub without a free descriptor fails, and succeeds when there is one") {
    struct rlimit limit, low;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    int free_fd = dup(STDERR_FILENO);
    close(free_fd);
    low = limit;
    low.rlim_cur = (rlim_t)free_fd;
    CHECK(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
    CHECK(green_hub_open(NULL), ==, -EMFILE);
    CHECK_CONTAINS(green_explain(-EMFILE), "descriptor");
    CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    CHECK(green_hub_open(NULL), ==, 0);
}
