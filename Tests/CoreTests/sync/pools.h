/* Helpers for tests of pools. */
#ifndef GREEN_TESTS_POOLS_H
#define GREEN_TESTS_POOLS_H

#include "helpers.h"

static inline green_pool *make_pool(int64_t size) {
    green_pool *pool = NULL;
    CHECK(green_pool_make(&pool, size), ==, 0);
    CHECK(pool != NULL);
    return pool;
}

static inline void check_counts(const green_pool *pool, int64_t running, int64_t available, int64_t waiting) {
    CHECK(green_pool_running(pool), ==, running);
    CHECK(green_pool_available(pool), ==, available);
    CHECK(green_pool_waiting(pool), ==, waiting);
    CHECK(green_pool_size(pool), ==, running + available);
}

/* A new thread of the pool. */
static inline green_thread *spawn_in(green_pool *pool, green_function *function, void *argument) {
    green_thread *thread = NULL;
    CHECK(green_pool_spawn(pool, &thread, NULL, function, argument, GREEN_FOREVER), ==, 0);
    CHECK(thread != NULL);
    return thread;
}

/* Discard of an argument: marks the letter. */
static inline void discard_mark(void *argument) {
    mark(*(const char *)argument);
}

#endif
