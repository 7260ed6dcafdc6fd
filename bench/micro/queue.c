/* Queues of 64-bit elements: the cost of passing an item from one thread to another,
 * through a queue of 1 024 and by a rendezvous. */
#include "figure.h"

#include <green/green.h>

enum { CAPACITY = 1024, MANY = 16 };

struct line {
    green_queue *queue;
    long items; /* for each producer */
};

static int produce(void *argument) {
    const struct line *line = argument;
    for (uint64_t i = 0; i < (uint64_t)line->items; i++)
        must(green_queue_put(line->queue, &i, GREEN_FOREVER), "green_queue_put");
    return 0;
}

/* The caller receives the items of all producers. */
static double pass(long steps, int64_t capacity, int producers) {
    struct line line = {.items = steps / producers};
    must(green_queue_make(&line.queue, &(green_queue_options){.element_size = sizeof(uint64_t), .capacity = capacity}),
         "green_queue_make");
    uint64_t item, sum = 0, expected = (uint64_t)line.items * ((uint64_t)line.items - 1) / 2 * (uint64_t)producers;
    double begin = clock_ns();
    for (int i = 0; i < producers; i++)
        must(green_detach(produce, &line), "green_detach");
    for (long i = 0; i < line.items * producers; i++) {
        must(green_queue_get(line.queue, &item, GREEN_FOREVER), "green_queue_get");
        sum += item;
    }
    double taken = clock_ns() - begin;
    expect(sum == expected, "each item arrives once");
    must(green_yield(), "green_yield"); /* lets the last producers return */
    green_queue_free(line.queue);
    return taken;
}

static double through_queue(long steps, void *producers) {
    return pass(steps, CAPACITY, *(int *)producers);
}

static double by_rendezvous(long steps, void *producers) {
    return pass(steps, 0, *(int *)producers);
}

void bench_queue(void) {
    static int counts[] = {1, MANY};
    for (int i = 0; i < 2; i++) {
        figure_measure("queue item", counts[i], 8000000, through_queue, &counts[i]);
        figure_measure("rendezvous", counts[i], 4000000, by_rendezvous, &counts[i]);
    }
}
