/* The parking lot: green threads that wait for something at an address, a lock
 * of somebody else's say, and whoever wakes them, on any OS thread.
 *
 * What they wait for is tried again by themselves: a wake-up is a hint. */
#ifndef GREEN_PATCH_LOCK_PARKING_LOT_H
#define GREEN_PATCH_LOCK_PARKING_LOT_H

#include "../clock.h"
#include "../may_park.h"

/* One that waits; on its own stack, between enter and leave. */
typedef struct green_parking_lot_waiter {
    green_wait wait;
    green_timer timer;
    green_hub *hub;
    const void *address;
    const char *what;
    struct green_notifier *bell;           /* of its OS thread; NULL: there is none, and it looks for itself */
    struct green_parking_lot_waiter *next; /* of those that the bell was rung for */
    bool sleeping;                         /* nobody has ended its sleep; what follows is under the lot's lock, too */
    bool woken;
    int ended; /* -ETIMEDOUT, or -EINTR */
} green_parking_lot_waiter;

/* Enters it behind those who are there. what is "a lock", for a dump, and the
 * address is what others wake it by. Whoever sees what is waited for in a state
 * to wait from here on is sure to be woken. */
void green__parking_lot_enter(green_hub *hub, green_parking_lot_waiter *parked, const void *address, const char *what);

/* Parks until woken: 0, at once when that has happened since the last time.
 * Otherwise -ETIMEDOUT, or -EINTR for an interrupt, which stays posted; one that
 * heeds no interrupts is not ended by one. */
int green__parking_lot_sleep(green_hub *hub, green_parking_lot_waiter *parked, int64_t deadline, bool heeds);

/* Delivers the interrupt that has ended a call's sleep, unless it has been taken
 * back since. */
void green__parking_lot_deliver(green_hub *hub);

/* Whether it was woken after its last sleep had ended for another reason. */
bool green__parking_lot_leave(green_parking_lot_waiter *parked);

/* Wakes the first who has not been woken yet, or all. Any OS thread may. */
void green__parking_lot_search(const void *address, bool all);

/* Makes fork heed its lock. -ENOMEM, explained. */
int green__parking_lot_register_lock(void);

/* How many are in it, by address. */
enum { GREEN_PARKING_LOT_BUCKETS = 256 };
extern uint32_t green__parking_lot_population[GREEN_PARKING_LOT_BUCKETS];

static inline size_t green__parking_lot_bucket(const void *address) {
    uintptr_t number = (uintptr_t)address;
    return (number >> 4 ^ number >> 12) % GREEN_PARKING_LOT_BUCKETS;
}

/* Whether it takes the lock to find out who waits for this one. */
static inline bool green__parking_lot_is_empty(const void *address) {
    return GREEN_LIKELY(
        __atomic_load_n(&green__parking_lot_population[green__parking_lot_bucket(address)], __ATOMIC_RELAXED) == 0);
}

/* What was written before is seen by whoever writes next, and finds what this one
 * reads from here on. ThreadSanitizer knows no fences, and no need of them. */
static inline void green__full_fence(void) {
#ifndef GREEN_TSAN
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* The same, when what they wait for has just been made ready: who enters after
 * this has looked finds it so. */
static inline void green__parking_lot_wake(const void *address, bool all) {
    green__full_fence();
    if (!green__parking_lot_is_empty(address))
        green__parking_lot_search(address, all);
}

/* The same for the first one, in a signal handler, too. */
void green__parking_lot_wake_from_handler(const void *address);

/* Wakes all, for calls that undo what they were woken by. */
void green__parking_lot_wake_all(void);

/* Whether one of the hub's has been woken for it and has not run yet. */
bool green__parking_lot_has_pending_wakeup(const green_hub *hub, const void *address);

/* One try of a lock that is not free: EBUSY. Else it is the call's own result. */
typedef int green_try_acquire(void *lock);

/* Makes tries until one has a result; ETIMEDOUT when that is not before the
 * deadline, or when an interrupt ends a call that has one. */
int green__parking_lot_acquire(green_hub *hub, void *lock, green_try_acquire *attempt,
                               const green_clock_deadline *until);

#endif
