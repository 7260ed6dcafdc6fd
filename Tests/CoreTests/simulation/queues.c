/* Queues: each item is put and taken once, in order. */
#include "world.h"

static int64_t some_capacity(void) {
    return (int64_t)below(5) - 1;
}

static void queue_make(struct queue *queue) {
    green_queue_options options = {.element_size = sizeof(uint64_t), .capacity = some_capacity()};
    uint64_t generation = queue->generation + 1;
    *queue = (struct queue){.generation = generation};
    CHECK(green_queue_make(&queue->queue, &options), ==, 0);
}

/* Items leave in the order they were put, to getters in the order of their calls. */
static void check_order(const struct queue *queue) {
    uint64_t last = 0;
    for (uint64_t item = 1; item <= queue->items; item++) {
        if (queue->states[item] != GOT)
            continue;
        CHECK(queue->getter[item], >, last);
        last = queue->getter[item];
    }
}

static void check_count(const struct queue *queue) {
    uint64_t count = 0;
    for (uint64_t item = 1; item <= queue->items; item++)
        count += queue->states[item] == PUT;
    CHECK(green_queue_count(queue->queue), ==, count);
}

static void queue_end(struct queue *queue) {
    check_order(queue);
    if (queue->busy == 0)
        check_count(queue);
    green_queue_free(queue->queue);
}

void queues_make(void) {
    for (uint32_t i = 0; i < world.queue_count; i++)
        queue_make(&world.queues[i]);
}

/* A thread waits only for what is not available. */
void queues_check(void) {
    for (uint32_t i = 0; i < world.queue_count; i++) {
        const green_queue *queue = world.queues[i].queue;
        int64_t capacity = green_queue_capacity(queue);
        size_t count = green_queue_count(queue), getting = green_queue_getting(queue);
        size_t putting = green_queue_putting(queue);
        CHECK(getting == 0 || (count == 0 && putting == 0));
        CHECK(putting == 0 || (capacity >= 0 && (int64_t)count >= capacity));
        CHECK(!green_queue_is_closed(queue) || getting + putting == 0);
    }
}

/* Waiting threads are served in the order of their calls. */
static void check_order_of_calls(const struct call *call, uint64_t number, uint64_t *served) {
    if (!call_blocked(call))
        return;
    CHECK(number, >, *served);
    *served = number;
}

static void put(struct actor *actor, struct queue *queue) {
    if (queue->items + 1 == ITEMS_MAX)
        return;
    int64_t timeout = some_timeout();
    uint64_t generation = queue->generation, item = ++queue->items;
    struct call call;
    queue->states[item] = PUTTING;
    queue->busy++;
    call_begin(&call, actor, timeout);
    long result = green_queue_put(queue->queue, &(uint64_t){item}, timeout);
    if (queue->generation == generation) {
        queue->busy--;
        if (result == 0) {
            check_order_of_calls(&call, item, &queue->served_put);
            if (queue->states[item] == PUTTING)
                queue->states[item] = PUT;
        } else {
            CHECK(queue->states[item], ==, PUTTING); /* the item is lost */
            queue->states[item] = KEPT;
            CHECK(is_early(result) || (result == -EBADF && green_queue_is_closed(queue->queue)));
        }
    } else {
        CHECK(result == 0 || result == -EBADF || is_early(result));
    }
    call_end(&call, result);
}

static void get(struct actor *actor, struct queue *queue) {
    int64_t timeout = some_timeout();
    uint64_t generation = queue->generation, number = ++queue->gets, item = 0;
    struct call call;
    queue->busy++;
    call_begin(&call, actor, timeout);
    long result = green_queue_get(queue->queue, &item, timeout);
    if (queue->generation == generation) {
        queue->busy--;
        if (result == 0) {
            check_order_of_calls(&call, number, &queue->served_get);
            CHECK(item >= 1 && item <= queue->items);
            CHECK(queue->states[item] == PUT || queue->states[item] == PUTTING);
            queue->states[item] = GOT;
            queue->getter[item] = number;
        } else {
            CHECK(is_early(result) || (result == -EBADF && green_queue_is_closed(queue->queue)));
        }
    } else {
        CHECK(result == 0 || result == -EBADF || is_early(result));
    }
    call_end(&call, result);
}

static void resize(struct queue *queue) {
    CHECK(green_queue_resize(queue->queue, some_capacity()), ==, 0);
    queues_check();
}

static void replace(struct queue *queue) {
    struct queue *old = malloc(sizeof *old);
    *old = *queue;
    queue_make(queue);
    queue_end(old);
    free(old);
}

void queues_act(struct actor *actor) {
    struct queue *queue = &world.queues[below(world.queue_count)];
    if (chance(20)) {
        replace(queue);
    } else if (chance(20)) {
        CHECK(green_queue_close(queue->queue), ==, 0);
        queues_check();
    } else if (chance(40)) {
        resize(queue);
    } else if (green_queue_is_closed(queue->queue) && chance(500)) {
        replace(queue);
    } else if (chance(500)) {
        put(actor, queue);
    } else {
        get(actor, queue);
    }
}

void queues_end(void) {
    for (uint32_t i = 0; i < world.queue_count; i++) {
        CHECK(world.queues[i].busy, ==, 0);
        queue_end(&world.queues[i]);
    }
}
