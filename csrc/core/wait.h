/* Waits of parked threads, and lists of waits.
 *
 * A wait is on the stack of its thread while the thread is parked. The object that it waits
 * for stores a result and calls green__ready() once. An interrupt calls cancel(), which
 * leads to the same call. */
#ifndef GREEN_CORE_WAIT_H
#define GREEN_CORE_WAIT_H

#include "../base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct green_wait green_wait;
struct green_thread;

typedef struct green_wait_kind {
    /* Ends the wait early: removes it from its object and makes its thread ready, at once
     * or soon after. Called at most once. NULL: the wait cannot be interrupted. */
    void (*cancel)(green_wait *wait);
    /* Formats what the thread waits for, such as "reading from 127.0.0.1:6000". */
    void (*describe)(const green_wait *wait, char *text, size_t size);
} green_wait_kind;

typedef struct green_wait_link {
    struct green_wait_link *next, *previous;
} green_wait_link;

struct green_wait {
    const green_wait_kind *kind;
    struct green_thread *thread;
    struct green_selection *select; /* NULL, or what it is one of the waits of: see select.h */
    int64_t since;                  /* the hub's clock when it parked */
    int cause;                      /* -errno, if the call was ended by its own timeout or by a close */
    bool cancelled;                 /* kind->cancel was called */
    green_wait_link link;           /* in a list */
};

/* Waits in the order in which they were appended: a ring through a link that is not part of
 * a wait. */
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

/* Removes and returns the first wait of a list. NULL if the list is empty. */
static inline green_wait *green__wait_list_pop(green_wait_list *list) {
    if (green__wait_list_is_empty(list))
        return NULL;
    green_wait *first = GREEN_CONTAINER(list->next, green_wait, link);
    green__wait_list_remove(first);
    return first;
}

/* Ends the select of a wait that was removed from its list, in favor of the wait. Returns false
 * if another case of the select was served before. */
bool green__select_claim(green_wait *wait);

/* Removes and returns the first wait of a list, to serve it: the caller must make its thread
 * ready. Drops waits whose select has ended. NULL if no wait is left. */
static inline green_wait *green__wait_list_take(green_wait_list *list) {
    green_wait *first;
    do
        first = green__wait_list_pop(list);
    while (first && __builtin_expect(first->select != NULL, 0) && !green__select_claim(first));
    return first;
}

#endif
