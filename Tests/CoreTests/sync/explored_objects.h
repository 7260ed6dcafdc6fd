/* The calls of a queue and of a channel of elements, for exhaustive models. */
#ifndef GREEN_TESTS_EXPLORED_OBJECTS_H
#define GREEN_TESTS_EXPLORED_OBJECTS_H

#include "elements.h"
#include "explore.h"
#include "helpers.h"

/* Queues ------------------------------------------------------------------- */

static inline void *queue_make(int64_t capacity, green_queue_order order) {
    return element_queue(capacity, order);
}

static inline int queue_put(void *queue, int key, int serial, int64_t timeout) {
    return element_put(queue, key, serial, timeout);
}

static inline int queue_get(void *queue, int64_t timeout) {
    return element_get(queue, timeout);
}

static inline int queue_try_put(void *queue, int key, int serial) {
    return element_try_put(queue, key, serial);
}

static inline int queue_try_get(void *queue) {
    return element_try_get(queue);
}

static inline int queue_resize(void *queue, int64_t capacity) {
    return green_queue_resize(queue, capacity);
}

static inline int queue_close(void *queue) {
    return green_queue_close(queue);
}

static inline void queue_free(void *queue) {
    green_queue_free(queue);
}

static inline void queue_compare_waits(const green_queue *queue, const struct model *model) {
    CHECK(green_queue_count(queue), ==, model->holds);
    CHECK(green_queue_getting(queue), ==, model_waiting(model, false));
    CHECK(green_queue_putting(queue), ==, model_waiting(model, true));
}

/* Channels ----------------------------------------------------------------- */

static inline void *channel_make(int64_t capacity, green_queue_order order) {
    (void)order;
    return element_channel(capacity);
}

static inline int channel_send(void *channel, int key, int serial, int64_t timeout) {
    (void)key;
    return element_send(channel, serial, timeout);
}

static inline int channel_receive(void *channel, int64_t timeout) {
    return element_receive(channel, timeout);
}

static inline int channel_try_send(void *channel, int key, int serial) {
    (void)key;
    return element_try_send(channel, serial);
}

static inline int channel_try_receive(void *channel) {
    return element_try_receive(channel);
}

static inline int channel_close(void *channel) {
    return green_channel_close(channel);
}

static inline void channel_compare_waits(const green_channel *channel, const struct model *model) {
    CHECK(green_channel_count(channel), ==, model->holds);
    CHECK(green_channel_receiving(channel), ==, model_waiting(model, false));
    CHECK(green_channel_sending(channel), ==, model_waiting(model, true));
}

#endif
