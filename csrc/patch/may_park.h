/* Whether a patched call may park. */
#ifndef GREEN_PATCH_MAY_PARK_H
#define GREEN_PATCH_MAY_PARK_H

#include "../core/hub_record.h"

#include "calls.h"
#include "cancellation.h"

/* The hub on which a call of this OS thread may park, or NULL if the call has to go
 * directly to the C library. Nothing may park within the event loop, whose own calls arrive
 * here if Green is linked into a patched executable, nor on the signal stack, where the
 * handler of a crash runs. */
static inline green_hub *green__may_park(void) {
    green_hub *hub = green__hub;
    return GREEN_LIKELY(hub && !hub->in_event_loop && !hub->current->must_not_block && !green__on_signal_stack(hub))
               ? hub
               : NULL;
}

/* The families of all patches; atomic. */
extern unsigned green__patched_families;

/* Lets other green threads run, once in so many calls, while threads and signal handlers are
 * patched: such a program expects that a thread which polls in a loop does not keep others from
 * running. Not in a signal handler, which may have interrupted Green. */
enum { GREEN_FAIR_CALLS = 64 };
void green__be_fair(green_hub *hub);

/* Like green__may_park(), for calls that may succeed again and again without a wait. */
static inline green_hub *green__may_park_counted(void) {
    green_hub *hub = green__may_park();
    if (hub && GREEN_UNLIKELY(++hub->patched_calls % GREEN_FAIR_CALLS == 0))
        green__be_fair(hub);
    return hub;
}

/* The same for a call that is a cancellation point. */
static inline green_hub *green__may_park_fairly(void) {
    green_hub *hub = green__may_park_counted();
    if (hub)
        green__cancellation_point(hub);
    return hub;
}

/* Lets the threads that are ready run, before a call returns by which a program asks whether
 * another thread has acted, such as poll(). A loop of such calls must not keep that thread from
 * running. The interpreter of Python, for example, passes its lock on while it polls. */
static inline void green__let_ready_threads_run(green_hub *hub) {
    if (hub->head != &hub->mark || hub->mark.next)
        green__be_fair(hub);
}

/* The current green thread, or NULL in an OS thread's own context. */
static inline green_thread *green__patch_current_thread(void) {
    const green_hub *hub = green__hub;
    return hub && hub->current->stack ? hub->current : NULL;
}

/* Whether this process is the child of a vfork(). It runs in its parent's memory and must
 * not use its parent's hub. Makes a system call. */
bool green__is_vfork_child(const green_hub *hub);

/* Whether the caller must not park: in the child of a vfork(), and during a fork, when fork
 * handlers of other libraries run. Makes a system call. */
bool green__cannot_park(const green_hub *hub);

/* Like green__may_park(), but also returns NULL where green__cannot_park(). Makes a system
 * call. */
green_hub *green__may_park_here(void);

/* The same without a system call, for calls that the child of a vfork() does not make, such as
 * pthread_create(). */
green_hub *green__may_park_in_process(void);

/* Blocks the OS thread for a millisecond, for callers that cannot park and try again. Returns
 * 0, or -ETIMEDOUT if the deadline has passed. */
int green__block_briefly(int64_t deadline);

#endif
