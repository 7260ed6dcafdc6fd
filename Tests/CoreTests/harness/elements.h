/* Elements of a queue that record their own address, so that a test detects an element
 * that is lost, duplicated, copied instead of moved, or destroyed twice. */
#ifndef GREEN_TESTS_ELEMENTS_H
#define GREEN_TESTS_ELEMENTS_H

#include "harness.h"

struct element {
    struct element *self;
    int key;    /* elements with lower keys come first */
    int serial; /* from 1 */
};

/* Counts of all elements. */
struct element_tally {
    long alive;
    long moved;
    long destroyed; /* by queues */
};
extern struct element_tally elements;

void element_make(struct element *element, int key, int serial);

/* Destroys the element, and returns its serial. */
int element_take(struct element *element);

bool element_precedes(const void *first, const void *second, void *context);
void element_move(void *to, void *from, void *context);
void element_destroy(void *element, void *context);

/* The context of all callbacks. */
extern int element_context;

/* A new queue of elements. */
green_queue *element_queue(int64_t capacity, green_queue_order order);

/* Calls of the queue that put a new element or get one. They check that a failed put
 * leaves the element to the caller, and that a failed get does not write to its memory.
 * A put returns 0 or an error, a get the serial or an error. A try returns 0 if it would
 * wait. */
int element_put(green_queue *queue, int key, int serial, int64_t timeout);
int element_get(green_queue *queue, int64_t timeout);
int element_try_put(green_queue *queue, int key, int serial);
int element_try_get(green_queue *queue);

/* The same for a FIFO channel. */
green_channel *element_channel(int64_t capacity);
int element_send(green_channel *channel, int serial, int64_t timeout);
int element_receive(green_channel *channel, int64_t timeout);
int element_try_send(green_channel *channel, int serial);
int element_try_receive(green_channel *channel);

#endif
