/* timeout: the cost of a timeout for a user. Spawns a thread and waits for it, without a
 * timeout and with one that never fires; the difference is the cost. Meanwhile the hub has a
 * million other pending timers, put directly into its heap, because a million sleeping threads
 * would measure their memory. */
#include "figure.h"

#include "core/hub.h"

#include <green/green.h>

#include <errno.h>
#include <stdlib.h>

enum { PENDING = 1000000 };

static void fired(green_timer *timer) {
    (void)timer;
}

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

static double waits(long steps, void *context) {
    int64_t timeout = *(const int64_t *)context;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        green_thread *thread;
        must(green_spawn(&thread, nothing, NULL), "green_spawn");
        must(green_thread_wait(thread, NULL, timeout), "green_thread_wait");
        green_thread_release(thread);
    }
    return clock_ns() - begin;
}

void bench_timeout(void) {
    int64_t none = GREEN_FOREVER, minute = 60 * GREEN_SECOND;
    must(green_yield(), "green_yield"); /* makes the hub */
    green_timer *timers = calloc(PENDING, sizeof *timers);
    if (!timers)
        must(-ENOMEM, "calloc");
    int64_t now = green_now();
    for (long i = 0; i < PENDING; i++) {
        timers[i].fire = fired;
        int64_t deadline = now + 3600 * GREEN_SECOND + i * 7919 % PENDING;
        must(green__timer_start(&green__hub->timers, &timers[i], deadline), "green__timer_start");
    }
    figure_measure("spawn + wait, no timeout", PENDING, 1000000, waits, &none);
    figure_measure("spawn + wait, timeout", PENDING, 1000000, waits, &minute);
    for (long i = 0; i < PENDING; i++)
        green__timer_cancel(&green__hub->timers, &timers[i]);
    free(timers);
}
