/* Piles: ordered groups. A pile collects the results of green threads in the
 * order in which they were spawned.
 *
 *     green_pile *pile;
 *     int error = green_pile_make(&pile, pool);
 *     for (size_t i = 0; i < count && error == 0; i++)
 *         error = green_pile_spawn(pile, NULL, fetch, &pages[i], GREEN_FOREVER);
 *     int size;
 *     while (green_pile_next(pile, &size, GREEN_FOREVER) == 1)
 *         printf("%d bytes\n", size);
 *
 * Corresponds to Eventlet's GreenPile, except that an interrupted wait loses no
 * result. A pile belongs to the OS thread that first uses it. */
#ifndef GREEN_PILE_H
#define GREEN_PILE_H

#include <green/pool.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_pile green_pile;

/* Creates an empty pile. Its threads run in pool, which bounds how many run at
 * the same time. Other piles and callers may use the same pool. The pool must
 * outlive the pile. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_pile_make(green_pile **pile, green_pool *pool);

/* Frees the pile and drops the results that were not taken. Its threads keep
 * running. Threads that wait in green_pile_next() get -EBADF. On another OS thread than that of
 * the pile, this takes effect soon after the call, on its hub. */
GREEN_API void green_pile_free(green_pile *GREEN_NULLABLE pile);

/* The same, and calls discard(context) for each item that was not taken, in their order. It
 * must not block. */
GREEN_API void green_pile_free_with(green_pile *GREEN_NULLABLE pile, void (*discard)(void *GREEN_NULLABLE context));

/* Starts function(argument) in a thread of the pool and adds the thread at the
 * end of the pile. Blocks while the pool is full. Returns as green_pool_spawn()
 * does. On failure nothing is added, unless the function was called in place. */
GREEN_API GREEN_CHECK int green_pile_spawn(green_pile *pile, const green_spawn_options *GREEN_NULLABLE options,
                                           green_function *function, void *GREEN_NULLABLE argument, int64_t timeout);

/* Blocks until the first thread of the pile has finished, removes it, and stores
 * its result, which may be an error, in *result. Callers are served in order of
 * arrival.
 *
 * Returns 1 if *result was set, 0 if the pile is empty, or:
 *   -ETIMEDOUT   the thread did not finish within timeout nanoseconds (0 polls);
 *                it stays in the pile
 *   -EDEADLK     the caller would wait for its own result
 *   -EBADF       the pile was freed
 *   -EXDEV       the pile belongs to another OS thread
 *   -ECANCELED, -ETIME   the caller was interrupted; nothing is lost */
GREEN_API GREEN_CHECK int green_pile_next(green_pile *pile, int *result, int64_t timeout);

/* Same as green_pile_next(), and stores in *context what the thread was added
 * with: the argument of green_pile_spawn(), or the context of green_pile_add()
 * or green_pile_reserve(). result and context may be NULL. */
GREEN_API GREEN_CHECK int green_pile_next_with(green_pile *pile, int *GREEN_NULLABLE result,
                                               void *GREEN_NULLABLE *GREEN_NULLABLE context, int64_t timeout);

/* Adds a thread of this OS thread that was started by other means; the pile retains
 * its handle. NULL adds an item that has finished without a thread, with the
 * result 0. Does not block. Returns 0, -ENOMEM, or -EXDEV if the pile or the thread
 * belongs to another OS thread. */
GREEN_API GREEN_CHECK int green_pile_add(green_pile *pile, green_thread *GREEN_NULLABLE thread,
                                         void *GREEN_NULLABLE context);

/* A reserved place in a pile. The fields are private. The structure must not
 * move between green_pile_reserve() and green_pile_fill() or
 * green_pile_cancel(). */
typedef struct green_pile_place {
    green_pile *GREEN_NULLABLE pile;
    green_thread *GREEN_NULLABLE caller;
    size_t number;
} green_pile_place;

/* Reserves the place at the end of the pile for a thread that the caller is about
 * to start, possibly after waiting for room. The place counts as an item, and
 * green_pile_next() waits until it is filled. Does not block. Returns 0, -ENOMEM
 * or -EXDEV. */
GREEN_API GREEN_CHECK int green_pile_reserve(green_pile *pile, green_pile_place *place, void *GREEN_NULLABLE context);

/* Fills a reserved place; thread is as in green_pile_add(), and of the OS thread of
 * the pile. Returns false, and does nothing, if the place is not reserved: the pile
 * was freed, green_pile_reserve() failed, or the place was filled or cancelled. */
GREEN_API bool green_pile_fill(green_pile_place *place, green_thread *GREEN_NULLABLE thread);

/* Removes a reserved place. Does nothing if the place is not reserved. */
GREEN_API void green_pile_cancel(green_pile_place *place);

/* Kills all threads of the pile that have not finished, as green_thread_kill() does, except the
 * caller. They stay in the pile, and their results are errors. Does not block. Returns 0, or
 * -EXDEV if the pile belongs to another OS thread. */
GREEN_API int green_pile_kill_all(green_pile *pile);

/* Does the same, and blocks until those threads have finished. Returns 0, or:
 *   -ETIMEDOUT   some have not finished within timeout nanoseconds
 *   -ECANCELED, -ETIME
 *                the caller was interrupted; the threads are killed nevertheless
 *   -EWOULDBLOCK called in a link or a destructor; the same
 *   -ENOMEM      none was killed
 *   -EXDEV       the pile belongs to another OS thread */
GREEN_API GREEN_CHECK int green_pile_kill_all_and_wait(green_pile *pile, int64_t timeout);

/* Removes the first thread without waiting for it, and stores its context in
 * *context. The thread keeps running. Returns false if the pile is empty or the
 * first place is not filled yet. */
GREEN_API bool green_pile_remove(green_pile *pile, void *GREEN_NULLABLE *context);

/* The number of threads in the pile, including those whose spawn waits for room
 * in the pool. */
GREEN_API size_t green_pile_count(const green_pile *pile);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
