/* Offloading: calls that would block the hub, on OS threads of a pool.
 *
 *     static int hash(void *argument) {
 *         struct password *password = argument;
 *         return bcrypt(password->text, password->hash);
 *     }
 *
 *     int result;
 *     int error = green_offload(NULL, hash, password, free, &result, GREEN_FOREVER);
 *     if (error == 0)
 *         use(password->hash), free(password);
 *
 * Offload long computations, and calls of libraries that block in the kernel or in their own
 * locks. Only the calling green thread waits; the hub runs the others. Eventlet's
 * tpool.execute() does the same. */
#ifndef GREEN_OFFLOAD_H
#define GREEN_OFFLOAD_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* A bounded number of OS threads, called workers, and the queue of calls that wait for one.
 * All functions on pools may be called from any OS thread, also at the same time. */
typedef struct green_offload_pool green_offload_pool;

enum { GREEN_OFFLOAD_NAME_MAX = 15 };

/* A field of 0 or NULL selects the default. */
typedef struct green_offload_options {
    /* The most workers. They are started as calls need them. Default: 16. */
    unsigned threads;
    /* The most calls that may wait for a worker; further calls fail with -EAGAIN.
     * Default: no limit. */
    unsigned queue_limit;
    /* Nanoseconds after which an idle worker ends; negative: never. Default: 10 s. */
    int64_t idle;
    /* The workers' name in debuggers and top(1). It is copied, and cut after 15 bytes.
     * Default: "green-offload". */
    const char *GREEN_NULLABLE name;
} green_offload_options;

/* Makes a pool, which the caller owns. options may be NULL. Starts no worker.
 *
 * Returns 0, or -ENOMEM. */
GREEN_API GREEN_CHECK int green_offload_pool_make(green_offload_pool **pool,
                                                  const green_offload_options *GREEN_NULLABLE options);

/* Frees a pool. No thread may be blocked in a call on it. Functions whose callers were
 * interrupted still run, and then the workers end. Does not block. NULL does nothing. */
GREEN_API void green_offload_pool_free(green_offload_pool *GREEN_NULLABLE pool);

/* Changes the most workers of a pool, or of the pool that the process shares if pool is NULL. If
 * there are more, the idle ones end at once and the others after their call. If calls wait,
 * workers are started for them; those that the system refuses are started for later calls.
 * Does not block.
 *
 * Returns 0, or:
 *   -EINVAL  threads is 0
 *   -ENOMEM  out of memory */
GREEN_API GREEN_CHECK int green_offload_pool_resize(green_offload_pool *GREEN_NULLABLE pool, unsigned threads);

/* Waits until no call of the pool waits or runs, those included whose callers have left. If pool is
 * NULL, it is the pool that the process shares. Do not call it in a function that the pool runs.
 *
 * Returns 0, or:
 *   -ETIMEDOUT  calls were left after timeout nanoseconds (0 does not wait)
 *   -ENOMEM     out of memory
 *   -ECANCELED, -ETIME
 *               interrupted
 *
 * Blocks the calling green thread. */
GREEN_API GREEN_CHECK int green_offload_pool_wait(green_offload_pool *GREEN_NULLABLE pool, int64_t timeout);

/* Does the same, and ends the workers: the idle ones at once, the others when no call waits. Returns 0
 * when the last one has left the pool and is about to end. The pool can still be used: a call
 * starts a worker. Use it before a step for which a process must have few OS threads, or when a
 * library is unloaded. Returns as green_offload_pool_wait() does; after an error, some workers may
 * have ended. */
GREEN_API GREEN_CHECK int green_offload_pool_empty(green_offload_pool *GREEN_NULLABLE pool, int64_t timeout);

/* The most workers; the workers that there are; the calls that they run; the calls that wait for a
 * worker. NULL is the pool that the process shares. */
GREEN_API unsigned green_offload_pool_size(green_offload_pool *GREEN_NULLABLE pool);
GREEN_API unsigned green_offload_pool_workers(green_offload_pool *GREEN_NULLABLE pool);
GREEN_API unsigned green_offload_pool_running(green_offload_pool *GREEN_NULLABLE pool);
GREEN_API unsigned green_offload_pool_waiting(green_offload_pool *GREEN_NULLABLE pool);

/* Calls function(argument) on a worker of the pool, and waits until it returns or timeout
 * nanoseconds have passed. If pool is NULL, uses a pool that the process shares, with default
 * options. result may be NULL.
 *
 * Returns 0 with the function's return value in *result, or:
 *   -EAGAIN     the queue is full, or the system cannot start a first worker
 *   -ENOMEM     out of memory
 *   -ETIMEDOUT  the timeout expired
 *   -ECANCELED  the calling thread was killed
 *   -ETIME      a green_timeout of the calling thread expired
 *
 * An interrupt or a timeout ends the wait at once, but not the function: if it has begun, it
 * runs to its end; if not, it is never called.
 *
 * After 0, the caller owns argument, as before. After an error, argument is passed to abandon,
 * once, on the OS thread that used it last, perhaps before this call returns. abandon may be
 * NULL.
 *
 * The function runs on a stack of 1 MiB with all signals blocked; programs that it starts
 * inherit this signal mask. It must not use handles of the caller's hub. If it makes blocking
 * calls of Green, the worker gets a hub of its own. A process that exits does not wait for the
 * function.
 *
 * Blocks the calling green thread. */
GREEN_API GREEN_CHECK int green_offload(green_offload_pool *GREEN_NULLABLE pool,
                                        int (*function)(void *GREEN_NULLABLE argument), void *GREEN_NULLABLE argument,
                                        void (*GREEN_NULLABLE abandon)(void *GREEN_NULLABLE argument),
                                        int *GREEN_NULLABLE result, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
