/* Calls of queues that wait in threads of their own, and what tests ask a queue
 * over and over. */
#ifndef GREEN_TESTS_CALLS_H
#define GREEN_TESTS_CALLS_H

#include "elements.h"

/* A thread that puts or gets once. */
struct call {
    green_queue *queue;
    int serial; /* 0: gets */
    int64_t timeout;
    green_thread *thread;
    int result;
};

/* Starts a thread that is going to call. When the call returns it is marked with
 * its serial. */
void call_begin(struct call *call, green_queue *queue, int serial, int64_t timeout);

/* The same, and lets it come as far as it can. */
void call_get(struct call *call, green_queue *queue);
void call_put(struct call *call, green_queue *queue, int serial);

bool call_waits(const struct call *call);

/* Waits until it has returned, and returns what it did. */
int call_end(struct call *call);
int call_kill(struct call *call);

/* A FIFO queue of so many elements, with serials from 1. */
green_queue *queue_of(int64_t capacity, int count);

int queue_put(green_queue *queue, int serial);
int queue_get(green_queue *queue);

/* Function of a thread: joins the queue. */
int queue_join(void *queue);

/* What it holds and who waits. */
void queue_counts(green_queue *queue, size_t count, size_t getting, size_t putting);

/* Frees it, with nobody who waits and no element outside. */
void queue_release(green_queue *queue);

#endif
