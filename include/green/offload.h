/* Offloading: calls that block the OS thread, on native threads.
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
 * For what cannot be green: work that keeps the processor busy for long, and
 * libraries that wait in the kernel or in locks of their own. Only the calling
 * green thread waits. From Eventlet's tpool.execute(). */
#ifndef GREEN_OFFLOAD_H
#define GREEN_OFFLOAD_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* A bounded number of native threads and the calls that wait for one. It may be
 * used on any OS thread, by several at once. */
typedef struct green_offload_pool green_offload_pool;

enum { GREEN_OFFLOAD_NAME_MAX = 15 };

typedef struct green_offload_options {
    /* Native threads at most; they are made as calls come. Default 16. */
    unsigned threads;
    /* Calls that may wait for a native thread; one more is -EAGAIN. 0: any
     * number. */
    unsigned queue_limit;
    /* Nanoseconds after which an idle native thread ends. Negative: never. Default
     * 10 s. */
    int64_t idle;
    /* Of the native threads, as debuggers and top(1) show it; cut at 15 bytes.
     * Default "green-offload". Copied. */
    const char *GREEN_NULLABLE name;
} green_offload_options;

/* Makes a pool, which the caller owns. No native thread is made yet. -ENOMEM. */
GREEN_API GREEN_CHECK int green_offload_pool_make(green_offload_pool **pool,
                                                  const green_offload_options *GREEN_NULLABLE options);

/* Frees a pool. No thread may be blocked in a call on it. Functions whose callers were
 * interrupted still run to their end, and then the native threads end. Does not block.
 * NULL does nothing. */
GREEN_API void green_offload_pool_free(green_offload_pool *GREEN_NULLABLE pool);

/* Calls function(argument) on a native thread of the pool, NULL being the one
 * that the process shares, and waits for it. Blocks.
 *
 * 0: the function has returned, *result is what, and argument is the caller's as
 * before. Otherwise argument is no longer the caller's: abandon, unless it is
 * NULL, is called with it, once, on whichever OS thread was the last to use it,
 * perhaps before this returns.
 *
 * Kill, a green_timeout and timeout, in nanoseconds, end the wait: -ECANCELED,
 * -ETIME, -ETIMEDOUT. The function cannot be interrupted: one that has begun runs
 * to its end, one that has not never does. -EAGAIN: the queue is full, or the
 * system makes no native thread; -EMFILE, -ENOMEM.
 *
 * The function has a stack of 1 MiB, and every signal blocked, which programs that
 * it starts inherit. It must not touch handles of the caller's hub. Blocking calls
 * of Green in it are for a hub of the native thread's own. A process that exits
 * does not wait for it. */
GREEN_API GREEN_CHECK int green_offload(green_offload_pool *GREEN_NULLABLE pool,
                                        int (*function)(void *GREEN_NULLABLE argument), void *GREEN_NULLABLE argument,
                                        void (*GREEN_NULLABLE abandon)(void *GREEN_NULLABLE argument),
                                        int *GREEN_NULLABLE result, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
