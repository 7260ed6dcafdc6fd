/* Groups: green threads that are handed out in the order in which they finish; scopes, which end
 * the threads that they began; and waits for any or all of several threads.
 *
 *     green_group *group;
 *     int error = green_group_begin(&group, NULL);
 *     if (error == 0) {
 *         for (int i = 0; i < count && error == 0; i++)
 *             error = green_group_spawn(group, NULL, NULL, fetch, &urls[i]);
 *         error = green_group_end(group, error);
 *     }
 *
 * After green_group_end() no thread of the group runs, whatever happened. This is Trio's nursery,
 * Go's errgroup and Swift's task group.
 *
 * A group that is made by green_group_make() only waits: its threads are independent of it.
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

/* Frees the group and releases its handles. Its threads keep running; those of a scope are ended,
 * as by green_group_end(), and not waited for. Threads that wait for the group get -EBADF. On another OS thread than
 * that of the group, this takes effect soon after the call, on its hub. */
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

/* Kills each thread of the group that has not finished, as green_thread_kill() does, except the
 * caller. Those that have not begun never do. Does not block. Returns 0, or -EXDEV if the group
 * belongs to another OS thread. */
GREEN_API int green_group_kill_all(green_group *group);

/* Does the same, and blocks until those threads have finished. Returns 0, or:
 *   -ETIMEDOUT   some have not finished within timeout nanoseconds
 *   -ECANCELED, -ETIME
 *                the caller was interrupted; the threads are killed nevertheless
 *   -EWOULDBLOCK called in a link or a destructor; the same
 *   -ENOMEM      none was killed
 *   -EXDEV       the group belongs to another OS thread */
GREEN_API GREEN_CHECK int green_group_kill_all_and_wait(green_group *group, int64_t timeout);

/* The number of threads in the group. */
GREEN_API size_t green_group_count(const green_group *group);

/* The number of threads in the group that have finished. */
GREEN_API size_t green_group_finished(const green_group *group);

/* Scopes ------------------------------------------------------------------------ */

/* Zero in any field means its default. */
typedef struct green_group_options {
    /* Errors of threads do not end the group. green_group_next() returns the threads; an error that
     * no thread waits for is reported. Default: the first error ends the group. */
    bool collects_errors;
    /* Whether a thread that has finished has failed, in place of the rule of green_group_begin(). Is
     * called with the result and the context of the thread, and with argument, unless the group
     * has failed or is ended. It must not block. A failure with a result of 0 or more is -ECANCELED. */
    bool (*GREEN_NULLABLE is_failure)(int result, void *GREEN_NULLABLE context, void *GREEN_NULLABLE argument);
    void *GREEN_NULLABLE argument;
    /* Called by green_group_end() for each thread that was not handed out, as by
     * green_group_free_with(). It must not block. */
    void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE context);
} green_group_options;

/* Begins a scope: a group that owns its threads. The calling green thread is its owner, and must
 * end it with green_group_end(). Any green thread of the OS thread may spawn into it, such as its
 * own threads. The other calls of groups work as usual, except that adding the owner is -EDEADLK.
 *
 * A failure of a thread, which is a negative result other than -ECANCELED, ends all threads of the
 * group. Each blocking call of the owner then returns -ECANCELED until green_group_end(), unless
 * a shield that began inside the scope keeps it away. A thread that is ended is killed, and all
 * its later blocking calls return -ECANCELED, except in a shield; one that has not begun never does.
 *
 * If the owner finishes without green_group_end(), the threads are ended, and the group must still
 * be freed. Does not block. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_group_begin(green_group **group, const green_group_options *GREEN_NULLABLE options);

/* Blocks until all threads of a scope have finished, and frees the group. error is that of the
 * code that used the group, or 0 or more if it had none.
 *
 * If error is negative, a thread has failed or fails during the wait, or a kill or a timeout of the
 * owner ends the wait, the threads that run are ended first. Then nothing interrupts the wait:
 * interrupts stay pending for the owner's next blocking call. Threads that are spawned into the
 * group by then never begin.
 *
 * Returns 0 if all threads have finished without a failure and error is not negative, or the first
 * of these, with its message:
 *   the failure that ended the group
 *   error
 *   -ECANCELED, -ETIME  the owner was interrupted before the threads had finished
 *   -EBADF       another thread freed the group meanwhile
 *   -EDEADLK     nothing could end the wait. If threads are left because they cannot be interrupted
 *                either, they stay parked.
 * The group still belongs to the caller after one of these:
 *   -EWOULDBLOCK called in a link or a destructor while threads run, which are ended
 *   -EPERM       another thread has begun the group
 *   -EINVAL      the group was made by green_group_make()
 *   -EXDEV       the group belongs to another OS thread
 *
 * Other failures of threads are reported if no thread waited for them. */
GREEN_API GREEN_CHECK int green_group_end(green_group *group, int error);

/* Ends all threads of a scope, including the caller, as if one of them had failed with this error.
 * Does nothing if the group is ending already. The message of the calling thread's last failed
 * call is kept if it was this error. Does not block. Returns 0, -EINVAL if error is not negative or
 * the group is no scope, or -EXDEV if the group belongs to another OS thread. */
GREEN_API int green_group_fail(green_group *group, int error);

/* Waits for any or all ---------------------------------------------------------- */

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
