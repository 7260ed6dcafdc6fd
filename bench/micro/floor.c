/* Floors: the time of the minimum that any scheduler must do on this machine. Read Green's
 * figures as multiples of them. */
#include "figure.h"

#include "arch/switch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static void nothing(void) {
}

/* A call that the compiler cannot inline. */
static double calls(long steps, void *context) {
    (void)context;
    void (*volatile function)(void) = nothing;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++)
        function();
    return clock_ns() - begin;
}

/* Contexts in a circle: each switches to the next, without a queue. */
enum { CONTEXTS_MAX = 10, STACK_SIZE = 64 * 1024, COLOUR = 192 };

static void *contexts[CONTEXTS_MAX]; /* their stack pointers */
static int count;

static void go_around(void **from, void **to, long rounds) {
    for (long i = 0; i < rounds; i++)
        green__switch(from, *to);
}

/* All contexts switch at one place in the code, like threads that yield, because a processor
 * predicts a return by the place of the last call. The pointer keeps the compiler from making
 * a second copy. */
static void (*volatile one_place)(void **from, void **to, long rounds) = go_around;

static void hand_on(void *argument) {
    long self = (void **)argument - contexts;
    one_place(&contexts[self], &contexts[(self + 1) % count], LONG_MAX);
}

/* The first context is the caller's own. */
static double switches(long rounds) {
    double begin = clock_ns();
    one_place(&contexts[0], &contexts[1], rounds);
    return clock_ns() - begin;
}

static void measure_switch(int contexts_count) {
    char *stacks[CONTEXTS_MAX] = {NULL};
    count = contexts_count;
    for (int i = 1; i < count; i++) {
        if (!(stacks[i] = aligned_alloc(4096, STACK_SIZE)))
            must(-ENOMEM, "aligned_alloc");
        /* Coloured like Green's stacks; otherwise their tops would share cache sets. */
        contexts[i] = green__context(stacks[i] + STACK_SIZE - i * COLOUR, hand_on, &contexts[i]);
    }
    double runs[FIGURE_RUNS_MAX];
    long rounds = 20000000 / plan.scale / count;
    switches(rounds);
    for (int i = 0; i < plan.runs; i++)
        runs[i] = switches(rounds) / (double)(rounds * count);
    figure_print("floor: switch", count, "ns", runs, plan.runs);
    for (int i = 1; i < count; i++)
        free(stacks[i]);
}

void bench_floor(void) {
    figure_measure("floor: call", 1, 100000000, calls, NULL);
    measure_switch(2);
    measure_switch(10);
}
