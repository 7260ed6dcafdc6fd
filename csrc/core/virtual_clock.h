/* The virtual clock of a hub under test: see include/green/testing.h for its rules.
 *
 * The clock stands still while a thread runs. When the hub is idle, it first waits in the
 * kernel for what may come without the clock:
 *
 *   work outside of the hub is in progress   until the next timer, and the clock follows
 *   an operation has an end in this process  for GREEN_VIRTUAL_PATIENCE
 *   otherwise                                not at all
 *
 * If no thread is ready then, the clock jumps to the next timer. */
#ifndef GREEN_CORE_VIRTUAL_CLOCK_H
#define GREEN_CORE_VIRTUAL_CLOCK_H

#include "hub_record.h"

/* How long bytes that a thread of the hub has sent may be on their way to another one. The
 * kernel usually delivers them before the send returns. */
static const int64_t GREEN_VIRTUAL_PATIENCE = GREEN_MILLISECOND;

/* Sets the clock of a new hub of this OS thread. */
void green__virtual_clock_init(green_hub *hub, bool is_virtual);

/* One wait of an idle hub. */
typedef struct green_virtual_wait {
    int64_t began; /* green__os_clock() */
    int64_t timeout;
    int64_t patience; /* how long to wait before a jump */
    bool follows;     /* the clock follows the real one */
} green_virtual_wait;

/* Returns for how many nanoseconds to wait in the kernel at most, instead of timeout, which ends
 * at the next timer. */
int64_t green__virtual_wait_begin(green_virtual_wait *wait, green_hub *hub, int64_t timeout);

/* After the wait: moves the clock. */
void green__virtual_wait_end(const green_virtual_wait *wait, green_hub *hub);

/* Lets nanoseconds pass on the virtual clock of this OS thread, if it has one: a call has blocked
 * the OS thread for them. */
void green__virtual_clock_pass(int64_t nanoseconds);

/* Around a wait for something that works outside of the hub and will end it: another OS
 * thread, the kernel, another process. */
static inline void green__outside_work_begin(green_hub *hub) {
    hub->outside_work++;
}

static inline void green__outside_work_end(green_hub *hub) {
    hub->outside_work--;
}

#endif
