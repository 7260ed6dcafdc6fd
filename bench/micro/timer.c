/* timer: the timer heap alone, with a million pending timers, called directly and not through
 * the public API. timeout.c measures the cost of a timeout of a blocking call. */
#include "figure.h"

#include "core/timer.h"

#include <green/green.h>

#include <errno.h>
#include <stdlib.h>

enum { PENDING = 1000000 };

static const int64_t HOUR = 3600 * INT64_C(1000000000);

typedef struct timer_bench {
    green_timer_heap heap;
    green_timer *timers;
    int64_t now; /* the benchmark's own clock; the heap reads none */
    uint64_t random;
} timer_bench;

static void fired(green_timer *timer) {
    (void)timer;
}

/* xorshift64*, cheap enough not to affect the figure. */
static uint64_t next_random(timer_bench *bench) {
    bench->random ^= bench->random >> 12;
    bench->random ^= bench->random << 25;
    bench->random ^= bench->random >> 27;
    return bench->random * UINT64_C(2685821657736338717);
}

/* Like the timeouts of a server: all have one length, so the newest ends last. */
static double latest(long steps, void *context) {
    timer_bench *bench = context;
    green_timer timer = {.fire = fired};
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        must(green__timer_start(&bench->heap, &timer, bench->now++ + HOUR), "green__timer_start");
        green__timer_cancel(&bench->heap, &timer);
    }
    return clock_ns() - begin;
}

/* Timeouts of all lengths: anywhere among the pending ones. */
static double anywhere(long steps, void *context) {
    timer_bench *bench = context;
    green_timer timer = {.fire = fired};
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        int64_t deadline = bench->now + (int64_t)(next_random(bench) % (uint64_t)HOUR);
        must(green__timer_start(&bench->heap, &timer, deadline), "green__timer_start");
        green__timer_cancel(&bench->heap, &timer);
    }
    return clock_ns() - begin;
}

/* One of a million clients answers: its old timeout, at a random place in the heap and not
 * in the cache, is cancelled, and a new one is started. */
static double restarted(long steps, void *context) {
    timer_bench *bench = context;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        green_timer *timer = &bench->timers[next_random(bench) % PENDING];
        green__timer_cancel(&bench->heap, timer);
        must(green__timer_start(&bench->heap, timer, bench->now++ + HOUR), "green__timer_start");
    }
    return clock_ns() - begin;
}

void bench_timer(void) {
    timer_bench bench = {.now = green_now(), .random = 88172645463325252};
    if (!(bench.timers = calloc(PENDING, sizeof *bench.timers)))
        must(-ENOMEM, "calloc");
    for (long i = 0; i < PENDING; i++) {
        bench.timers[i].fire = fired;
        int64_t deadline = bench.now + (int64_t)(next_random(&bench) % (uint64_t)HOUR);
        must(green__timer_start(&bench.heap, &bench.timers[i], deadline), "green__timer_start");
    }
    figure_measure("timer start + cancel, latest", PENDING, 5000000, latest, &bench);
    figure_measure("timer start + cancel, anywhere", PENDING, 5000000, anywhere, &bench);
    figure_measure("timer restart of any one", PENDING, 2000000, restarted, &bench);
    green__timers_destroy(&bench.heap);
    free(bench.timers);
}
