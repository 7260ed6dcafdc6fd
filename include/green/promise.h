/* Promises: one value that any OS thread delivers, once.
 *
 *     static void on_reply(void *context, struct reply *reply) {    a library's OS thread
 *         green_promise *promise = context;
 *         green_promise_send(promise, reply);
 *         green_promise_release(promise);
 *     }
 *
 *     green_promise *promise;
 *     int error = green_promise_make(&promise);
 *     ...
 *     library_request(library, on_reply, green_promise_retain(promise));
 *     void *reply;
 *     error = green_promise_wait(promise, &reply, 5 * GREEN_SECOND);
 *     green_promise_release(promise);
 *
 * All functions may be called on any OS thread, at the same time. On an OS thread without a
 * hub, green_promise_wait() blocks the OS thread. Within one hub, an event does the same at
 * less cost: see event.h. */
#ifndef GREEN_PROMISE_H
#define GREEN_PROMISE_H

#include <green/async_wait.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_promise green_promise;

/* Makes a promise with one owner, the caller. Returns 0, or -ENOMEM. */
GREEN_API GREEN_CHECK int green_promise_make(green_promise **promise);

/* Adds an owner, and returns the promise. */
GREEN_API green_promise *green_promise_retain(green_promise *promise);

/* Releases the promise. The last release frees it; a value that no call returned is lost.
 * NULL does nothing. */
GREEN_API void green_promise_release(green_promise *GREEN_NULLABLE promise);

/* Delivers a value, or an error, a negated errno. Wakes all waiters. Does not block; not
 * in signal handlers.
 *
 * Returns 0, or:
 *   -EALREADY  a value or an error was delivered before
 *   -EINVAL    error is not below 0
 *   -EXDEV     the promise belongs to the process before a fork */
GREEN_API int green_promise_send(green_promise *promise, void *GREEN_NULLABLE value);
GREEN_API int green_promise_fail(green_promise *promise, int error);

/* Blocks until the promise has a value. Any number of threads may wait, any number of times.
 *
 * Returns 0 with *value set, or the error that was delivered, or:
 *   -ETIMEDOUT    nothing was delivered within timeout nanoseconds; with a timeout of 0 the
 *                 call does not wait
 *   -EXDEV        the promise belongs to the process before a fork
 *   -EWOULDBLOCK  it would have to wait, in a link or a destructor
 *   -ENOMEM       no memory for a timer
 *   -ECANCELED, -ETIME
 *                 the calling green thread was interrupted */
GREEN_API GREEN_CHECK int green_promise_wait(green_promise *promise, void *GREEN_NULLABLE *GREEN_NULLABLE value,
                                             int64_t timeout);

/* Does the same without a thread that waits: see async_wait.h. Returns 1 if a value or an error
 * was delivered, 0 if the wait has begun, -ECANCELED or -EXDEV. After 1, or when the wait has
 * ended with 0, green_promise_wait() does not wait. */
GREEN_API GREEN_CHECK int green_promise_wait_async(green_promise *promise, green_async_wait *wait);

/* Whether a value or an error was delivered. */
GREEN_API bool green_promise_is_sent(const green_promise *promise);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
