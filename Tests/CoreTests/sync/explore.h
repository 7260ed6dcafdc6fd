/* Runs every short sequence of steps of several threads and their environment on a real
 * object with real green threads, which are compared with a model after every step. */
#ifndef GREEN_TESTS_EXPLORE_H
#define GREEN_TESTS_EXPLORE_H

#include "model.h"

/* A kind of object: a queue, or what behaves like one. The calls are those of elements.h: a
 * put returns 0 or an error, a get the serial of the element or an error, and a try 0 if it
 * would wait. */
struct explored {
    const char *name;
    void *(*make)(int64_t capacity, green_queue_order order);
    int (*put)(void *object, int key, int serial, int64_t timeout);
    int (*get)(void *object, int64_t timeout);
    int (*try_put)(void *object, int key, int serial);
    int (*try_get)(void *object);
    int (*resize)(void *object, int64_t capacity); /* NULL: its capacity is fixed */
    int (*close)(void *object);
    void (*compare)(const void *object, const struct model *model); /* its state */
    void (*free)(void *object);                                     /* wakes the threads that wait */
    bool counts_elements;                                           /* they are counted in elements.h */
};

/* First lets all threads run after each step, then takes the steps of the environment
 * without letting any thread run, so that they meet woken threads that have not run.
 * Runs short sequences first, so that a failing one is as short as possible. */
void explore_all(const struct explored *kind, green_queue_order order, int64_t capacity);

#endif
