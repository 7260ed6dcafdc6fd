/* Every sequence of up to five steps of three threads and their environment on a queue. */
#include "explored_objects.h"

static void compare(const void *queue, const struct model *model) {
    queue_compare_waits(queue, model);
    CHECK(green_queue_unfinished(queue), ==, model->unfinished);
    CHECK(green_queue_capacity(queue), ==, model->capacity);
    CHECK(green_queue_is_closed(queue), ==, model->closed);
    CHECK(green_queue_is_full(queue), ==, model_is_full(model));
}

static const struct explored queues = {"queue",      queue_make,  queue_put, queue_get,  queue_try_put, queue_try_get,
                                       queue_resize, queue_close, compare,   queue_free, true};

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
