/* Pools: bounds on how many green threads run at the same time.
 *
 * Corresponds to Eventlet's GreenPool. A pool belongs to the OS thread that first
 * uses it; calls on other OS threads return -EXDEV. */
#ifndef GREEN_POOL_H
#define GREEN_POOL_H

#include <green/thread.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_pool green_pool;

/* Creates a pool that runs at most size threads at a time. With size 0, spawns wait
 * until the pool is resized. Returns 0, -EINVAL if size is negative, or -ENOMEM. */
GREEN_API GREEN_CHECK int green_pool_make(green_pool **pool, int64_t size);

/* Frees the pool. Its threads keep running. Threads that wait for the pool get
 * -EBADF. On another OS thread than that of the pool, this takes effect soon after the call,
 * on its hub. */
GREEN_API void green_pool_free(green_pool *GREEN_NULLABLE pool);

/* Starts function(argument) in a green thread of the pool, as green_spawn_with()
 * does. Blocks while the pool is full; callers are served in order of arrival. thread
 * and options may be NULL.
 *
 * If the pool is full and the caller is a thread of the pool, the function is called
 * in place, so that a pool cannot wait for itself. *thread is then the handle of a
 * finished thread with the result of the function. The result is not returned by
 * this call, with one exception: if an interrupt of the caller ended the function,
 * its error is returned as well.
 *
 * Returns 0, or:
 *   -ETIMEDOUT   the pool stayed full for timeout nanoseconds (0 polls)
 *   -ENOMEM      no memory for the thread
 *   -EBADF       the pool was freed
 *   -ECANCELED, -ETIME   the caller was interrupted
 * On failure the function was not called and will not be, unless *thread is set:
 * then it was called in place and interrupted. */
GREEN_API GREEN_CHECK int green_pool_spawn(green_pool *pool, green_thread **thread,
                                           const green_spawn_options *GREEN_NULLABLE options, green_function *function,
                                           void *GREEN_NULLABLE argument, int64_t timeout);

/* Blocks until no thread of the pool runs and no spawn waits for room. The results of
 * the threads do not matter.
 *
 * Returns 0, or:
 *   -ETIMEDOUT   the pool did not become idle within timeout nanoseconds (0 polls)
 *   -EDEADLK     the caller is a thread of the pool
 *   -EBADF       the pool was freed
 *   -ECANCELED, -ETIME   the caller was interrupted */
GREEN_API GREEN_CHECK int green_pool_wait(green_pool *pool, int64_t timeout);

/* Kills all threads of the pool that have not finished, as green_thread_kill() does, except the
 * caller. Threads that wait for room then spawn theirs. Does not block; green_pool_wait() waits
 * for the ends. Returns 0, or -EXDEV on another OS thread than that of the pool. */
GREEN_API int green_pool_kill_all(green_pool *pool);

/* Does the same, and blocks until those threads have finished. Returns 0, or:
 *   -ETIMEDOUT   some have not finished within timeout nanoseconds
 *   -ECANCELED, -ETIME
 *                the caller was interrupted; the threads are killed nevertheless
 *   -EWOULDBLOCK called in a link or a destructor; the same
 *   -ENOMEM      none was killed
 *   -EXDEV       the pool belongs to another OS thread */
GREEN_API GREEN_CHECK int green_pool_kill_all_and_wait(green_pool *pool, int64_t timeout);

/* Changes the size. If it grows, waiting spawns proceed at once, which they do not in
 * Eventlet. If it shrinks, running threads keep running, and no thread starts until
 * fewer than size run. Returns 0, or -EINVAL if size is negative. */
GREEN_API GREEN_CHECK int green_pool_resize(green_pool *pool, int64_t size);

/* The size. */
GREEN_API int64_t green_pool_size(const green_pool *pool);

/* The number of threads of the pool that have not finished. */
GREEN_API size_t green_pool_running(const green_pool *pool);

/* How many more threads can start now. Negative if the pool was shrunk below the
 * number of running threads. */
GREEN_API int64_t green_pool_available(const green_pool *pool);

/* The number of threads that wait for room. */
GREEN_API size_t green_pool_waiting(const green_pool *pool);

/* Whether the current green thread is a thread of the pool. */
GREEN_API bool green_pool_is_inside(const green_pool *pool);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
