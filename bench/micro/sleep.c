/* sleep: threads sleep for a nanosecond, which expires at the next check of the hub: starts
 * and fires a timer, parks and wakes. */
#include "figure.h"

#include <green/green.h>

typedef struct sleep_bench {
    long rounds; /* of each thread */
} sleep_bench;

static int sleep_rounds(void *argument) {
    const sleep_bench *bench = argument;
    for (long i = 0; i < bench->rounds; i++)
        must(green_sleep(1), "green_sleep");
    return 0;
}

static double sleepers(long steps, void *context) {
    long threads = *(const long *)context;
    sleep_bench bench = {.rounds = steps / threads};
    green_thread *handles[1000];
    double begin = clock_ns();
    for (long i = 0; i < threads; i++)
        must(green_spawn(&handles[i], sleep_rounds, &bench), "green_spawn");
    for (long i = 0; i < threads; i++) {
        must(green_thread_wait(handles[i], NULL, GREEN_FOREVER), "green_thread_wait");
        green_thread_release(handles[i]);
    }
    return clock_ns() - begin;
}

void bench_sleep(void) {
    static const long threads[] = {1, 10, 1000};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        figure_measure("sleep", threads[i], 1000000, sleepers, (void *)&threads[i]);
}
