/* What a parked thread waits for, and the lists it may wait in.
 *
 * A wait lives on the stack of its thread, from just before park to just after.
 * Whoever wakes it sets its result and calls green__ready() once; whoever
 * interrupts it calls green__interrupt(), which leads to the same end. */
#ifndef GREEN_CORE_WAIT_H
#define GREEN_CORE_WAIT_H

#include "../base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct green_wait green_wait;
struct green_thread;

typedef struct green_wait_kind {
    /* Makes the wait end early: takes it off whatever it is on and readies its
     * thread, or sees to it that this happens soon. Called at most once. NULL:
     * this wait cannot be interrupted. */
    void (*cancel)(green_wait *wait);
    /* "reading from 127.0.0.1:6000", for a dump. */
    void (*describe)(const green_wait *wait, char *text, size_t size);
} green_wait_kind;

typedef struct green_wait_link {
    struct green_wait_link *next, *previous;
} green_wait_link;

struct green_wait {
    const green_wait_kind *kind;
    struct green_thread *thread;
    int64_t since;        /* the hub's clock when it parked */
    int cause;            /* -errno, when the call itself was ended: its timeout, a close */
    bool cancelled;       /* kind->cancel was called */
    green_wait_link link; /* in a list */
};

/* Waits in the order they came: a circle through a link that is no wait. */
typedef green_wait_link green_wait_list;

static inline void green__wait_list_init(green_wait_list *list) {
    list->next = list->previous = list;
}

static inline bool green__wait_list_is_empty(const green_wait_list *list) {
    return list->next == list;
}

static inline void green__wait_list_append(green_wait_list *list, green_wait *wait) {
    wait->link.next = list;
    wait->link.previous = list->previous;
    list->previous->next = &wait->link;
    list->previous = &wait->link;
}

static inline void green__wait_list_remove(green_wait *wait) {
    wait->link.previous->next = wait->link.next;
    wait->link.next->previous = wait->link.previous;
}

/* Takes the first wait off a list; NULL when there is none. */
static inline green_wait *green__wait_list_take(green_wait_list *list) {
    if (green__wait_list_is_empty(list))
        return NULL;
    green_wait *first = GREEN_CONTAINER(list->next, green_wait, link);
    green__wait_list_remove(first);
    return first;
}

#endif
