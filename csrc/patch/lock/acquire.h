/* Acquires a lock of the C library by trying it, and parking between tries. */
#ifndef GREEN_PATCH_LOCK_ACQUIRE_H
#define GREEN_PATCH_LOCK_ACQUIRE_H

#include "../clock.h"
#include "../may_park.h"

/* Tries to acquire a lock without waiting. Returns 0, EBUSY if the lock is not free, or an
 * error of the call. */
typedef int green_try_acquire(void *lock);

/* Tries until the result is not EBUSY. Returns that result, or ETIMEDOUT if the deadline has
 * passed. If there is a deadline, an interrupt ends the wait with ETIMEDOUT, too, and is
 * delivered; without one (NULL) it stays pending. EINTR: a signal handler of this class has run. */
int green__parking_lot_acquire(green_hub *hub, void *lock, green_try_acquire *attempt,
                               const green_clock_deadline *deadline, green_signal_class signals);

#endif
