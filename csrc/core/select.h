/* Waits of one thread for the first of several cases.
 *
 * Each case has a wait of the type that its object knows, in the list of the object, like the
 * wait of a plain call. All of them belong to one select, which has one thread and ends once:
 *
 *   the object serves a case   takes the wait off its list, claims the select, stores the
 *                              result, and makes the thread ready, as for a plain call
 *   an interrupt, a timeout    claims the select for no case
 *
 * A claim by the OS thread of the hub removes the waits of the other cases from their lists, so that
 * objects do not meet waits that are over. A claim with the lock of an object that OS threads share
 * cannot lock other such objects, and one by another OS thread cannot change the hub's. Their lists
 * keep the waits until the thread runs: what takes such a wait drops it, because the claim fails. The
 * memory of all waits is used until the thread has left the lists. */
#ifndef GREEN_CORE_SELECT_H
#define GREEN_CORE_SELECT_H

#include "hub_record.h"
#include "wait.h"

enum { GREEN_CASE_WAIT_SIZE = 192 };

/* Those of the caller: see green/select.h. */
typedef struct green_case green_case;
typedef struct green_case_kind green_case_kind;

/* A case while its thread waits. */
typedef struct green_case_wait {
    union {
        green_wait wait;                                                /* its select is set */
        max_align_t memory[GREEN_CASE_WAIT_SIZE / sizeof(max_align_t)]; /* of the object's type, which begins with it */
    };
    green_case *of;
    const green_case_kind *kind;
    struct green_case_wait *next; /* of a shared object: the next one, by address of the object */
    bool in_list;                 /* it was appended to a list of an object of the hub */
    bool dropped;                 /* from this list, because the select has ended: the object may have been freed */
} green_case_wait;

/* The wait of a case, in the type of its object. */
#define GREEN_CASE_WAIT(case_wait, type)                                                                               \
    (__extension__({                                                                                                   \
        _Static_assert(sizeof(type) <= GREEN_CASE_WAIT_SIZE, "a case has memory for the wait of its object");          \
        (type *)(void *)(case_wait)->memory;                                                                           \
    }))

typedef struct green_selection {
    green_wait wait;    /* the thread parks with it */
    bool ended;         /* atomic: claimed */
    green_wait *served; /* set by the claim; NULL: no case was served */
    size_t count;       /* of cases that are present */
    green_case_wait *cases;
    green_case_wait *shared; /* the cases of objects that OS threads share */
    size_t operations;       /* of the engine, in progress */
    bool drains;             /* parked until there are none */
    bool from_outside;       /* a case will be served from outside of the hub: see virtual_clock.h */
} green_selection;

/* The functions of an object that OS threads share. The first two are called for one of the cases
 * with the same object. */
typedef struct green_shared_case_kind {
    void (*lock)(green_case_wait *wait);
    void (*unlock)(green_case_wait *wait);
    /* attempt() and enter() with the lock. */
    bool (*attempt)(green_case_wait *wait);
    void (*enter)(green_case_wait *wait);
    /* Called without the lock after attempt() has returned true: wakes other threads. */
    void (*wake)(green_case_wait *wait);
    /* Leaves the list of the object, unless the wait was removed from it. */
    void (*leave)(green_case_wait *wait);
    /* Whether other OS threads use the object. */
    bool (*is_outside)(const green_case_wait *wait);
} green_shared_case_kind;

struct green_case_kind {
    /* Whether an attempt may serve the case. A hint that takes no lock and no system call. NULL: it
     * is not known. */
    bool (*may_be_ready)(const green_case *c, const green_hub *hub);
    /* Makes one attempt, without a wait. Returns whether the case is served, with c->error. */
    bool (*attempt)(green_case *c, green_hub *hub);
    /* Begins to wait, after green__case_wait_init(). Enters a list of an object of the hub by
     * green__case_wait_enter(), or starts something else. The hub has memory for a timer of each
     * case. Not for shared objects. */
    void (*enter)(green_case_wait *wait, green_hub *hub);
    /* Stops what enter() has started other than a list. NULL: nothing. */
    void (*leave)(green_case_wait *wait, green_hub *hub);
    /* Called when no operation is in progress any more. NULL: nothing. */
    void (*end)(green_case_wait *wait);
    /* Stores the results of the wait that was served in its case. */
    void (*finish)(green_case_wait *wait);
    /* NULL: the object belongs to the hub. */
    const green_shared_case_kind *shared;
};

/* The case of a wait. */
static inline green_case_wait *green__case_wait_of(const green_wait *wait) {
    return GREEN_CONTAINER(wait, green_case_wait, wait);
}

/* Appends the wait of a case to a list of an object of the hub. */
static inline void green__case_wait_enter(green_case_wait *wait, const green_wait_kind *kind, green_wait_list *list) {
    wait->wait.kind = kind;
    wait->in_list = true;
    green__wait_list_append(list, &wait->wait);
}

/* Claims the select of a wait that is in no list, and makes its thread ready. Does nothing if it
 * has ended. Called by what enter() has started. */
void green__select_serve(green_wait *wait, int cause);

/* Ends a select for no case. Returns false if it has ended before. */
bool green__select_give_up(green_selection *select);

/* Leaves the lists that the claim has not left. */
void green__select_leave(green_selection *select);

/* Does the same for a thread whose OS thread ends: no case will be served. */
void green__select_abandon(green_selection *select);

/* The kind of the wait that the thread parks with. */
extern const green_wait_kind green__select_wait_kind;

static inline green_selection *green__select_of(green_wait *wait) {
    return GREEN_CONTAINER(wait, green_selection, wait);
}

/* The memory of the root's selects: the hub's, because the lists of shared objects must be intact
 * when the OS thread ends. NULL: there is none. */
void *green__select_root_memory(green_hub *hub, size_t size);

#endif
