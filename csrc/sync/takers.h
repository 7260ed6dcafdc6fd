/* Takers: the threads that wait for an item of a group or a pile. They are served
 * in order of arrival. */
#ifndef GREEN_SYNC_TAKERS_H
#define GREEN_SYNC_TAKERS_H

#include "hub_affinity.h"

typedef struct green_taken {
    void *item; /* the context that it was added with */
    int result;
    green_thread *thread; /* of a group, retained */
} green_taken;

/* Embedded in the group or pile. While takers wait, no item is available: each item
 * that becomes available belongs to the first taker at once. */
typedef struct green_takers {
    green_hub *hub;
    const char *object; /* "group" or "pile", for messages */
    const char *which;  /* "next": which of its threads is waited for, for messages */
    size_t count;       /* items, available or not */
    green_wait_list waiting;
} green_takers;

/* The thread that gets the next item, or NULL if none waits. */
static inline green_thread *green__takers_first(const green_takers *takers) {
    const green_wait_link *first = takers->waiting.next;
    return first == &takers->waiting ? NULL : GREEN_CONTAINER(first, const green_wait, link)->thread;
}

/* Passes an item to the first taker and wakes it. Wakes the others if no item is
 * left. */
void green__takers_give(green_takers *takers, green_taken taken);

/* Wakes all takers if no item is left. */
void green__takers_check_empty(green_takers *takers);

/* Blocks until an item is available. Returns 1 if *taken is set, 0 if no item is
 * left, or -errno. */
int green__takers_wait(green_takers *takers, green_taken *taken, int64_t timeout);

#endif
