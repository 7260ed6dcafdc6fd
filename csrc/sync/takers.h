/* Threads that take items out of a group or a pile, first come, first served. */
#ifndef GREEN_SYNC_TAKERS_H
#define GREEN_SYNC_TAKERS_H

#include "hub_affinity.h"

/* What a taker gets. */
typedef struct green_taken {
    void *item;
    int result;
} green_taken;

/* Part of the object that items are taken from. While a thread waits, the object
 * has no item to give; the next one goes to the thread that has waited longest. */
typedef struct green_takers {
    green_hub *hub;
    const char *object; /* "group", for messages */
    const char *which;  /* "next": which of its threads is waited for, for messages */
    size_t count;       /* of items, given now or later */
    green_wait_list waiting;
} green_takers;

/* The thread that gets the next item; NULL when none waits. */
static inline green_thread *green__takers_first(const green_takers *takers) {
    const green_wait_link *first = takers->waiting.next;
    return first == &takers->waiting ? NULL : GREEN_CONTAINER(first, const green_wait, link)->thread;
}

/* Gives an item to the first thread that waits, and lets the others go when
 * there is no further item. */
void green__takers_give(green_takers *takers, green_taken taken);

/* Lets all threads go that wait for an item of an empty object. */
void green__takers_check_empty(green_takers *takers);

/* The start of a call that takes: 0 or -errno. */
static inline int green__takers_enter(green_takers *takers) {
    int error = green__hub_affinity_check(&takers->hub, takers->object);
    return error < 0 ? error : green__check_interrupt(takers->hub);
}

/* Waits for an item. 1: *taken is set. 0: the object is empty. Otherwise -errno. */
int green__takers_wait(green_takers *takers, green_taken *taken, int64_t timeout);

#endif
