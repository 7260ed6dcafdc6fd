#include "short_lock.h"

#include "libc.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 100 }; /* a few microseconds */

static bool spin(green_short_lock *lock) {
    for (int i = 0; i < SPINS; i++) {
        if (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) == GREEN_SHORT_LOCK_FREE && green__short_lock_try(lock))
            return true;
        green__spin_pause();
    }
    return false;
}

/* Who has waited leaves the state CONTENDED, because others may still wait. */
void green__short_lock_slow(green_short_lock *lock) {
    if (spin(lock))
        return;
    int error_number = errno;
    while (__atomic_exchange_n(&lock->state, GREEN_SHORT_LOCK_CONTENDED, __ATOMIC_ACQUIRE) != GREEN_SHORT_LOCK_FREE)
        green__libc.syscall(SYS_futex, &lock->state, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, GREEN_SHORT_LOCK_CONTENDED, NULL);
    errno = error_number;
}

/* Uses only the address: the object with the lock may have been freed. */
void green__short_lock_wake(green_short_lock *lock) {
    int error_number = errno;
    green__libc.syscall(SYS_futex, &lock->state, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
    errno = error_number;
}
