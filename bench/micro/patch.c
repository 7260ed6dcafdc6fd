/* Calls of the C library that are patched, each beside the C library itself in the same process:
 * pthread mutex lock, unlock: both calls on a mutex that no other thread wants.
 * pthread_create + join: starts a thread that does nothing, and waits for its end. */
#include "figure.h"

#include <green/green.h>

enum { LOCKS = 20000000, GREEN_THREADS = 2000000, OS_THREADS = 20000 };

static double lock_and_unlock(long steps, void *context) {
    pthread_mutex_t *mutex = context;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        must(-pthread_mutex_lock(mutex), "pthread_mutex_lock");
        must(-pthread_mutex_unlock(mutex), "pthread_mutex_unlock");
    }
    return clock_ns() - begin;
}

static void *nothing(void *argument) {
    return argument;
}

static double create_and_join(long steps, void *context) {
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        pthread_t thread;
        must(-pthread_create(&thread, NULL, nothing, context), "pthread_create");
        must(-pthread_join(thread, NULL), "pthread_join");
    }
    return clock_ns() - begin;
}

static void measure(const char *locks, const char *threads, long thread_steps) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    figure_measure(threads, 1, thread_steps, create_and_join, NULL);
    figure_measure(locks, 1, LOCKS, lock_and_unlock, &mutex); /* in a process that has had several OS threads */
}

void bench_patch(void) {
    green_patch *patch;
    measure("native pthread mutex lock, unlock", "native pthread_create + join", OS_THREADS);
    must(green_monkey_patch(&patch, GREEN_PATCH_ALL | GREEN_PATCH_THREAD), "green_monkey_patch");
    must(green_yield(), "green_yield"); /* makes the hub */
    measure("patched pthread mutex lock, unlock", "patched pthread_create + join", GREEN_THREADS);
    must(green_unpatch(patch), "green_unpatch");
}
