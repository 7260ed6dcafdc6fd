/* Waits until one, some or all of several green threads have exited. */
#ifndef GREEN_SYNC_EXIT_WAIT_H
#define GREEN_SYNC_EXIT_WAIT_H

#include "../core/exit_observer.h"
#include "../core/interrupt.h"

enum { GREEN_EXIT_TARGETS_ON_STACK = 16 };

/* A thread that is waited for. */
typedef struct green_exit_target {
    green_exit_observer exit_observer;
    struct green_exit_wait *wait;
    green_thread *thread; /* retained, because another thread may release the handle */
} green_exit_target;

typedef struct green_exit_wait {
    green_wait wait;
    size_t count;        /* of targets */
    size_t missing;      /* how many of them must still exit */
    green_thread *first; /* the first that exited */
    green_exit_target *targets;
    green_exit_target on_stack[GREEN_EXIT_TARGETS_ON_STACK];
} green_exit_wait;

/* Makes room for up to capacity threads, and waits for `missing` of them. -ENOMEM without a
 * message. green__exit_wait_end() must follow a success. */
int green__exit_wait_begin(green_exit_wait *wait, green_hub *hub, const green_wait_kind *kind, size_t capacity,
                           size_t missing);

/* Adds a thread, also one that has exited. Exits count from here on. */
void green__exit_wait_add(green_exit_wait *wait, green_thread *thread);

/* Releases the threads. */
void green__exit_wait_end(green_exit_wait *wait);

/* The cancel() of the kind. */
void green__exit_wait_cancel(green_wait *wait);

#endif
