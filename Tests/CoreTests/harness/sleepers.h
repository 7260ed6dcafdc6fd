/* Threads that end on request, each with its own result. */
#ifndef GREEN_TESTS_SLEEPERS_H
#define GREEN_TESTS_SLEEPERS_H

#include "helpers.h"

struct sleeper {
    int result;
    green_thread *thread;
};

static inline int sleep_on(void *argument) {
    struct sleeper *sleeper = argument;
    CHECK(nap(NULL), ==, -ECANCELED);
    return sleeper->result;
}

static inline void start_sleepers(struct sleeper *sleepers, int count) {
    for (int i = 0; i < count; i++) {
        sleepers[i].result = i;
        sleepers[i].thread = start(sleep_on, &sleepers[i]);
    }
    let_run();
}

static inline void wake_sleeper(struct sleeper *sleeper) {
    CHECK(green_thread_kill(sleeper->thread), ==, 0);
}

static inline void end_sleepers(struct sleeper *sleepers, int count) {
    for (int i = 0; i < count; i++) {
        wake_sleeper(&sleepers[i]);
        CHECK(finish(sleepers[i].thread), ==, sleepers[i].result);
    }
}

#endif
