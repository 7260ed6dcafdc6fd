/* Locks for a few instructions, and now and then an allocation.
 *
 * A lock is one word, needs no end, and is not held at a fork: a forked child must not use
 * objects of its parent that have one. An OS thread that does not get it spins for a
 * moment, because the holder is seldom longer, and then waits in the kernel, because the
 * holder may not be running. */
#ifndef GREEN_BASE_SHORT_LOCK_H
#define GREEN_BASE_SHORT_LOCK_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

enum { GREEN_SHORT_LOCK_FREE, GREEN_SHORT_LOCK_HELD, GREEN_SHORT_LOCK_CONTENDED /* others may wait */ };

/* All zero: free. */
typedef struct green_short_lock {
    uint32_t state; /* atomic; a futex */
} green_short_lock;

void green__short_lock_slow(green_short_lock *lock);
void green__short_lock_wake(green_short_lock *lock);

/* Lets the other thread of a processor core run, in a loop that spins. */
static inline void green__spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); /* yield does nothing on most processors */
#endif
}

static inline bool green__short_lock_try(green_short_lock *lock) {
    uint32_t state = GREEN_SHORT_LOCK_FREE;
    return __atomic_compare_exchange_n(&lock->state, &state, GREEN_SHORT_LOCK_HELD, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static inline void green__short_lock(green_short_lock *lock) {
    if (GREEN_UNLIKELY(!green__short_lock_try(lock)))
        green__short_lock_slow(lock);
}

static inline void green__short_unlock(green_short_lock *lock) {
    uint32_t state = __atomic_exchange_n(&lock->state, GREEN_SHORT_LOCK_FREE, __ATOMIC_RELEASE);
    GREEN_INVARIANT(state != GREEN_SHORT_LOCK_FREE, "a lock that is released is held");
    if (GREEN_UNLIKELY(state == GREEN_SHORT_LOCK_CONTENDED))
        green__short_lock_wake(lock);
}

#endif
