/* Waits that call a function when they end, instead of blocking a thread.
 *
 *     static void done(void *context, int result) {      on the OS thread that ends the wait
 *         struct request *request = context;             result 0: request->job was received
 *         ...
 *         green_async_wait_release(request->wait);
 *     }
 *
 *     int error = green_async_wait_make(&request->wait, done, request);
 *     ...
 *     error = green_channel_receive_async(jobs, &request->job, request->wait);
 *     if (error == 0)
 *         ...                                            done will be called, or was called
 *
 * They are for event loops and coroutines of other libraries: Swift's async functions use
 * them. All functions may be called on any OS thread, at the same time, except in a signal
 * handler. None blocks. */
#ifndef GREEN_ASYNC_WAIT_H
#define GREEN_ASYNC_WAIT_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_async_wait green_async_wait;

/* Makes a wait with one owner, the caller. It is for one of the calls that take one:
 *
 *   green_channel_receive_async(), green_channel_send_async()
 *   green_promise_wait_async()
 *   green_remote_thread_wait_async()
 *
 * Such a call returns 1 if it is done at once, or an error. In both cases done() is never
 * called. It returns 0 if it waits. Then done(context, result) is called once: with 0, with
 * the error of the call, or with -ECANCELED after green_async_wait_cancel(). Until then, the
 * caller keeps the wait, the object that it waits for, and the memory of the element.
 *
 * done() runs on the OS thread that ends the wait, which is in a call of its own, such as
 * green_channel_send(). It must be short and must not block. It may release the wait.
 *
 * Returns 0, or -ENOMEM. */
GREEN_API GREEN_CHECK int green_async_wait_make(green_async_wait **wait,
                                                void (*done)(void *GREEN_NULLABLE context, int result),
                                                void *GREEN_NULLABLE context);

/* Adds an owner, and returns the wait. */
GREEN_API green_async_wait *green_async_wait_retain(green_async_wait *wait);

/* Releases the wait, which the last release frees. Between a call that has returned 0 and
 * done(), it must have an owner. NULL does nothing. */
GREEN_API void green_async_wait_release(green_async_wait *GREEN_NULLABLE wait);

/* Ends the wait with -ECANCELED: done() is called before this returns. A wait that was served
 * keeps its result. If the wait has not begun, the call that begins it returns -ECANCELED. */
GREEN_API void green_async_wait_cancel(green_async_wait *wait);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
