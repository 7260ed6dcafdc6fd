/* Patched calls on a hub with a virtual clock: sleeps and timeouts elapse at once. */
#include "patches.h"

#include <poll.h>
#include <sys/wait.h>
#include <time.h>

static const int64_t HOUR = 3600 * GREEN_SECOND;

static const struct fixture *lib;

static struct timespec an_hour_from(clockid_t clock) {
    struct timespec time;
    CHECK(clock_gettime(clock, &time), ==, 0);
    time.tv_sec += 3600;
    return time;
}

static void sleep_in_every_way(void) {
    struct timespec hour = {3600, 0}, until = an_hour_from(CLOCK_MONOTONIC), real_until = an_hour_from(CLOCK_REALTIME);
    int64_t start_time = green_now();
    CHECK(lib->sleep(3600), ==, 0);
    CHECK(lib->usleep(1), ==, 0);
    CHECK(lib->nanosleep(&hour, NULL), ==, 0);
    CHECK(lib->clock_nanosleep(CLOCK_REALTIME, 0, &hour, NULL), ==, 0);
    CHECK(green_now() - start_time, ==, 3 * HOUR + GREEN_MICROSECOND);
    /* The real clock has advanced a little. */
    start_time = green_now();
    CHECK(lib->clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), ==, 0);
    CHECK(green_now() - start_time, <=, HOUR);
    CHECK(green_now() - start_time, >, 0);
    start_time = green_now();
    CHECK(lib->clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &real_until, NULL), ==, 0);
    CHECK(green_now() - start_time, <=, HOUR);
    CHECK(green_now() - start_time, >, 0);
}

static int write_later(void *fd) {
    CHECK(green_sleep(HOUR), ==, 0);
    CHECK(write(*(int *)fd, "x", 1), ==, 1);
    return 0;
}

static void poll_with_timeout(void) {
    int ends[2];
    CHECK(pipe(ends), ==, 0);
    struct pollfd polled = {.fd = ends[0], .events = POLLIN};
    int64_t start_time = green_now();
    green_thread *writer = start(write_later, &ends[1]);
    CHECK(lib->poll(&polled, 1, 1800 * 1000), ==, 0);
    CHECK(green_now() - start_time, ==, HOUR / 2);
    CHECK(lib->poll(&polled, 1, 3600 * 1000), ==, 1);
    CHECK(green_now() - start_time, ==, HOUR);
    CHECK(finish(writer), ==, 0);
    close(ends[0]);
    close(ends[1]);
}

static void run(void) {
    green_patch *patch = import(PATCHED_LAZY);
    lib = load_fixture(PATCHED_LAZY);
    sleep_in_every_way();
    poll_with_timeout();
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(elapse, "patched sleeps and the timeouts of patched calls elapse at once in virtual time") {
    in_virtual_time(run);
}

/* The answer of another process, for which a timeout has to wait. */
static void poll_a_process(void) {
    int ends[2];
    CHECK(pipe(ends), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        usleep(5000);
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    close(ends[1]);
    green_patch *patch = import(PATCHED_LAZY);
    lib = load_fixture(PATCHED_LAZY);
    CHECK(green_hub_open(&(green_hub_options){.virtual_clock = true}), ==, 0);
    struct pollfd polled = {.fd = ends[0], .events = POLLIN};
    int64_t start_time = green_now();
    CHECK(lib->poll(&polled, 1, 3600 * 1000), ==, 1);
    CHECK(green_now() - start_time, <, HOUR);
    int status;
    CHECK(lib->waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    close(ends[0]);
}

TEST(process, "a patched poll waits in real time for another process, and a patched waitpid for its end") {
    poll_a_process();
}
