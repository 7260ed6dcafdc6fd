/* Channels of 64-bit elements: the cost of passing an item from one thread to another within a
 * hub, to be compared with queue.c, and between two hubs. */
#include "figure.h"

#include <green/green.h>

#include <pthread.h>

enum { CAPACITY = 1024, MANY = 16 };

struct line {
    green_channel *channel;
    long items; /* for each sender */
};

static int send_items(void *argument) {
    const struct line *line = argument;
    for (uint64_t i = 0; i < (uint64_t)line->items; i++)
        must(green_channel_send(line->channel, &i, GREEN_FOREVER), "green_channel_send");
    return 0;
}

static green_channel *make(int64_t capacity) {
    green_channel *channel;
    green_channel_options options = {.element_size = sizeof(uint64_t), .capacity = capacity};
    must(green_channel_make(&channel, &options), "green_channel_make");
    return channel;
}

static void receive_items(const struct line *line, int senders) {
    uint64_t item, sum = 0, expected = (uint64_t)line->items * ((uint64_t)line->items - 1) / 2 * (uint64_t)senders;
    for (long i = 0; i < line->items * senders; i++) {
        must(green_channel_receive(line->channel, &item, GREEN_FOREVER), "green_channel_receive");
        sum += item;
    }
    expect(sum == expected, "each item arrives once");
}

/* The caller receives the items of all senders. */
static double pass(long steps, int64_t capacity, int senders) {
    struct line line = {.channel = make(capacity), .items = steps / senders};
    double begin = clock_ns();
    for (int i = 0; i < senders; i++)
        must(green_detach(send_items, &line), "green_detach");
    receive_items(&line, senders);
    double taken = clock_ns() - begin;
    must(green_yield(), "green_yield"); /* lets the last senders return */
    green_channel_release(line.channel);
    return taken;
}

static double through_channel(long steps, void *senders) {
    return pass(steps, CAPACITY, *(int *)senders);
}

static double by_rendezvous(long steps, void *senders) {
    return pass(steps, 0, *(int *)senders);
}

static void *send_from_hub(void *argument) {
    must(green_yield(), "green_yield"); /* makes the hub */
    send_items(argument);
    must(green_hub_close(), "green_hub_close");
    return NULL;
}

/* The sender's hub is on another OS thread. */
static double between_hubs(long steps, void *capacity) {
    struct line line = {.channel = make(*(int64_t *)capacity), .items = steps};
    double begin = clock_ns();
    pthread_t sender = start_on_core(1, send_from_hub, &line);
    receive_items(&line, 1);
    double taken = clock_ns() - begin;
    expect(pthread_join(sender, NULL) == 0, "the OS thread ends");
    green_channel_release(line.channel);
    return taken;
}

void bench_channel(void) {
    static int counts[] = {1, MANY};
    static int64_t capacity = CAPACITY;
    for (int i = 0; i < 2; i++) {
        figure_measure("channel item", counts[i], 8000000, through_channel, &counts[i]);
        figure_measure("channel rendezvous", counts[i], 4000000, by_rendezvous, &counts[i]);
    }
    figure_measure("channel item, two hubs", 2, 4000000, between_hubs, &capacity);
}
