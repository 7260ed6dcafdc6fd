/* Timeouts: a limit on all that a green thread does from here on.
 *
 *     green_timeout *limit;
 *     int error = green_timeout_start(&limit, 5 * GREEN_SECOND);
 *     if (error == 0)
 *         error = fetch(url);
 *     if (error == -ETIME && green_timeout_has_fired(limit))
 *         error = use_cached(url);
 *     green_timeout_free(limit);
 *
 * From Eventlet's Timeout, which starts when it is made. Timeouts nest, and each is
 * told from the others by its handle. The blocking call that one ends returns -ETIME;
 * -ETIMEDOUT is the end of the call's own timeout. Code that never blocks cannot
 * be interrupted. */
#ifndef GREEN_TIMEOUT_H
#define GREEN_TIMEOUT_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_timeout green_timeout;

/* Starts a timeout for the current green thread: once so many nanoseconds are
 * over, the blocking call that the thread is in, or its next one, returns
 * -ETIME, once. Zero fires as soon as the thread blocks; a negative number
 * never. The caller owns the handle and frees it with green_timeout_free(). A timeout
 * that is still pending when its thread ends is dropped silently. -ENOMEM. */
GREEN_API GREEN_CHECK int green_timeout_start(green_timeout **timeout, int64_t nanoseconds);

/* The same with a reason, which the thread reads by green_reason() once the
 * timeout has ended one of its calls. reason is owned by the timeout from here
 * on, also on failure; discard(reason) is called when it is not read. */
GREEN_API GREEN_CHECK int green_timeout_start_with(green_timeout **timeout, int64_t nanoseconds,
                                                   void *GREEN_NULLABLE reason,
                                                   void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE reason));

/* Stops it, and frees it. One that has fired but has ended no call yet no longer
 * will. On the OS thread that started it; otherwise the process ends with a
 * message. */
GREEN_API void green_timeout_free(green_timeout *GREEN_NULLABLE timeout);

/* Whether it may still end a call: neither has it ended one nor has its thread
 * ended, and it is not one that never fires. */
GREEN_API bool green_timeout_is_pending(const green_timeout *timeout);

/* Whether it is this timeout that has ended a call with -ETIME. */
GREEN_API bool green_timeout_has_fired(const green_timeout *timeout);

/* Unique within the process, from 1; survives the handle. */
GREEN_API uint64_t green_timeout_id(const green_timeout *timeout);

/* The timeout that last ended a call of the current thread, by its id, and the
 * nanoseconds it was started with; 0 when none has. */
GREEN_API uint64_t green_timeout_last(int64_t *GREEN_NULLABLE nanoseconds);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
