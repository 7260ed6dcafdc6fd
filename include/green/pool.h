/* Pools: no more than so many green threads at one time.
 *
 * From Eventlet's GreenPool. A pool belongs to the OS thread that
 * first uses it. */
#ifndef GREEN_POOL_H
#define GREEN_POOL_H

#include <green/thread.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_pool green_pool;

/* A new pool of at most size threads; with 0 a spawn waits until it is resized.
 * -EINVAL: the size is negative. -ENOMEM. */
GREEN_API GREEN_CHECK int green_pool_make(green_pool **pool, int64_t size);

/* Frees it. Its threads go on; whoever still waits gets -EBADF. */
GREEN_API void green_pool_free(green_pool *GREEN_NULLABLE pool);

/* Starts function(argument) in a green thread of the pool, as green_spawn_with()
 * does; blocks while the pool is full, in the order of the callers. thread and
 * options may be NULL.
 *
 * When the pool is full and the caller is one of its own threads, the function
 * is called in place instead, so that a pool cannot wait for itself; the
 * handle is that of a thread which has finished. Its error is its result, not
 * that of this call; only an interrupt of the caller that ended the function is
 * both, since it was meant for the caller.
 *
 * -ETIMEDOUT: no room within timeout nanoseconds (0 asks without blocking).
 * -ENOMEM. On failure the function has not been called, and will not be, unless
 * *thread is set: then it was called in place and interrupted. */
GREEN_API GREEN_CHECK int green_pool_spawn(green_pool *pool, green_thread **thread,
                                           const green_spawn_options *GREEN_NULLABLE options, green_function *function,
                                           void *GREEN_NULLABLE argument, int64_t timeout);

/* Blocks until no thread of the pool runs and none waits for room in it. Their
 * results do not matter. -ETIMEDOUT: not within timeout nanoseconds. -EDEADLK:
 * the caller is one of its threads. */
GREEN_API GREEN_CHECK int green_pool_wait(green_pool *pool, int64_t timeout);

/* Changes the size. A larger one lets those who wait go on at once, which
 * Eventlet's does not; above a smaller one the running go on, and none starts
 * until there are fewer. -EINVAL: it is negative. */
GREEN_API GREEN_CHECK int green_pool_resize(green_pool *pool, int64_t size);

/* The size; threads of the pool that have not finished; how many more can start
 * now, negative after a shrink; threads that wait for room. */
GREEN_API int64_t green_pool_size(const green_pool *pool);
GREEN_API size_t green_pool_running(const green_pool *pool);
GREEN_API int64_t green_pool_available(const green_pool *pool);
GREEN_API size_t green_pool_waiting(const green_pool *pool);

/* Whether the current green thread is one of the pool's. */
GREEN_API bool green_pool_is_inside(const green_pool *pool);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
