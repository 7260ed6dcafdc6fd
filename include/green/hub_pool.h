/* Hub pools: hubs on OS threads of their own, to use several cores.
 *
 *     green_hub_pool *pool;
 *     int error = green_hub_pool_make(&pool, NULL);       one hub for each CPU
 *     ...
 *     for (size_t i = 0; i < green_hub_pool_count(pool); i++)
 *         error = green_hub_spawn(green_hub_pool_hub(pool, i), NULL, NULL, work, NULL);
 *     ...
 *     int killed = green_hub_pool_close(pool, 10 * GREEN_SECOND);
 *     green_hub_pool_release(pool);
 *
 * The OS threads have the default stack size of the C library. They block all signals but
 * those of faults (SIGSEGV and others), SIGPROF and SIGURG, so signals of the process reach
 * its other threads. green_process_spawn() starts programs with no signal blocked; a program
 * that a pool's thread starts by fork(2) and exec(3) inherits the blocked ones. A hub of a
 * pool never reports a deadlock, because other OS threads may wake its threads.
 *
 * All functions may be called on any OS thread, at the same time. In a forked child, the
 * pool of its parent is unusable: calls that need its hubs fail with -EXDEV, and a release
 * frees the child's copy. */
#ifndef GREEN_HUB_POOL_H
#define GREEN_HUB_POOL_H

#include <green/hub.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_hub_pool green_hub_pool;

/* Zero in any field means its default. */
typedef struct green_hub_pool_options {
    /* The number of hubs, at most 1024. Default: the number of CPUs that the caller may use,
     * by sched_getaffinity(2). A limit of CPU time, such as of a container, does not count. */
    size_t count;
    /* The name of the hubs and of their OS threads, in dumps, debuggers and top(1). A number
     * from 0 is added: "hub-0". It is copied, and cut after 10 bytes. Default: "hub". */
    const char *GREEN_NULLABLE name;
    /* Bind each hub to one of these CPUs, in turn. */
    bool pinned;
    /* The options of each hub, without the name. */
    green_hub_options hub;
} green_hub_pool_options;

/* Starts the OS threads of a pool and makes their hubs. options may be NULL. On failure all
 * hubs that were made have ended, and their OS threads too. Blocks until all hubs are made;
 * interrupts do not end it, and stay pending.
 *
 * Returns 0, or:
 *   -EINVAL   count is above 1024, or an option of the hubs is out of range
 *   -EAGAIN   the system cannot start so many OS threads
 *   -EWOULDBLOCK
 *             called in a link or a destructor
 *   -EMFILE, -ENFILE, -ENOMEM and the other errors of green_hub_open(); green_explain() says
 *             which hub failed */
GREEN_API GREEN_CHECK int green_hub_pool_make(green_hub_pool **pool,
                                              const green_hub_pool_options *GREEN_NULLABLE options);

/* Adds an owner, and returns the pool. */
GREEN_API green_hub_pool *green_hub_pool_retain(green_hub_pool *pool);

/* Releases the pool. The last release closes it without waiting: each hub ends when its last
 * green thread has finished. Does not block. NULL does nothing. */
GREEN_API void green_hub_pool_release(green_hub_pool *GREEN_NULLABLE pool);

GREEN_API size_t green_hub_pool_count(const green_hub_pool *pool);

/* Returns a hub of the pool, which owns it. index must be below green_hub_pool_count(). */
GREEN_API green_hub *green_hub_pool_hub(const green_hub_pool *pool, size_t index);

/* Returns the hubs one after the other, to distribute work. */
GREEN_API green_hub *green_hub_pool_next(green_hub_pool *pool);

/* Ends the hubs: waits up to timeout nanoseconds for their green threads to finish, kills those
 * that are left and those that they spawn, and waits until all OS threads have ended. With a
 * timeout of 0, kills at once. Once it kills, other OS threads cannot spawn threads on the
 * hubs: -ESRCH. A thread that handles its kill and continues delays the end. A hub with handles
 * of threads, sockets or files that are still held is reported on standard error, and its
 * memory is not freed. Blocks. Several calls may wait at the same time; the shortest limit
 * counts.
 *
 * Returns the number of threads that were killed, once: other calls return 0. Or:
 *   -EDEADLK  the caller is a thread of the pool
 *   -EXDEV    the pool belongs to the process before a fork
 *   -EWOULDBLOCK
 *             called in a link or a destructor
 *   -ENOMEM   no memory for a timer; the hubs end when their threads have finished
 *   -ECANCELED, -ETIME
 *             the caller was interrupted; the hubs end when their threads have finished, or
 *             soon, if timeout nanoseconds had passed */
GREEN_API int green_hub_pool_close(green_hub_pool *pool, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
