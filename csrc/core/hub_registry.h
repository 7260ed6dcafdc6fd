/* What may be seen of a hub from another OS thread, and asked of it.
 *
 * A hub is for its OS thread alone. The watcher, an OS thread of Green's own
 * that runs while a monitor or a dump on a signal is switched on, reads three
 * counters of it, which cost the hub nothing more than counting does, and leaves
 * requests in one word, which the hub unchanged_checks at once a turn. Whatever else it
 * wants to know, a signal handler on the hub's OS thread tells it. */
#ifndef GREEN_CORE_HUB_REGISTRY_H
#define GREEN_CORE_HUB_REGISTRY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct green_hub;

/* A counter that one OS thread moves and others read. */
static inline void green__counter_increment(uint64_t *counter) {
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static inline void green__counter_decrement(uint64_t *counter) {
    __atomic_store_n(counter, *counter - 1, __ATOMIC_RELAXED);
}

static inline uint64_t green__counter_read(const uint64_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Where a hub is: the same twice means that one thread has had it in between. */
typedef struct green_hub_progress {
    uint64_t switches, loop_iterations, waits;
} green_hub_progress;

/* The bits of a hub's requests: a dump, and above it the number of the monitor
 * that has turns timed, or 0. */
enum { GREEN_REQUEST_DUMP = 1, GREEN_REQUEST_TIMING = 2 };

typedef struct green_hub_registration {
    struct green_hub *next, **place; /* in the list of all; place is NULL in none */
    pthread_t thread;
    int32_t number;    /* the kernel's, of the OS thread */
    uint32_t requests; /* atomic */
    uint64_t waits;    /* odd while the hub waits in the kernel */

    /* The hub's own. */
    bool dump_scheduled;     /* a thread for it is about to run */
    uint32_t timed;          /* by which monitor */
    int64_t iteration_start; /* when the last turn began, or ended a wait */
    int64_t longest_iteration;

    /* The watcher's own, from its last unchanged_checks. */
    green_hub_progress seen;
    int64_t since;             /* it has been there */
    unsigned unchanged_checks; /* that found it there, after the first */
    bool hold_reported;        /* of this hold */
    unsigned dump_checks;      /* since the last request for a dump */
    bool dump_delay_reported;  /* a requested dump has to wait, and this was reported */
} green_hub_registration;

/* Puts a new hub of this OS thread among those that can be seen, or takes one out. */
void green__hub_register(struct green_hub *hub);
void green__hub_unregister(struct green_hub *hub);

static inline uint32_t green__hub_requests(const green_hub_registration *registration) {
    return __atomic_load_n(&registration->requests, __ATOMIC_RELAXED);
}

/* Called as a turn begins when there are requests, and as a wait has ended. */
void green__hub_serve_requests(struct green_hub *hub);
void green__hub_woken(struct green_hub *hub);

#endif
