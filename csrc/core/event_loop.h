/* The event loop of a hub.
 *
 * The loop has no stack of its own. A thread that parks takes the next thread off the run
 * queue and switches to it. The queue also holds a mark. The thread that takes the mark
 * off runs one iteration of the loop on its own stack and appends the mark again. So each
 * ready thread runs once between two iterations. An iteration that finds only the mark
 * waits in the kernel. */
#ifndef GREEN_CORE_EVENT_LOOP_H
#define GREEN_CORE_EVENT_LOOP_H

#include <stdint.h>

struct green_hub;

/* Submits and completes I/O, fires timers, and appends the mark. Waits if no thread is
 * ready. */
void green__event_loop_iterate(struct green_hub *hub);

/* Completes I/O and runs posts, which may make threads ready, but runs none. Waits for up to
 * timeout nanoseconds. For a caller that must not park. */
void green__event_loop_poll(struct green_hub *hub, int64_t timeout);

#endif
