/* Hubs of other OS threads: one that waits in the kernel, and one that is held. */
#ifndef GREEN_TESTS_WAITING_H
#define GREEN_TESTS_WAITING_H

#include "helpers.h"
#include "os_threads.h"

#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

/* Another OS thread, whose hub waits in the kernel until the test ends it. */
struct waiting {
    struct os_thread thread;
    int ends[2];
    green_hub *hub;    /* retained */
    atomic_int number; /* of the OS thread, when it is about to wait */
    atomic_int nudges; /* that have arrived */
};

/* Stores a message, so that later ones need no memory. */
static inline void fail_once(void) {
    CHECK(green_hub_open(NULL), ==, -EALREADY);
}

static inline int wait_for_bytes(void *argument) {
    struct waiting *waiting = argument;
    char byte;
    fail_once();
    do {
        CHECK(green_wait_fd(waiting->ends[0], POLLIN, GREEN_FOREVER), >=, 0);
        CHECK(read(waiting->ends[0], &byte, 1), ==, 1);
        atomic_fetch_add(&waiting->nudges, 1);
    } while (byte != 'x');
    return 0;
}

static inline int wait_in_kernel(void *argument) {
    struct waiting *waiting = argument;
    CHECK(green_hub_open(&(green_hub_options){.name = "waiting"}), ==, 0);
    green_thread *thread = start_named("patient", wait_for_bytes, waiting);
    let_run();
    fail_once();
    waiting->hub = green_hub_retain(green_hub_current());
    atomic_store(&waiting->number, gettid());
    CHECK(finish(thread), >=, 0);
    return green_hub_close();
}

static inline void begin_waiting(struct waiting *waiting) {
    *waiting = (struct waiting){.number = 0};
    CHECK(pipe(waiting->ends), ==, 0);
    os_thread_start(&waiting->thread, wait_in_kernel, waiting);
    while (atomic_load(&waiting->number) == 0)
        usleep(1000);
}

/* Lets the hub switch to its thread, so that a thread that has finished and runs the event
 * loop leaves its stack. */
static inline void nudge(struct waiting *waiting) {
    int before = atomic_load(&waiting->nudges);
    CHECK(write(waiting->ends[1], "n", 1), ==, 1);
    while (atomic_load(&waiting->nudges) == before)
        usleep(1000);
}

static inline void end_waiting(struct waiting *waiting) {
    CHECK(write(waiting->ends[1], "x", 1), ==, 1);
    CHECK(os_thread_finish(&waiting->thread), ==, 0);
    green_hub_release(waiting->hub);
    close(waiting->ends[0]);
    close(waiting->ends[1]);
}

/* Another OS thread, whose hub is blocked by a green thread until the test ends it. */
struct held {
    struct os_thread thread;
    green_hub *hub;
    atomic_int number;
    atomic_bool may_end;
};

static inline int hold_until_end(void *argument) {
    struct held *held = argument;
    held->hub = green_hub_retain(green_hub_current());
    atomic_store(&held->number, gettid());
    while (!atomic_load(&held->may_end))
        usleep(1000);
    return 0;
}

static inline int run_held(void *argument) {
    CHECK(green_hub_open(&(green_hub_options){.name = "held"}), ==, 0);
    CHECK(finish(start_named("greedy", hold_until_end, argument)), ==, 0);
    return green_hub_close();
}

static inline void begin_held(struct held *held) {
    *held = (struct held){.number = 0};
    os_thread_start(&held->thread, run_held, held);
    while (atomic_load(&held->number) == 0)
        usleep(1000);
}

static inline void end_held(struct held *held) {
    atomic_store(&held->may_end, true);
    CHECK(os_thread_finish(&held->thread), ==, 0);
    green_hub_release(held->hub);
}

#endif
