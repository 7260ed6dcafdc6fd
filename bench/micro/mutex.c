/* mutex lock, unlock: both calls on a mutex that no other thread wants.
 * mutex hand-over: one mutex circulates. A thread unlocks it for the first waiter, then locks it
 * again: an unlock, a lock that blocks, and a switch. */
#include "figure.h"

#include <green/green.h>

enum { THREADS_MAX = 10 };

static double lock_and_unlock(long steps, void *context) {
    green_mutex *mutex = context;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        must(green_mutex_lock(mutex, GREEN_FOREVER), "green_mutex_lock");
        must(green_mutex_unlock(mutex), "green_mutex_unlock");
    }
    return clock_ns() - begin;
}

static int measure_alone(void *unused) {
    (void)unused;
    green_mutex *mutex;
    must(green_mutex_make(&mutex), "green_mutex_make");
    figure_measure("mutex lock, unlock", 1, 20000000, lock_and_unlock, mutex);
    green_mutex_free(mutex);
    return 0;
}

struct circle {
    green_mutex *mutex;
    long rounds; /* steps of each thread */
};

static int go_around(void *argument) {
    const struct circle *circle = argument;
    for (long i = 0; i < circle->rounds; i++) {
        must(green_mutex_lock(circle->mutex, GREEN_FOREVER), "green_mutex_lock");
        must(green_mutex_unlock(circle->mutex), "green_mutex_unlock");
    }
    return 0;
}

/* The mutex is unlocked when all threads wait for it. Otherwise the first thread would lock and
 * unlock it alone. */
static double hand_over(long steps, void *context) {
    long threads = *(const long *)context;
    struct circle circle = {.rounds = steps / threads};
    green_thread *handles[THREADS_MAX];
    must(green_mutex_make(&circle.mutex), "green_mutex_make");
    must(green_mutex_lock(circle.mutex, GREEN_FOREVER), "green_mutex_lock");
    for (long i = 0; i < threads; i++)
        must(green_spawn(&handles[i], go_around, &circle), "green_spawn");
    must(green_yield(), "green_yield");
    expect(green_mutex_waiting(circle.mutex) == (size_t)threads, "all threads wait for the mutex");
    double begin = clock_ns();
    must(green_mutex_unlock(circle.mutex), "green_mutex_unlock");
    for (long i = 0; i < threads; i++) {
        must(green_thread_wait(handles[i], NULL, GREEN_FOREVER), "green_thread_wait");
        green_thread_release(handles[i]);
    }
    double taken = clock_ns() - begin;
    expect(!green_mutex_holder(circle.mutex), "the mutex is unlocked");
    green_mutex_free(circle.mutex);
    return taken;
}

void bench_mutex(void) {
    static const long threads[] = {2, THREADS_MAX};
    green_thread *alone; /* not the context of the OS thread, which has no exit to observe */
    must(green_spawn(&alone, measure_alone, NULL), "green_spawn");
    must(green_thread_wait(alone, NULL, GREEN_FOREVER), "green_thread_wait");
    green_thread_release(alone);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        figure_measure("mutex hand-over", threads[i], 5000000, hand_over, (void *)&threads[i]);
}
