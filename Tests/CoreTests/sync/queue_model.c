/* Every sequence of up to five steps of three threads and their environment on a queue. */
#include "elements.h"
#include "explore.h"
#include "helpers.h"

static void *make(int64_t capacity, green_queue_order order) {
    return element_queue(capacity, order);
}

static int put(void *queue, int key, int serial, int64_t timeout) {
    return element_put(queue, key, serial, timeout);
}

static int get(void *queue, int64_t timeout) {
    return element_get(queue, timeout);
}

static int try_put(void *queue, int key, int serial) {
    return element_try_put(queue, key, serial);
}

static int try_get(void *queue) {
    return element_try_get(queue);
}

static int resize(void *queue, int64_t capacity) {
    return green_queue_resize(queue, capacity);
}

static int close_queue(void *queue) {
    return green_queue_close(queue);
}

static void compare(const void *queue, const struct model *model) {
    CHECK(green_queue_count(queue), ==, model->holds);
    CHECK(green_queue_getting(queue), ==, model_waiting(model, false));
    CHECK(green_queue_putting(queue), ==, model_waiting(model, true));
    CHECK(green_queue_unfinished(queue), ==, model->unfinished);
    CHECK(green_queue_capacity(queue), ==, model->capacity);
    CHECK(green_queue_is_closed(queue), ==, model->closed);
    CHECK(green_queue_is_full(queue), ==, model_is_full(model));
}

static void free_queue(void *queue) {
    green_queue_free(queue);
}

static const struct explored queues = {"queue", make,        put,     get,        try_put, try_get,
                                       resize,  close_queue, compare, free_queue, true};

TEST(fifo_rendezvous, "every sequence of steps on a rendezvous matches the model") {
    explore_all(&queues, GREEN_FIFO, 0);
}

TEST(fifo_one, "every sequence of steps on a queue of capacity 1 matches the model") {
    explore_all(&queues, GREEN_FIFO, 1);
}

TEST(fifo_two, "every sequence of steps on a queue of capacity 2 matches the model") {
    explore_all(&queues, GREEN_FIFO, 2);
}

TEST(fifo_unbounded, "every sequence of steps on an unbounded queue matches the model") {
    explore_all(&queues, GREEN_FIFO, GREEN_UNBOUNDED);
}

TEST(lifo_rendezvous, "every sequence of steps on a LIFO rendezvous that is resized matches the model") {
    explore_all(&queues, GREEN_LIFO, 0);
}

TEST(lifo_one, "every sequence of steps on a LIFO queue of capacity 1 matches the model") {
    explore_all(&queues, GREEN_LIFO, 1);
}

TEST(lifo_two, "every sequence of steps on a LIFO queue of capacity 2 matches the model") {
    explore_all(&queues, GREEN_LIFO, 2);
}

TEST(lifo_unbounded, "every sequence of steps on an unbounded LIFO queue matches the model") {
    explore_all(&queues, GREEN_LIFO, GREEN_UNBOUNDED);
}

TEST(priority_rendezvous, "every sequence of steps on a priority rendezvous that is resized matches the model") {
    explore_all(&queues, GREEN_PRIORITY, 0);
}

TEST(priority_one, "every sequence of steps on a priority queue of capacity 1 matches the model") {
    explore_all(&queues, GREEN_PRIORITY, 1);
}

TEST(priority_two, "every sequence of steps on a priority queue of capacity 2 matches the model") {
    explore_all(&queues, GREEN_PRIORITY, 2);
}

TEST(priority_unbounded, "every sequence of steps on an unbounded priority queue matches the model") {
    explore_all(&queues, GREEN_PRIORITY, GREEN_UNBOUNDED);
}
