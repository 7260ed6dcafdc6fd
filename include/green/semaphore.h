/* Semaphores: a number of permits that green threads take and give back.
 *
 * First come, first served: a permit that is given back goes straight to the
 * thread that has waited longest, and a newcomer queues behind those who wait.
 * From Eventlet's semaphore module. A semaphore belongs to the
 * OS thread that first uses it. */
#ifndef GREEN_SEMAPHORE_H
#define GREEN_SEMAPHORE_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_semaphore green_semaphore;

/* A new semaphore with so many permits, and never more than limit of them;
 * a negative limit is none. Eventlet's Semaphore has no limit, its
 * BoundedSemaphore has permits == limit and is released by
 * green_semaphore_release(), its CappedSemaphore is released by
 * green_semaphore_release_within().
 * -EINVAL: permits is negative or above the limit. -ENOMEM. */
GREEN_API GREEN_CHECK int green_semaphore_make(green_semaphore **semaphore, int64_t permits, int64_t limit);

/* Frees it. Whoever still waits gets -EBADF. */
GREEN_API void green_semaphore_free(green_semaphore *GREEN_NULLABLE semaphore);

/* Takes a permit; blocks while there is none.
 * 0. -ETIMEDOUT: none within timeout nanoseconds (0 asks without blocking). */
GREEN_API GREEN_CHECK int green_semaphore_acquire(green_semaphore *semaphore, int64_t timeout);

/* Takes a permit if there is one now. 1: taken. 0: there is none. */
GREEN_API GREEN_CHECK int green_semaphore_try_acquire(green_semaphore *semaphore);

/* Gives a permit back. Does not block; may be called by a thread that never
 * took one. -EOVERFLOW: there are as many as the limit allows already. */
GREEN_API int green_semaphore_release(green_semaphore *semaphore);

/* The same, but at the limit it blocks until somebody takes a permit.
 * -ETIMEDOUT: nobody did within timeout nanoseconds. */
GREEN_API GREEN_CHECK int green_semaphore_release_within(green_semaphore *semaphore, int64_t timeout);

/* Permits that can be taken now; threads that wait for one; threads that wait
 * to give one back. */
GREEN_API int64_t green_semaphore_permits(const green_semaphore *semaphore);
GREEN_API size_t green_semaphore_acquiring(const green_semaphore *semaphore);
GREEN_API size_t green_semaphore_releasing(const green_semaphore *semaphore);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
