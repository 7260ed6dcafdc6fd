/* Slots: elements that are constructed and taken in place. */
#include "calls.h"
#include "helpers.h"

static bool put_in_slot(green_queue *queue, int serial) {
    struct element *slot = green_queue_put_slot(queue);
    if (slot)
        element_make(slot, 0, serial);
    return slot != NULL;
}

/* The serial of the element, or 0 if there is no slot. */
static int get_from_slot(green_queue *queue) {
    struct element *slot = green_queue_get_slot(queue);
    return slot ? element_take(slot) : 0;
}

TEST(slots, "an element is constructed and taken in the queue's own memory") {
    static const green_queue_order orders[] = {GREEN_FIFO, GREEN_LIFO};
    for (int i = 0; i < 2; i++) {
        green_queue *queue = element_queue(2, orders[i]);
        CHECK(get_from_slot(queue), ==, 0);
        CHECK(queue_put(queue, 9), ==, 0); /* the queue has a hub from here on */
        CHECK(queue_get(queue), ==, 9);
        elements.moved = 0;
        CHECK(put_in_slot(queue, 1));
        CHECK(put_in_slot(queue, 2));
        CHECK(!put_in_slot(queue, 3));
        queue_counts(queue, 2, 0, 0);
        CHECK(green_queue_unfinished(queue), ==, 3);
        CHECK(get_from_slot(queue), ==, i == 0 ? 1 : 2);
        CHECK(get_from_slot(queue), ==, i == 0 ? 2 : 1);
        CHECK(get_from_slot(queue), ==, 0);
        CHECK(elements.moved, ==, 0);
        queue_release(queue);
    }
}

TEST(slots_of_others, "a slot may be in the memory of the waiting thread") {
    green_queue *rendezvous = element_queue(0, GREEN_FIFO);
    struct call call;
    CHECK(element_try_get(rendezvous), ==, 0); /* the queue has a hub from here on */
    CHECK(!put_in_slot(rendezvous, 1));
    call_get(&call, rendezvous);
    CHECK(put_in_slot(rendezvous, 1));
    CHECK(call_end(&call), ==, 1);
    call_put(&call, rendezvous, 2);
    CHECK(get_from_slot(rendezvous), ==, 2);
    CHECK(call_end(&call), ==, 0);
    CHECK(green_queue_unfinished(rendezvous), ==, 2);
    queue_release(rendezvous);
}

/* Callers use the slot, or the call if there is none. */
static void put_either_way(green_queue *queue, int serial) {
    if (!put_in_slot(queue, serial))
        CHECK(queue_put(queue, serial), ==, 0);
}

static int get_either_way(green_queue *queue) {
    int serial = get_from_slot(queue);
    return serial > 0 ? serial : queue_get(queue);
}

struct slot_writer {
    green_queue *queue;
    int count;
};

static int write_slots(void *argument) {
    struct slot_writer *writer = argument;
    for (int i = 1; i <= writer->count; i++)
        put_either_way(writer->queue, i);
    return 0;
}

TEST(slots_and_waits, "slots and calls can alternate at every capacity, and no element is lost or overtaken") {
    static const int64_t capacities[] = {0, 1, 2, 3, 7, 100, GREEN_UNBOUNDED};
    for (int i = 0; i < 7; i++) {
        struct slot_writer writer = {element_queue(capacities[i], GREEN_FIFO), 2000};
        green_thread *thread = start(write_slots, &writer);
        for (int j = 1; j <= writer.count; j++)
            CHECK(get_either_way(writer.queue), ==, j);
        CHECK(finish(thread), ==, 0);
        queue_release(writer.queue);
    }
}

TEST(slots_of_a_full_stack, "a slot taken from a full LIFO queue is not reused for the waiting put") {
    green_queue *queue = element_queue(1, GREEN_LIFO);
    struct call putter;
    CHECK(queue_put(queue, 1), ==, 0);
    for (int i = 2; i <= 5; i++) {
        call_put(&putter, queue, i);
        CHECK(get_either_way(queue), ==, i - 1);
        CHECK(call_end(&putter), ==, 0);
    }
    CHECK(get_either_way(queue), ==, 5);
    queue_release(queue);
}

TEST(slots_of_priorities, "a priority queue keeps its order when slots are used") {
    static const int keys[] = {3, 1, 2, 0};
    green_queue *queue = element_queue(GREEN_UNBOUNDED, GREEN_PRIORITY);
    for (int i = 0; i < 4; i++) {
        struct element *slot = green_queue_put_slot(queue);
        if (slot)
            element_make(slot, keys[i], keys[i] + 1);
        else
            CHECK(element_put(queue, keys[i], keys[i] + 1, 0), ==, 0);
    }
    for (int i = 1; i <= 4; i++)
        CHECK(get_either_way(queue), ==, i);
    queue_release(queue);
}

TEST(slots_of_closed, "a closed queue has no slot for a put, and returns its remaining elements") {
    green_queue *queue = queue_of(2, 1);
    CHECK(green_queue_close(queue), ==, 0);
    CHECK(!put_in_slot(queue, 2));
    CHECK(get_from_slot(queue), ==, 1);
    CHECK(get_from_slot(queue), ==, 0);
    queue_release(queue);
}
