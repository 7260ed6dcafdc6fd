/* Semaphores: permits that green threads acquire and release.
 *
 * Waiting threads are served in order of arrival: a released permit goes to the thread
 * that has waited longest, and later callers wait behind it.
 * Corresponds to Eventlet's semaphore module. A semaphore belongs to the OS thread
 * that first uses it; calls on other OS threads return -EXDEV. */
#ifndef GREEN_SEMAPHORE_H
#define GREEN_SEMAPHORE_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_semaphore green_semaphore;

/* Creates a semaphore with a number of permits, which never exceeds limit. A negative
 * limit means no limit. Eventlet's Semaphore has no limit. Its BoundedSemaphore has a
 * limit equal to permits and is released by green_semaphore_release(). Its
 * CappedSemaphore is released by green_semaphore_release_within().
 * Returns 0, -EINVAL if permits is negative or exceeds the limit, or -ENOMEM. */
GREEN_API GREEN_CHECK int green_semaphore_make(green_semaphore **semaphore, int64_t permits, int64_t limit);

/* Frees the semaphore. Threads that wait for it get -EBADF. On another OS thread than that of
 * the semaphore, this takes effect soon after the call, on its hub. */
GREEN_API void green_semaphore_free(green_semaphore *GREEN_NULLABLE semaphore);

/* Acquires a permit. Blocks while there is none.
 *
 * Returns 0, or:
 *   -ETIMEDOUT   there was no permit within timeout nanoseconds (0 polls)
 *   -EBADF       the semaphore was freed
 *   -ECANCELED, -ETIME   the caller was interrupted; it holds no permit */
GREEN_API GREEN_CHECK int green_semaphore_acquire(green_semaphore *semaphore, int64_t timeout);

/* Acquires a permit if one is available. Does not block. Returns 1 if a permit was
 * acquired, 0 if there is none. */
GREEN_API GREEN_CHECK int green_semaphore_try_acquire(green_semaphore *semaphore);

/* Releases a permit. Does not block. The caller need not have acquired one. Returns
 * 0, or -EOVERFLOW if the semaphore has reached its limit. */
GREEN_API int green_semaphore_release(green_semaphore *semaphore);

/* Releases a permit. Blocks while the semaphore is at its limit. Returns as
 * green_semaphore_acquire() does; on failure the permit is not released. */
GREEN_API GREEN_CHECK int green_semaphore_release_within(green_semaphore *semaphore, int64_t timeout);

/* The number of available permits. */
GREEN_API int64_t green_semaphore_permits(const green_semaphore *semaphore);

/* The number of threads that wait to acquire a permit. */
GREEN_API size_t green_semaphore_acquiring(const green_semaphore *semaphore);

/* The number of threads that wait to release a permit. */
GREEN_API size_t green_semaphore_releasing(const green_semaphore *semaphore);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
