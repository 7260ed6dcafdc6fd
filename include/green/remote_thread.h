/* Remote threads: green threads that another OS thread starts on a hub.
 *
 *     green_remote_thread *thread;
 *     int error = green_hub_spawn(hub, &thread, NULL, function, argument);
 *     ...
 *     int result;
 *     error = green_remote_thread_wait(thread, &result, GREEN_FOREVER);
 *     green_remote_thread_release(thread);
 *
 * All functions may be called on any OS thread, at the same time, except in a signal
 * handler. A thread that waits for a remote thread never counts as a deadlock. A forked
 * child cannot use its parent's remote threads: -EXDEV. It may release them. */
#ifndef GREEN_REMOTE_THREAD_H
#define GREEN_REMOTE_THREAD_H

#include <green/async_wait.h>
#include <green/hub.h>
#include <green/thread.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_remote_thread green_remote_thread;

/* Starts function(argument) in a green thread of a hub, from any OS thread, also that of
 * the hub itself. *thread is a handle that the caller owns; NULL for a thread without one. options
 * are those of green_spawn_with() and may be NULL.
 *
 * If the function never runs, discard is called once with the argument, on the OS thread of
 * the hub: after a kill, if the hub has no memory for the thread, and if the OS thread of the
 * hub ends first, then outside green threads.
 *
 * Threads that one caller spawns on one hub start in the order of the calls. Does not block.
 * Until the thread has started, the hub cannot be closed.
 *
 * Returns 0, or the function is never called, nor discard:
 *   -ESRCH   the hub has ended, or green_hub_pool_close() kills its threads
 *   -EXDEV   the hub belongs to the process before a fork
 *   -EINVAL  the stack size is below 16 KiB
 *   -ENOMEM
 * If the hub has no memory for the stack, the result of the thread is -ENOMEM. */
GREEN_API GREEN_CHECK int green_hub_spawn(green_hub *hub, green_remote_thread **thread,
                                          const green_spawn_options *GREEN_NULLABLE options, green_function *function,
                                          void *GREEN_NULLABLE argument);

/* Does the same, but without a post if the caller is a green thread of the hub, which costs less.
 * The thread may then start before those that the caller has spawned by green_hub_spawn(). */
GREEN_API GREEN_CHECK int green_hub_spawn_unordered(green_hub *hub, green_remote_thread **thread,
                                                    const green_spawn_options *GREEN_NULLABLE options,
                                                    green_function *function, void *GREEN_NULLABLE argument);

/* Adds an owner, and returns the handle. */
GREEN_API green_remote_thread *green_remote_thread_retain(green_remote_thread *thread);

/* Releases a handle. The thread continues to run. If no wait has returned its error, the last
 * release reports the error on standard error, except -ECANCELED. NULL does nothing. */
GREEN_API void green_remote_thread_release(green_remote_thread *GREEN_NULLABLE thread);

/* Blocks until the thread has finished, and stores the result of its function in *result. Any
 * number of threads may wait, any number of times. On an OS thread without a hub, blocks the
 * OS thread.
 *
 * Returns 0 with *result set, and with the message of an error for green_explain(), or:
 *   -ESRCH        the OS thread of the hub ended before the thread had finished
 *   -ETIMEDOUT    the thread did not finish within timeout nanoseconds; with a timeout of 0
 *                 the call does not wait
 *   -EDEADLK      the thread is the caller itself
 *   -EXDEV        the thread belongs to the process before a fork
 *   -EWOULDBLOCK  it would have to wait, in a link or a destructor
 *   -ENOMEM       no memory for a timer
 *   -ECANCELED, -ETIME
 *                 the calling green thread was interrupted */
GREEN_API GREEN_CHECK int green_remote_thread_wait(green_remote_thread *thread, int *GREEN_NULLABLE result,
                                                   int64_t timeout);

/* Does the same without a thread that waits: see async_wait.h. Returns 1 if the thread has
 * finished, 0 if the wait has begun, -ECANCELED or -EXDEV. After 1, or when the wait has ended
 * with 0, green_remote_thread_wait() does not wait. */
GREEN_API GREEN_CHECK int green_remote_thread_wait_async(green_remote_thread *thread, green_async_wait *wait);

/* Interrupts the thread, like green_thread_kill(), soon after this returns: the hub does so in
 * its event loop. Does not block. A kill while another one is on its way has no effect.
 *
 * Returns 0, also if the thread has finished, or:
 *   -ESRCH  the OS thread of the hub is ending
 *   -EXDEV  the thread belongs to the process before a fork */
GREEN_API int green_remote_thread_kill(green_remote_thread *thread);

/* Does the same with a reason, like green_thread_kill_with(). The call takes ownership of the
 * reason, also if it fails. If the thread does not read it, discard(reason) is called, on the
 * caller's OS thread or on that of the hub, and must not block. */
GREEN_API int green_remote_thread_kill_with(green_remote_thread *thread, void *GREEN_NULLABLE reason,
                                            void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE reason));

/* Does the same as green_remote_thread_wait() for a thread that has finished. Does not block,
 * and an interrupt of the caller stays pending.
 *
 * Returns 0 with *result set, and with the message of an error for green_explain(), or:
 *   -ESRCH   the OS thread of the hub ended before the thread had finished
 *   -EBUSY   the thread has not finished
 *   -EXDEV   the thread belongs to the process before a fork */
GREEN_API GREEN_CHECK int green_remote_thread_result(green_remote_thread *thread, int *result);

GREEN_API bool green_remote_thread_is_finished(const green_remote_thread *thread);

/* The hub of the thread. The handle owns it. */
GREEN_API green_hub *green_remote_thread_hub(const green_remote_thread *thread);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
