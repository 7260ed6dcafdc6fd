/* spawn + wait: creates, runs, waits for and releases a thread, on a warm stack. */
#include "figure.h"

#include <green/green.h>

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

static double spawn_and_wait(long steps, void *context) {
    (void)context;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        green_thread *thread;
        must(green_spawn(&thread, nothing, NULL), "green_spawn");
        must(green_thread_wait(thread, NULL, GREEN_FOREVER), "green_thread_wait");
        green_thread_release(thread);
    }
    return clock_ns() - begin;
}

void bench_spawn(void) {
    figure_measure("spawn + wait", 1, 2000000, spawn_and_wait, NULL);
}
