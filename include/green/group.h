/* Groups: green threads that are handed out in the order in which they finish; and
 * waits for any or all of several threads.
 *
 * Eventlet has no counterpart; gevent has wait() and iwait(). */
#ifndef GREEN_GROUP_H
#define GREEN_GROUP_H

#include <green/thread.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_group green_group;

/* Creates an empty group. It belongs to the OS thread of the first green thread
 * that is added to it. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_group_make(green_group **group);

/* Frees the group and releases its handles. Its threads keep running. Threads that
 * wait for the group get -EBADF. On another OS thread than that of the group, this takes
 * effect soon after the call, on its hub. */
GREEN_API void green_group_free(green_group *GREEN_NULLABLE group);

/* The same, and calls discard(context) for each thread that was not handed out, in no
 * order, on the hub of the group. It must not block. */
GREEN_API void green_group_free_with(green_group *GREEN_NULLABLE group, void (*discard)(void *GREEN_NULLABLE context));

/* Starts function(argument) in a new thread of the group, as green_spawn_with() does.
 * thread may be NULL; otherwise the caller must release the handle. This is cheaper than
 * a spawn and green_group_add(). Does not block. Returns 0, -ENOMEM, -EINVAL, or -EXDEV if the
 * group belongs to another OS thread; on failure nothing is added. */
GREEN_API GREEN_CHECK int green_group_spawn(green_group *group, green_thread *GREEN_NULLABLE *GREEN_NULLABLE thread,
                                            const green_spawn_options *GREEN_NULLABLE options, green_function *function,
                                            void *GREEN_NULLABLE argument);

/* Adds a thread and retains its handle. A thread that has finished already is handed
 * out after those of the group that have finished. Does not block. Returns 0, -ENOMEM,
 * or -EXDEV if the thread or the group belongs to another OS thread. */
GREEN_API GREEN_CHECK int green_group_add(green_group *group, green_thread *thread);

/* The same, and keeps a context for green_group_next_with(). */
GREEN_API GREEN_CHECK int green_group_add_with(green_group *group, green_thread *thread, void *GREEN_NULLABLE context);

/* Blocks until a thread of the group has finished, removes it from the group, and
 * stores its handle in *thread; the caller must release it. Threads are handed out
 * once, in the order in which they finish, and callers are served in order of arrival.
 *
 * Returns 1 if *thread is set, 0 if the group is empty or became empty, or:
 *   -ETIMEDOUT   no thread finished within timeout nanoseconds (0 polls); the group
 *                is unchanged
 *   -EDEADLK     the caller is the only thread in the group
 *   -EBADF       the group was freed
 *   -ECANCELED, -ETIME   the caller was interrupted; the group is unchanged */
GREEN_API GREEN_CHECK int green_group_next(green_group *group, green_thread **thread, int64_t timeout);

/* Same as green_group_next(), and stores in *context what the thread was added with: the
 * argument of green_group_spawn(), the context of green_group_add_with(), or NULL. thread and
 * context may be NULL. */
GREEN_API GREEN_CHECK int green_group_next_with(green_group *group, green_thread *GREEN_NULLABLE *GREEN_NULLABLE thread,
                                                void *GREEN_NULLABLE *GREEN_NULLABLE context, int64_t timeout);

/* The number of threads in the group. */
GREEN_API size_t green_group_count(const green_group *group);

/* The number of threads in the group that have finished. */
GREEN_API size_t green_group_finished(const green_group *group);

/* Blocks until one of the threads has finished. Returns the index of the first one
 * that finishes, or the lowest index of those that have finished already.
 * -EINVAL: count is 0. -EDEADLK: the caller is the only one of the threads.
 * -ETIMEDOUT: none finished within timeout nanoseconds. */
GREEN_API GREEN_CHECK ssize_t green_wait_any(green_thread *const *threads, size_t count, int64_t timeout);

/* Blocks until all of the threads have finished. Returns 0.
 * -EDEADLK: the caller is one of the threads. -ETIMEDOUT: not all finished within
 * timeout nanoseconds, which limits the whole call. */
GREEN_API GREEN_CHECK int green_wait_all(green_thread *const *threads, size_t count, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
