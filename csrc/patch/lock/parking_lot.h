/* The parking lot: green threads that wait at an address, for example that of a lock, and are
 * woken by any OS thread.
 *
 * A wake-up is a hint: the woken thread checks again what it waits for. */
#ifndef GREEN_PATCH_LOCK_PARKING_LOT_H
#define GREEN_PATCH_LOCK_PARKING_LOT_H

#include "../../core/sanitizer.h"
#include "../clock.h"
#include "../may_park.h"

/* A green thread in the lot. On its own stack, from enter to leave. */
typedef struct green_parking_lot_waiter {
    green_wait wait;
    green_timer timer;
    green_hub *hub;
    const void *address;
    const char *what;
    green_post post; /* carries a wake-up to its hub */
    /* Under the lot's lock: */
    bool sleeping; /* its sleep has not been ended */
    bool woken;
    int ended; /* -ETIMEDOUT, -EINTR or -ERESTART */
} green_parking_lot_waiter;

/* Enters the lot, behind earlier waiters. A caller that checks afterwards whether it has to
 * wait misses no wake-up. Signal handlers do not end the call, unless it calls
 * green__signals_begin() afterwards. `what` describes the address in a dump, for example "a lock". */
void green__parking_lot_enter(green_hub *hub, green_parking_lot_waiter *waiter, const void *address, const char *what);

/* What ends a sleep besides a wake-up, the deadline and signal handlers. */
typedef enum green_parking_lot_interrupts {
    GREEN_PARK_UNINTERRUPTIBLE,
    GREEN_PARK_CANCELLABLE,  /* pthread_cancel() */
    GREEN_PARK_INTERRUPTIBLE /* all interrupts */
} green_parking_lot_interrupts;

/* For a call that is a cancellation point. */
static inline green_parking_lot_interrupts green__parking_lot_interrupts_of(const green_clock_deadline *deadline) {
    return deadline ? GREEN_PARK_INTERRUPTIBLE : GREEN_PARK_CANCELLABLE;
}

/* Parks until woken, or not at all if it has been woken since its last sleep. Returns 0,
 * -ETIMEDOUT at the deadline, -ERESTART for a signal handler that ends the call (see
 * signal_wait.h), or -EINTR for an interrupt, which stays pending. */
int green__parking_lot_sleep(green_hub *hub, green_parking_lot_waiter *waiter, int64_t deadline,
                             green_parking_lot_interrupts interrupts);

/* Delivers the interrupt that has ended a call's sleep, unless it has been withdrawn since. */
void green__parking_lot_deliver(green_hub *hub);

/* Leaves the lot. Returns whether it was woken after its last sleep had ended for another
 * reason. */
bool green__parking_lot_leave(green_parking_lot_waiter *waiter);

/* Wakes the first waiter at an address that has not been woken yet, or all of them. Returns
 * whether there was any. May be called on any OS thread. */
bool green__parking_lot_search(const void *address, bool all);

/* Registers the lot's lock for forks. Returns 0, or -ENOMEM, explained. */
int green__parking_lot_register_lock(void);

/* The number of waiters in each bucket; atomic. */
enum { GREEN_PARKING_LOT_BUCKETS = 256 };
extern uint32_t green__parking_lot_population[GREEN_PARKING_LOT_BUCKETS];

static inline size_t green__parking_lot_bucket(const void *address) {
    uintptr_t number = (uintptr_t)address;
    return (number >> 4 ^ number >> 12) % GREEN_PARKING_LOT_BUCKETS;
}

/* Whether there can be no waiter at an address. Does not take the lock. */
static inline bool green__parking_lot_is_empty(const void *address) {
    uint32_t *population = &green__parking_lot_population[green__parking_lot_bucket(address)];
    return GREEN_LIKELY(__atomic_load_n(population, __ATOMIC_RELAXED) == 0);
}

/* Orders earlier writes before later reads for all OS threads that use such a fence.
 * ThreadSanitizer does not support fences and does not need this one. */
static inline void green__full_fence(void) {
#ifndef GREEN_TSAN
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Like green__parking_lot_search(), for a caller that has just made available what the waiters
 * wait for: a thread that enters after this has looked finds it available. */
static inline void green__parking_lot_wake(const void *address, bool all) {
    green__full_fence();
    if (!green__parking_lot_is_empty(address))
        (void)green__parking_lot_search(address, all);
}

/* The same after the C library has released a lock. It does so by an atomic operation, which is a fence
 * itself on x86-64, or the process has a single OS thread. */
static inline void green__parking_lot_wake_after_atomic(const void *address, bool all) {
#ifdef __x86_64__
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
    green__full_fence();
#endif
    if (!green__parking_lot_is_empty(address))
        (void)green__parking_lot_search(address, all);
}

/* Wakes the first waiter. May be called in a signal handler. */
void green__parking_lot_wake_from_handler(const void *address);

/* Wakes all waiters at all addresses, when calls that would wake them are unpatched. */
void green__parking_lot_wake_all(void);

/* Whether a green thread of this hub has been woken at the address and has not run since. */
bool green__parking_lot_has_pending_wakeup(const green_hub *hub, const void *address);

#endif
