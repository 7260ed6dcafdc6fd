/* Mutexes: locks that a green thread may hold across blocking calls.
 *
 * Green threads of one hub seldom need one. They switch only in blocking calls, so code
 * between two blocking calls runs alone. A mutex is for state that must not change while
 * its user blocks, such as a connection on which a request and its reply belong together.
 *
 *     int error = green_mutex_lock(mutex, GREEN_FOREVER);
 *     if (error < 0)
 *         return error;
 *     error = ask(connection, request, reply);
 *     green_mutex_unlock(mutex);
 *
 * A pthread mutex is no replacement: it belongs to the OS thread, so a second green thread
 * that locks it blocks the OS thread of the first one, for ever.
 *
 * Waiting threads get the mutex in the order of their calls: an unlock gives it to the
 * thread that has waited longest, and no later caller overtakes it. A mutex is not
 * recursive. It belongs to the OS thread that first uses it; calls on other OS threads return
 * -EXDEV. Green threads of several hubs pass values through channels instead.
 *
 * A thread that ends while it holds a mutex is an error of the program. It is reported,
 * with the name of the thread, and the mutex is unlocked. */
#ifndef GREEN_MUTEX_H
#define GREEN_MUTEX_H

#include <green/thread.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_mutex green_mutex;

/* Creates a mutex that no thread holds. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_mutex_make(green_mutex **mutex);

/* Frees the mutex. Threads that wait for it get -EBADF, also in green_condition_wait(). The
 * caller may hold it; another thread must not. On another OS thread than that of the mutex,
 * this takes effect soon after the call, on its hub. */
GREEN_API void green_mutex_free(green_mutex *GREEN_NULLABLE mutex);

/* Locks the mutex. Blocks while another thread holds it.
 *
 * Returns 0, or:
 *   -ETIMEDOUT   another thread held it for timeout nanoseconds (0 polls)
 *   -EDEADLK     the caller itself holds it, or nothing can ever unlock it
 *   -EBADF       the mutex was freed
 *   -ECANCELED, -ETIME   the caller was interrupted; it does not hold the mutex */
GREEN_API GREEN_CHECK int green_mutex_lock(green_mutex *mutex, int64_t timeout);

/* Locks the mutex if no thread holds it. Does not block. Returns 1 if the caller now holds
 * it, or 0 if a thread holds it, such as the caller. */
GREEN_API GREEN_CHECK int green_mutex_try_lock(green_mutex *mutex);

/* Unlocks the mutex, which then belongs to the thread that has waited longest, even before
 * that runs. Does not block. Returns 0, or -EPERM if the caller does not hold it. */
GREEN_API int green_mutex_unlock(green_mutex *mutex);

/* Returns the thread that holds the mutex, or NULL. The caller does not own it. */
GREEN_API green_thread *GREEN_NULLABLE green_mutex_holder(const green_mutex *mutex);

/* The number of threads that wait to lock the mutex, also after a wait for a condition. */
GREEN_API size_t green_mutex_waiting(const green_mutex *mutex);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
