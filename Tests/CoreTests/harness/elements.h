/* Elements of a queue that know where they are: one that is lost, doubled, torn
 * off its address or destroyed twice shows. */
#ifndef GREEN_TESTS_ELEMENTS_H
#define GREEN_TESTS_ELEMENTS_H

#include "harness.h"

struct element {
    struct element *self;
    int key;    /* the lower comes first */
    int serial; /* from 1 */
};

/* What has happened to all of them. */
struct element_tally {
    long alive;
    long moved;
    long destroyed; /* by queues */
};
extern struct element_tally elements;

void element_make(struct element *element, int key, int serial);

/* Ends its life, and returns its serial. */
int element_take(struct element *element);

bool element_precedes(const void *first, const void *second, void *context);
void element_move(void *to, void *from, void *context);
void element_destroy(void *element, void *context);

/* A new queue of elements. */
green_queue *element_queue(int64_t capacity, green_queue_order order);

/* The calls of the queue, with a new element or for one. When a put fails, the
 * element has to be the caller's still; when a get does, its memory untouched.
 * put: 0 or an error. get: the serial or an error. try: 0: it would wait. */
int element_put(green_queue *queue, int key, int serial, int64_t timeout);
int element_get(green_queue *queue, int64_t timeout);
int element_try_put(green_queue *queue, int key, int serial);
int element_try_get(green_queue *queue);

#endif
