/* Condition variables: waits for a change of state that a mutex protects.
 *
 *     int error = green_mutex_lock(mutex, GREEN_FOREVER);
 *     if (error < 0)
 *         return error;
 *     while (error == 0 && !is_ready(state))
 *         error = green_condition_wait(condition, mutex, GREEN_FOREVER);
 *     if (error == 0)
 *         use(state);
 *     green_mutex_unlock(mutex);
 *
 * Between two blocking calls no other green thread runs. State that is only changed there
 * needs neither a mutex nor a condition: use an event, a queue or a semaphore.
 *
 * Waiting threads are woken in the order of their calls. A wake-up is never spurious, but
 * another thread may lock the mutex first and change the state, so a loop tests it again. A
 * condition belongs to the OS thread that first uses it; calls on other OS threads return
 * -EXDEV. */
#ifndef GREEN_CONDITION_H
#define GREEN_CONDITION_H

#include <green/mutex.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_condition green_condition;

/* Creates a condition. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_condition_make(green_condition **condition);

/* Frees the condition. Threads that wait for it lock their mutex again and get -EBADF. On
 * another OS thread than that of the condition, this takes effect soon after the call, on
 * its hub. */
GREEN_API void green_condition_free(green_condition *GREEN_NULLABLE condition);

/* Unlocks the mutex, which the caller holds, waits for a signal, and locks the mutex again.
 * No signal is lost between the unlock and the wait. Threads may wait with different
 * mutexes. Blocks.
 *
 * The timeout and interrupts end the wait for the signal, but not the lock after it: as in
 * POSIX, the caller holds the mutex again whatever the call returns, with two exceptions. The
 * call may therefore take longer than its timeout.
 *
 * Returns 0 after a signal, or:
 *   -ETIMEDOUT   no signal within timeout nanoseconds; with 0 the mutex stays locked meanwhile
 *   -ECANCELED, -ETIME   the caller was interrupted; it took no signal
 *   -EPERM       the caller does not hold the mutex
 *   -EBADF       the condition was freed; or the mutex was freed, and the caller does not
 *                hold it
 *   -EDEADLK     nothing can ever end the wait, or the lock of the mutex; the caller holds the
 *                mutex unless green_mutex_holder() is another thread */
GREEN_API GREEN_CHECK int green_condition_wait(green_condition *condition, green_mutex *mutex, int64_t timeout);

/* Wakes the thread that has waited longest, if there is one. The caller need not hold its
 * mutex. Does not block. Returns 0. */
GREEN_API int green_condition_signal(green_condition *condition);

/* Wakes all threads that wait, in the order of their calls. Does not block. Returns 0. */
GREEN_API int green_condition_broadcast(green_condition *condition);

/* The number of threads that wait for a signal. */
GREEN_API size_t green_condition_waiting(const green_condition *condition);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
