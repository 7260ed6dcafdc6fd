#include "biased_lock.h"

#include "../base/feature.h"
#include "../base/libc.h"
#include "../core/sanitizer.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHANGES_MAX = 2 }; /* of the user, including the first one */

static bool has_membarrier;

static int membarrier(int command) {
    return (int)green__libc.syscall(SYS_membarrier, command, 0, 0);
}

/* ThreadSanitizer does not support membarrier(2). */
static void detect(void) {
#ifndef GREEN_TSAN
    has_membarrier = !green__feature_is_disabled(GREEN_FEATURE_MEMBARRIER) &&
                     membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
#else
    (void)membarrier;
#endif
}

static bool may_bias(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, detect);
    return has_membarrier;
}

static void end_bias(green_biased_lock *lock) {
    int error_number = errno;
    __atomic_store_n(&lock->owner, GREEN_BIASED_LOCK_SHARED, __ATOMIC_RELAXED);
    GREEN_INVARIANT(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0,
                    "membarrier(2) works once it has been registered; GREEN_DISABLE=membarrier does without it");
    while (__atomic_load_n(&lock->inside, __ATOMIC_ACQUIRE))
        green__libc.syscall(SYS_futex, &lock->inside, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL);
    errno = error_number;
}

/* Called with the short lock. OS threads without a hub are not distinguished, so there is no
 * bias to one. The maker of an object may be another hub than the one that uses it, so the hub may
 * change once. */
static void count(green_biased_lock *lock) {
    uintptr_t self = green__biased_lock_self();
    if (lock->last == self && self != 0) {
        if (++lock->repeats >= GREEN_BIASED_LOCK_REPEATS)
            __atomic_store_n(&lock->owner, may_bias() ? self : GREEN_BIASED_LOCK_SHARED, __ATOMIC_RELAXED);
        return;
    }
    lock->last = self;
    lock->repeats = 0;
    if (self == 0 || ++lock->changes > CHANGES_MAX)
        __atomic_store_n(&lock->owner, GREEN_BIASED_LOCK_SHARED, __ATOMIC_RELAXED);
}

void green__biased_lock_slow(green_biased_lock *lock) {
    green__short_lock(&lock->lock);
    uintptr_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
    if (owner == GREEN_BIASED_LOCK_UNBIASED)
        count(lock);
    else if (owner != GREEN_BIASED_LOCK_SHARED)
        end_bias(lock);
}

bool green__biased_lock_has_other_users(green_biased_lock *lock) {
    uintptr_t self = green__biased_lock_self(), owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
    if (owner != GREEN_BIASED_LOCK_UNBIASED)
        return owner != self;
    green__short_lock(&lock->lock);
    bool result = lock->changes > 1 || (lock->changes == 1 && lock->last != self);
    green__short_unlock(&lock->lock);
    return result;
}

/* Called without the lock; the caller still owns the object. */
void green__biased_lock_left(green_biased_lock *lock) {
    int error_number = errno;
    green__libc.syscall(SYS_futex, &lock->inside, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
    errno = error_number;
}
