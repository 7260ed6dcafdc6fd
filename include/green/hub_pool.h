/* Hub pools: hubs on OS threads of their own, to use several cores. */
#ifndef GREEN_HUB_POOL_H
#define GREEN_HUB_POOL_H

#include <green/hub.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_hub_pool green_hub_pool;

/* Zero in any field means its default. */
typedef struct green_hub_pool_options {
    /* The number of hubs, at most 1024. Default: the number of CPUs that this process may use,
     * sched_getaffinity(2). */
    size_t count;
    /* The name of the OS threads in debuggers and top(1), to which a number is added. It is
     * copied, and cut after 10 bytes. Default: "hub". */
    const char *GREEN_NULLABLE name;
    /* Bind each hub to one of the CPUs that this process may use. */
    bool pinned;
    /* The options of each hub. */
    green_hub_options hub;
} green_hub_pool_options;

/* Starts the OS threads of a pool and makes their hubs. options may be NULL. On failure all
 * hubs that were made have ended.
 *
 * Returns 0, or:
 *   -EINVAL   count is above 1024, or an option of the hubs is out of range
 *   -EAGAIN   the system cannot start so many OS threads
 *   -EMFILE, -ENFILE, -ENOMEM and the other errors of green_hub_open(); green_explain() says
 *             which hub failed */
GREEN_API GREEN_CHECK int green_hub_pool_make(green_hub_pool **pool,
                                              const green_hub_pool_options *GREEN_NULLABLE options);

/* Adds an owner, and returns the pool. */
GREEN_API green_hub_pool *green_hub_pool_retain(green_hub_pool *pool);

/* Releases the pool. The last release closes it without waiting: each hub ends when its last
 * green thread has finished. NULL does nothing. */
GREEN_API void green_hub_pool_release(green_hub_pool *GREEN_NULLABLE pool);

GREEN_API size_t green_hub_pool_count(const green_hub_pool *pool);

/* Returns a hub of the pool, which owns it. index must be below green_hub_pool_count(). */
GREEN_API green_hub *green_hub_pool_hub(const green_hub_pool *pool, size_t index);

/* Returns the hubs one after the other, to distribute work. */
GREEN_API green_hub *green_hub_pool_next(green_hub_pool *pool);

/* Ends the hubs: waits up to timeout nanoseconds for their green threads to finish, kills those
 * that are left, and waits until all OS threads have ended. Blocks.
 *
 * Returns the number of threads that were killed, or:
 *   -EDEADLK  the caller is a thread of the pool
 *   -ECANCELED, -ETIME
 *             the caller was interrupted; the hubs end when their threads have finished */
GREEN_API int green_hub_pool_close(green_hub_pool *pool, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
