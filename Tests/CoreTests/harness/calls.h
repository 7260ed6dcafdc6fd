/* Calls on queues that wait in threads of their own, and common checks of a queue. */
#ifndef GREEN_TESTS_CALLS_H
#define GREEN_TESTS_CALLS_H

#include "elements.h"

/* A thread that makes one call of put or get. */
struct call {
    green_queue *queue;
    int serial; /* 0 for get */
    int64_t timeout;
    green_thread *thread;
    int result;
};

/* Starts a thread for the call. When the call returns, the thread marks its serial. */
void call_begin(struct call *call, green_queue *queue, int serial, int64_t timeout);

/* Does the same, and lets the thread run until it waits or ends. */
void call_get(struct call *call, green_queue *queue);
void call_put(struct call *call, green_queue *queue, int serial);

bool call_waits(const struct call *call);

/* Waits until the call has returned. Returns its result. */
int call_end(struct call *call);
int call_kill(struct call *call);

/* A FIFO queue with `count` elements, with serials from 1. */
green_queue *queue_of(int64_t capacity, int count);

int queue_put(green_queue *queue, int serial);
int queue_get(green_queue *queue);

/* A thread function: joins the queue. */
int queue_join(void *queue);

/* Checks the numbers of elements, getters and putters. */
void queue_counts(green_queue *queue, size_t count, size_t getting, size_t putting);

/* Frees the queue. Checks that no thread waits and that all elements have been freed. */
void queue_release(green_queue *queue);

#endif
