/* Wake-ups of an engine by other OS threads, by messages to a ring and by eventfd. */
#include "helpers.h"

#include "../../../csrc/engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static green_engine *engine;

static bool open_engine(const char *name) {
    char *fallback = NULL;
    bool opened = green__engine_open(&engine, name, &(green_engine_options){.entries = 8, .receive_memory = 65536},
                                     &fallback) == 0;
    free(fallback);
    return opened;
}

static const char *const names[] = {"epoll", "uring"};

/* Calls test for each engine of this system. */
static void for_each_engine(void (*test)(void)) {
    for (int i = 0; i < 2; i++)
        if (open_engine(names[i])) {
            test();
            engine->class->close(engine);
        }
}

static void wake_before_wait(void) {
    for (int i = 0; i < 100; i++) {
        green__engine_wake(engine);
        engine->class->poll(engine, GREEN_FOREVER);
    }
    CHECK(green__engine_await_wakes(engine, 100), ==, 100);
}

TEST(pending, "a wait after a wake-up returns at once") {
    for_each_engine(wake_before_wait);
}

static void *wake_often(void *count) {
    for (int i = 0; i < *(int *)count; i++)
        green__engine_wake(engine);
    return NULL;
}

enum { THREADS = 4 };

static void await_threads(void) {
    pthread_t threads[THREADS];
    int count = 200;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, wake_often, &count), ==, 0);
    CHECK(green__engine_await_wakes(engine, THREADS * 200), ==, THREADS * 200);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL), ==, 0);
}

TEST(awaited, "each wake-up is counted once, and a wait for their number ends") {
    for_each_engine(await_threads);
}

/* Each engine is closed when its wake-up has arrived. A wake-up that came later would reach a
 * pipe that has the descriptors of the engine, or ask a ring that is closed. */
TEST(closed, "an engine whose wake-ups were awaited is not used by them afterwards") {
    for (int i = 0; i < SCALED(300); i++) {
        pthread_t thread;
        int calls = 1;
        if (!open_engine(names[i % 2]))
            continue;
        CHECK(pthread_create(&thread, NULL, wake_often, &calls), ==, 0);
        CHECK(green__engine_await_wakes(engine, 1), ==, 1);
        engine->class->close(engine);
        CHECK(pthread_join(thread, NULL), ==, 0);
    }
}

static void refuse_messages(void) {
    int former = engine->ring_fd;
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    engine->ring_fd = file;
    wake_before_wait();
    engine->ring_fd = former;
    CHECK(engine->messages, ==, 0);
    close(file);
}

TEST(refused, "if a message is refused, the eventfd wakes the engine") {
    for_each_engine(refuse_messages);
}

static void expect_messages(void) {
    wake_before_wait();
    CHECK(engine->messages, ==, engine->ring_fd >= 0 ? 100 : 0);
}

TEST(messages, "a ring that takes messages is woken by messages alone") {
    if (open_engine("uring")) {
        expect_messages();
        engine->class->close(engine);
    } else {
        skip("no io_uring");
    }
}

static void handle(int number) {
    (void)number;
    errno = ERANGE;
    green__engine_wake(engine);
    CHECK(errno, ==, ERANGE);
}

static void wake_in_handler(void) {
    CHECK(raise(SIGUSR1), ==, 0);
    engine->class->poll(engine, GREEN_FOREVER);
    CHECK(green__engine_await_wakes(engine, 1), ==, 1);
}

TEST(handler, "a signal handler may wake an engine, and errno is unchanged") {
    CHECK(signal(SIGUSR1, handle) != SIG_ERR);
    for_each_engine(wake_in_handler);
}
