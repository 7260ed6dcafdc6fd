/* semaphore hand-over: one permit circulates. A thread releases it to the first waiter, then
 * waits itself: a release, an acquire that blocks, and a switch. */
#include "figure.h"

#include <green/green.h>

enum { THREADS_MAX = 10 };

struct circle {
    green_semaphore *permit;
    long rounds; /* steps of each thread */
};

static int go_around(void *argument) {
    const struct circle *circle = argument;
    for (long i = 0; i < circle->rounds; i++) {
        must(green_semaphore_acquire(circle->permit, GREEN_FOREVER), "green_semaphore_acquire");
        must(green_semaphore_release(circle->permit), "green_semaphore_release");
    }
    return 0;
}

/* The permit is released when all threads wait for it. Otherwise the first thread would
 * acquire and release it alone. */
static double hand_over(long steps, void *context) {
    long threads = *(const long *)context;
    struct circle circle = {.rounds = steps / threads};
    green_thread *handles[THREADS_MAX];
    must(green_semaphore_make(&circle.permit, 0, -1), "green_semaphore_make");
    for (long i = 0; i < threads; i++)
        must(green_spawn(&handles[i], go_around, &circle), "green_spawn");
    must(green_yield(), "green_yield");
    expect(green_semaphore_acquiring(circle.permit) == (size_t)threads, "all threads wait for the permit");
    double begin = clock_ns();
    must(green_semaphore_release(circle.permit), "green_semaphore_release");
    for (long i = 0; i < threads; i++) {
        must(green_thread_wait(handles[i], NULL, GREEN_FOREVER), "green_thread_wait");
        green_thread_release(handles[i]);
    }
    double taken = clock_ns() - begin;
    expect(green_semaphore_permits(circle.permit) == 1, "the permit is released");
    green_semaphore_free(circle.permit);
    return taken;
}

void bench_semaphore(void) {
    static const long threads[] = {2, THREADS_MAX};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        figure_measure("semaphore hand-over", threads[i], 5000000, hand_over, (void *)&threads[i]);
}
