/* Latches: events that happen once, and that green threads of any hubs and OS threads
 * without a hub wait for. */
#ifndef GREEN_SYNC_LATCH_H
#define GREEN_SYNC_LATCH_H

#include "../base/short_lock.h"
#include "../core/shared_wait.h"

typedef struct green_latch {
    green_short_lock lock; /* guards the list */
    green_wait_list waiters;
    bool is_open; /* atomic; set with the lock */
} green_latch;

void green__latch_init(green_latch *latch);

/* Opens the latch and wakes all waiters. A second call has no effect. What the caller has
 * written before is visible to those that see the latch open. The caller keeps the latch
 * during the call. */
void green__latch_open(green_latch *latch);

/* Does the same with the lock of the latch, which the caller has acquired, and releases it. */
void green__latch_open_locked(green_latch *latch);

static inline bool green__latch_is_open(const green_latch *latch) {
    return __atomic_load_n(&latch->is_open, __ATOMIC_ACQUIRE);
}

/* Waits until the latch is open, after green__shared_begin(). describe() gets the latch by
 * green__latch_of(). Returns 0, or the error of green__shared_wait(). */
int green__latch_wait(green_latch *latch, void (*describe)(const green_wait *wait, char *text, size_t size),
                      int64_t timeout);

/* Does the same if a thread of the same hub will open the latch: see core/virtual_clock.h. */
int green__latch_wait_inside(green_latch *latch, void (*describe)(const green_wait *wait, char *text, size_t size),
                             int64_t timeout);

/* Begins a wait that calls a function. Returns 1 if the latch is open, 0 if the wait has begun, or
 * -ECANCELED. */
int green__latch_wait_async(green_latch *latch, struct green_async_wait *async);

/* Waits like green__latch_wait() without a limit, and ignores interrupts. The current thread may block. */
void green__latch_await(green_latch *latch, void (*describe)(const green_wait *wait, char *text, size_t size));

/* The latch that a thread waits for. */
const green_latch *green__latch_of(const green_wait *wait);

#endif
