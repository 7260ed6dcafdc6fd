/* Selects: taking an element by a select over four queues, one of which has elements, beside a
 * plain get of the same queue. */
#include "figure.h"

#include <green/green.h>

enum { QUEUES = 4, BATCH = 1024 };

static void fill(green_queue *queue) {
    for (uint64_t i = 0; i < BATCH; i++)
        must(green_queue_put(queue, &i, 0), "green_queue_put");
}

static double drain_by_get(green_queue *queue) {
    uint64_t item, sum = 0;
    double begin = clock_ns();
    for (long i = 0; i < BATCH; i++) {
        must(green_queue_get(queue, &item, GREEN_FOREVER), "green_queue_get");
        sum += item;
    }
    double taken = clock_ns() - begin;
    expect(sum == BATCH * (BATCH - 1) / 2, "each element arrives once");
    return taken;
}

static double drain_by_select(green_queue *const *queues) {
    uint64_t item = 0, sum = 0;
    green_case cases[QUEUES];
    for (int i = 0; i < QUEUES; i++)
        cases[i] = green_case_get(queues[i], &item);
    double begin = clock_ns();
    for (long i = 0; i < BATCH; i++) {
        must((int)green_select(cases, QUEUES, GREEN_FOREVER), "green_select");
        sum += item;
    }
    double taken = clock_ns() - begin;
    expect(sum == BATCH * (BATCH - 1) / 2, "each element arrives once");
    return taken;
}

static double drain(long steps, bool selects) {
    green_queue *queues[QUEUES];
    for (int i = 0; i < QUEUES; i++)
        must(green_queue_make(&queues[i],
                              &(green_queue_options){.element_size = sizeof(uint64_t), .capacity = GREEN_UNBOUNDED}),
             "green_queue_make");
    double taken = 0;
    for (long i = 0; i < steps / BATCH; i++) {
        green_queue *ready = queues[i % QUEUES];
        fill(ready);
        taken += selects ? drain_by_select(queues) : drain_by_get(ready);
    }
    for (int i = 0; i < QUEUES; i++)
        green_queue_free(queues[i]);
    return taken;
}

static double get(long steps, void *unused) {
    (void)unused;
    return drain(steps, false);
}

static double select_one(long steps, void *unused) {
    (void)unused;
    return drain(steps, true);
}

void bench_select(void) {
    figure_measure("queue get", 1, 8 * 1024 * 1024, get, NULL);
    figure_measure("select of 4 queues, one ready", 1, 8 * 1024 * 1024, select_one, NULL);
}
