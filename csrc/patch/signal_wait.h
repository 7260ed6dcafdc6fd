/* Signals that end the waits of patched calls.
 *
 * The kernel ends a blocking call with EINTR after a signal handler has run. Whether it does so
 * for a handler with SA_RESTART depends on the call: see signal(7). The OS thread of a hub waits
 * elsewhere, so each green thread counts the handlers that ran for it. A call compares the
 * counts before and during its wait. */
#ifndef GREEN_PATCH_SIGNAL_WAIT_H
#define GREEN_PATCH_SIGNAL_WAIT_H

#include "../core/hub_record.h"

/* Begins the wait of a call. Handlers that ran before do not end it. */
static inline void green__signals_begin(const green_hub *hub, green_signal_class class) {
    green_thread_signals *signals = &hub->current->signals;
    signals->class = class;
    signals->seen = signals->handled[class];
}

/* Whether a handler has run that ends the call of the thread. */
static inline bool green__signals_pending(const green_thread *thread) {
    const green_thread_signals *signals = &thread->signals;
    return __atomic_load_n(&signals->handled[signals->class], __ATOMIC_RELAXED) != signals->seen;
}

/* The class of a call on a socket, by its deadline, and of similar calls. */
static inline green_signal_class green__signals_class_of(int64_t deadline) {
    return deadline < 0 ? GREEN_SIGNALS_RESTART : GREEN_SIGNALS_INTERRUPT;
}

/* Ends the wait of a thread whose call a handler ends. Not for signal handlers. */
void green__signals_end_wait(green_thread *thread);

/* Surrounds the parking of a call that has begun. Between both, a handler wakes the thread. Returns
 * false if the call must not park, because a handler has run. */
static inline bool green__signals_enter(const green_hub *hub) {
    __atomic_store_n(&hub->current->signals.is_parking, true, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return GREEN_LIKELY(!green__signals_pending(hub->current));
}

static inline void green__signals_leave(const green_hub *hub) {
    __atomic_store_n(&hub->current->signals.is_parking, false, __ATOMIC_RELAXED);
}

#endif
