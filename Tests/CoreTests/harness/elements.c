#include "elements.h"

struct element_tally elements;

int element_context; /* only its address counts */

void element_make(struct element *element, int key, int serial) {
    *element = (struct element){element, key, serial};
    elements.alive++;
}

int element_take(struct element *element) {
    CHECK(element->self == element);
    element->self = NULL;
    elements.alive--;
    return element->serial;
}

bool element_precedes(const void *first, const void *second, void *context) {
    const struct element *a = first, *b = second;
    CHECK(a->self == a);
    CHECK(b->self == b);
    CHECK(context == &element_context);
    return a->key < b->key;
}

void element_move(void *to, void *from, void *context) {
    struct element *new = to, *old = from;
    CHECK(old->self == old);
    CHECK(context == &element_context);
    *new = (struct element){new, old->key, old->serial};
    old->self = NULL;
    elements.moved++;
}

void element_destroy(void *element, void *context) {
    CHECK(context == &element_context);
    element_take(element);
    elements.destroyed++;
}

green_queue *element_queue(int64_t capacity, green_queue_order order) {
    green_queue *queue = NULL;
    green_queue_options options = {
        .element_size = sizeof(struct element),
        .alignment = _Alignof(struct element),
        .capacity = capacity,
        .order = order,
        .precedes = element_precedes,
        .move = element_move,
        .destroy = element_destroy,
        .context = &element_context,
    };
    CHECK(green_queue_make(&queue, &options), ==, 0);
    CHECK(queue != NULL);
    return queue;
}

/* After a put: checks that the queue took the element, or takes it back. */
static int settle_put(struct element *element, int result, bool moved) {
    if (moved)
        CHECK(element->self == NULL);
    else
        element_take(element);
    return result;
}

int element_put(green_queue *queue, int key, int serial, int64_t timeout) {
    struct element element;
    element_make(&element, key, serial);
    int error = green_queue_put(queue, &element, timeout);
    CHECK(error, <=, 0);
    return settle_put(&element, error, error == 0);
}

int element_try_put(green_queue *queue, int key, int serial) {
    struct element element;
    element_make(&element, key, serial);
    int result = green_queue_try_put(queue, &element);
    CHECK(result, <=, 1);
    return settle_put(&element, result, result == 1);
}

/* Memory without an element. */
static const struct element untouched = {NULL, -1, -1};

static int settle_get(struct element *element, int result, bool moved) {
    if (moved)
        return element_take(element);
    CHECK(memcmp(element, &untouched, sizeof untouched), ==, 0);
    return result;
}

int element_get(green_queue *queue, int64_t timeout) {
    struct element element = untouched;
    int error = green_queue_get(queue, &element, timeout);
    CHECK(error, <=, 0);
    return settle_get(&element, error, error == 0);
}

int element_try_get(green_queue *queue) {
    struct element element = untouched;
    int result = green_queue_try_get(queue, &element);
    CHECK(result, <=, 1);
    return settle_get(&element, result, result == 1);
}

green_channel *element_channel(int64_t capacity) {
    green_channel *channel = NULL;
    green_channel_options options = {
        .element_size = sizeof(struct element),
        .alignment = _Alignof(struct element),
        .capacity = capacity,
        .move = element_move,
        .destroy = element_destroy,
        .context = &element_context,
    };
    CHECK(green_channel_make(&channel, &options), ==, 0);
    CHECK(channel != NULL);
    return channel;
}

int element_send(green_channel *channel, int serial, int64_t timeout) {
    struct element element;
    element_make(&element, 0, serial);
    int error = green_channel_send(channel, &element, timeout);
    CHECK(error, <=, 0);
    return settle_put(&element, error, error == 0);
}

int element_try_send(green_channel *channel, int serial) {
    struct element element;
    element_make(&element, 0, serial);
    int result = green_channel_try_send(channel, &element);
    CHECK(result, <=, 1);
    return settle_put(&element, result, result == 1);
}

int element_receive(green_channel *channel, int64_t timeout) {
    struct element element = untouched;
    int error = green_channel_receive(channel, &element, timeout);
    CHECK(error, <=, 0);
    return settle_get(&element, error, error == 0);
}

int element_try_receive(green_channel *channel) {
    struct element element = untouched;
    int result = green_channel_try_receive(channel, &element);
    CHECK(result, <=, 1);
    return settle_get(&element, result, result == 1);
}
