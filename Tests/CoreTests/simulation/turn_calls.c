/* What OS threads of the simulation call instead of the C library and the system: the
 * clock, locks and futexes. */
#include "turn_calls.h"

#include "../../../csrc/base/pthread.h"
#include "harness.h"
#include "turns.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

int64_t __real_green_now(void);
int64_t __wrap_green_now(void);
int64_t __wrap_green_now(void) {
    return turn_self() < 0 ? __real_green_now() : turns_now();
}

int64_t __wrap_green__os_clock(void);
int64_t __wrap_green__os_clock(void) {
    return __wrap_green_now();
}

/* Locks ---------------------------------------------------------------------- */

enum { LOCKS_MAX = 16 };

static const pthread_mutex_t *held[LOCKS_MAX];

static int (*real_lock)(pthread_mutex_t *), (*real_unlock)(pthread_mutex_t *);

static int place_of(const pthread_mutex_t *mutex) {
    for (int i = 0; i < LOCKS_MAX; i++)
        if (held[i] == mutex)
            return i;
    return -1;
}

static bool is_free(void *mutex) {
    return place_of(mutex) < 0;
}

static int lock(pthread_mutex_t *mutex) {
    if (turn_self() < 0)
        return real_lock(mutex);
    turn_point("lock");
    while (!is_free(mutex))
        turn_block("lock", is_free, mutex, -1);
    int place = place_of(NULL);
    CHECK(place, >=, 0);
    held[place] = mutex;
    return real_lock(mutex);
}

static int unlock(pthread_mutex_t *mutex) {
    if (turn_self() < 0)
        return real_unlock(mutex);
    int place = place_of(mutex);
    CHECK(place, >=, 0);
    held[place] = NULL;
    int error = real_unlock(mutex);
    turn_point("unlock");
    return error;
}

void turn_calls_begin(void) {
    if (real_lock)
        return;
    real_lock = green__pthread.mutex_lock;
    real_unlock = green__pthread.mutex_unlock;
    green__pthread.mutex_lock = lock;
    green__pthread.mutex_unlock = unlock;
}

/* Futexes -------------------------------------------------------------------- */

static struct sleeper {
    const uint32_t *word; /* NULL: it does not sleep */
    bool woken, for_lock;
} sleepers[TURNS_MAX];

static bool is_woken(void *sleeper) {
    return ((struct sleeper *)sleeper)->woken;
}

/* The kernel compares and sleeps in one step. A signal or no reason at all may end the wait,
 * but the simulation has none of them. */
static long futex_wait(const uint32_t *word, uint32_t value, const struct timespec *deadline, bool for_lock) {
    struct sleeper *sleeper = &sleepers[turn_self()];
    turn_point("futex wait");
    turn_drain_own();
    if (*(volatile const uint32_t *)word != value) {
        errno = EAGAIN;
        return -1;
    }
    *sleeper = (struct sleeper){word, false, for_lock};
    bool woken = turn_block("futex wait", is_woken, sleeper,
                            deadline ? deadline->tv_sec * GREEN_SECOND + deadline->tv_nsec : -1);
    *sleeper = (struct sleeper){0};
    errno = woken ? errno : ETIMEDOUT;
    return woken ? 0 : -1;
}

static long futex_wake(const uint32_t *word, uint32_t count) {
    uint32_t woken = 0;
    turn_point("futex wake");
    turn_drain_own();
    for (int i = 0; i < TURNS_MAX && woken < count; i++) {
        if (sleepers[i].word != word || sleepers[i].woken)
            continue;
        sleepers[i].woken = true;
        woken++;
    }
    turn_point("after futex wake");
    return woken;
}

bool waits_without_hub(int turn) {
    return sleepers[turn].word && !sleepers[turn].woken && !sleepers[turn].for_lock;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
    long values[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        values[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_membarrier && values[0] == MEMBARRIER_CMD_PRIVATE_EXPEDITED && turn_self() >= 0) {
        turn_point("before membarrier");
        turn_drain_stores();
    }
    if (number != SYS_futex || turn_self() < 0)
        return __real_syscall(number, values[0], values[1], values[2], values[3], values[4], values[5]);
    const uint32_t *word = (const uint32_t *)(uintptr_t)values[0];
    switch ((int)values[1] & FUTEX_CMD_MASK) {
    case FUTEX_WAIT_BITSET:
        return futex_wait(word, (uint32_t)values[2], (const struct timespec *)(uintptr_t)values[3], false);
    case FUTEX_WAIT:
        CHECK(values[3], ==, 0); /* its time would be relative */
        return futex_wait(word, (uint32_t)values[2], NULL, true);
    case FUTEX_WAKE:
        return futex_wake(word, (uint32_t)values[2]);
    default:
        check_failed(__FILE__, __LINE__, "a futex call that the simulation supports");
    }
}
