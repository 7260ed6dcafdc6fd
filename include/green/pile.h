/* Piles: the results of several green threads, in the order they were spawned.
 *
 * From Eventlet's GreenPile, except that a wait which is interrupted loses no result. */
#ifndef GREEN_PILE_H
#define GREEN_PILE_H

#include <green/pool.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_pile green_pile;

/* A new, empty pile whose threads run in the pool, which may serve many piles
 * and others, and has to outlive this one. -ENOMEM. */
GREEN_API GREEN_CHECK int green_pile_make(green_pile **pile, green_pool *pool);

/* Frees it. Its threads go on; results that were not taken are dropped. */
GREEN_API void green_pile_free(green_pile *GREEN_NULLABLE pile);

/* Starts a thread in the pool and piles it up: green_pool_spawn() says how. */
GREEN_API GREEN_CHECK int green_pile_spawn(green_pile *pile, const green_spawn_options *GREEN_NULLABLE options,
                                           green_function *function, void *GREEN_NULLABLE argument, int64_t timeout);

/* Blocks until the thread that was piled up first has finished, takes it off
 * and stores its result, which may be an error, in *result.
 * 1: *result is set. 0: the pile is empty. -ETIMEDOUT: it has not finished
 * within timeout nanoseconds (0 asks without blocking), and stays. -EDEADLK: it
 * is the caller's own. -EBADF: the pile was freed. */
GREEN_API GREEN_CHECK int green_pile_next(green_pile *pile, int *result, int64_t timeout);

/* Threads in it, those of spawns that wait for room included. */
GREEN_API size_t green_pile_count(const green_pile *pile);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
