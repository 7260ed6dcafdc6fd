/* Locks that cost next to nothing while only one hub uses them.
 *
 * A lock that one hub has acquired many times in a row is biased to it. The hub then acquires
 * it by a store and a check, without a locked instruction:
 *
 *   the hub                            another OS thread, once
 *     inside = 1                         owner = SHARED
 *     is it still the owner?             membarrier(2): the hub's CPU executes a barrier
 *     ... the critical section ...       wait until inside is 0
 *     inside = 0                         from now on, all use the short lock
 *     has the owner changed? wake
 *
 * The barrier comes before or after the hub's check. Before: the check finds that the hub is
 * no longer the owner, and the hub uses the short lock. After: `inside` is visible. The same
 * holds at the end, so that no wake-up is lost. A lock is biased at most once. */
#ifndef GREEN_SYNC_BIASED_LOCK_H
#define GREEN_SYNC_BIASED_LOCK_H

#include "../base/short_lock.h"
#include "../core/hub_record.h"

typedef struct green_biased_lock {
    uintptr_t owner; /* atomic: a hub's address, UNBIASED or SHARED; changed with the short lock */
    uint32_t inside; /* atomic, a futex: the owner is in a critical section */
    green_short_lock lock;
    uintptr_t last; /* guarded by the short lock: the hub that last acquired it, and how many times in a row */
    unsigned repeats, changes;
} green_biased_lock;

enum {
    GREEN_BIASED_LOCK_UNBIASED = 1, /* not the address of a hub, nor NULL, the hub of other OS threads */
    GREEN_BIASED_LOCK_SHARED = 2,
    GREEN_BIASED_LOCK_REPEATS = 64, /* acquisitions before the bias, so that a lock of a short life has none */
};

#define GREEN_BIASED_LOCK_INITIALIZER                                                                                  \
    (green_biased_lock) {                                                                                              \
        .owner = GREEN_BIASED_LOCK_UNBIASED                                                                            \
    }

static inline uintptr_t green__biased_lock_self(void) {
    return (uintptr_t)green__hub;
}

void green__biased_lock_slow(green_biased_lock *lock);
void green__biased_lock_left(green_biased_lock *lock);

/* For the owner: ends its critical section, or one that it must not enter. */
static inline void green__biased_lock_leave(green_biased_lock *lock) {
    __atomic_store_n(&lock->inside, 0, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (GREEN_UNLIKELY(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != green__biased_lock_self()))
        green__biased_lock_left(lock);
}

/* Acquires the lock if the calling OS thread's hub is its owner. Returns whether it did. */
static inline bool green__biased_lock_as_owner(green_biased_lock *lock) {
    uintptr_t self = green__biased_lock_self();
    if (GREEN_UNLIKELY(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != self))
        return false;
    __atomic_store_n(&lock->inside, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (GREEN_LIKELY(__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) == self))
        return true;
    green__biased_lock_leave(lock);
    return false;
}

/* Acquires the lock. Returns whether the caller did it as the owner, for the release. */
static inline bool green__biased_lock(green_biased_lock *lock) {
    if (GREEN_LIKELY(green__biased_lock_as_owner(lock)))
        return true;
    if (GREEN_LIKELY(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == GREEN_BIASED_LOCK_SHARED))
        green__short_lock(&lock->lock);
    else
        green__biased_lock_slow(lock);
    return false;
}

static inline void green__biased_unlock(green_biased_lock *lock, bool as_owner) {
    if (GREEN_LIKELY(as_owner))
        green__biased_lock_leave(lock);
    else
        green__short_unlock(&lock->lock);
}

/* Whether others than this OS thread's hub have used the lock. Also true if that is not known:
 * without membarrier(2), after many uses. */
bool green__biased_lock_has_other_users(green_biased_lock *lock);

/* Whether several OS threads have used the lock. A hint. */
static inline bool green__biased_lock_is_shared(const green_biased_lock *lock) {
    return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == GREEN_BIASED_LOCK_SHARED;
}

#endif
