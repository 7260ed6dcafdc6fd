#include "calls.h"

#include "helpers.h"

static int make_call(void *argument) {
    struct call *call = argument;
    call->result = call->serial ? element_put(call->queue, 0, call->serial, call->timeout)
                                : element_get(call->queue, call->timeout);
    mark((char)('0' + call->serial));
    return 0;
}

void call_begin(struct call *call, green_queue *queue, int serial, int64_t timeout) {
    *call = (struct call){.queue = queue, .serial = serial, .timeout = timeout, .result = INT_MIN};
    call->thread = start(make_call, call);
}

void call_get(struct call *call, green_queue *queue) {
    call_begin(call, queue, 0, GREEN_FOREVER);
    let_run();
}

void call_put(struct call *call, green_queue *queue, int serial) {
    call_begin(call, queue, serial, GREEN_FOREVER);
    let_run();
}

bool call_waits(const struct call *call) {
    return !green_thread_is_finished(call->thread);
}

int call_end(struct call *call) {
    CHECK(finish(call->thread), ==, 0);
    return call->result;
}

int call_kill(struct call *call) {
    CHECK(green_thread_kill(call->thread), ==, 0);
    return call_end(call);
}

green_queue *queue_of(int64_t capacity, int count) {
    green_queue *queue = element_queue(capacity, GREEN_FIFO);
    for (int i = 1; i <= count; i++)
        CHECK(queue_put(queue, i), ==, 0);
    return queue;
}

int queue_put(green_queue *queue, int serial) {
    return element_put(queue, 0, serial, GREEN_FOREVER);
}

int queue_get(green_queue *queue) {
    return element_get(queue, GREEN_FOREVER);
}

int queue_join(void *queue) {
    return green_queue_join(queue, GREEN_FOREVER);
}

void queue_counts(green_queue *queue, size_t count, size_t getting, size_t putting) {
    CHECK(green_queue_count(queue), ==, count);
    CHECK(green_queue_getting(queue), ==, getting);
    CHECK(green_queue_putting(queue), ==, putting);
}

void queue_release(green_queue *queue) {
    CHECK(green_queue_getting(queue), ==, 0);
    CHECK(green_queue_putting(queue), ==, 0);
    green_queue_free(queue);
    CHECK(elements.alive, ==, 0);
}
