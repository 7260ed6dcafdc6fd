/* Timeouts: limits on everything that a green thread does from here on.
 *
 *     green_timeout *limit;
 *     int error = green_timeout_start(&limit, 5 * GREEN_SECOND);
 *     if (error == 0)
 *         error = fetch(url);
 *     if (error == -ETIME && green_timeout_has_fired(limit))
 *         error = use_cached(url);
 *     green_timeout_free(limit);
 *
 * Corresponds to Eventlet's Timeout, which also starts when it is created. Timeouts
 * nest; green_timeout_has_fired() distinguishes them. The blocking call that a
 * timeout ends returns -ETIME. A call whose own timeout argument has passed returns
 * -ETIMEDOUT. Code that never blocks is not interrupted. */
#ifndef GREEN_TIMEOUT_H
#define GREEN_TIMEOUT_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_timeout green_timeout;

/* Starts a timeout for the current green thread. After the given nanoseconds, the
 * blocking call that the thread is in, or its next one, returns -ETIME, once. 0 ends
 * the next call that blocks; a negative number never fires. The caller owns the handle
 * and must free it with green_timeout_free(). If the thread ends first, the timeout
 * does nothing. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_timeout_start(green_timeout **timeout, int64_t nanoseconds);

/* Same as green_timeout_start(), with a reason that the thread can get by
 * green_reason() after the timeout has ended a call. The timeout owns reason, also if
 * this call fails. discard(reason) is called if nothing gets the reason. */
GREEN_API GREEN_CHECK int green_timeout_start_with(green_timeout **timeout, int64_t nanoseconds,
                                                   void *GREEN_NULLABLE reason,
                                                   void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE reason));

/* Stops and frees the timeout. If it has fired but has not ended a call yet, it never
 * will. On another OS thread than the one that started the timeout, this takes effect
 * soon after the call, on the hub of that OS thread. */
GREEN_API void green_timeout_free(green_timeout *GREEN_NULLABLE timeout);

/* Whether the timeout can still end a call. It cannot after it has ended one, after
 * its thread has ended, or if it never fires. */
GREEN_API bool green_timeout_is_pending(const green_timeout *timeout);

/* Whether this timeout has ended a call with -ETIME. */
GREEN_API bool green_timeout_has_fired(const green_timeout *timeout);

/* A number that is unique within the process, from 1. It stays valid after the handle
 * is freed. */
GREEN_API uint64_t green_timeout_id(const green_timeout *timeout);

/* The id of the timeout that last ended a call of the current thread, or 0. Stores the
 * length of that timeout in *nanoseconds. */
GREEN_API uint64_t green_timeout_last(int64_t *GREEN_NULLABLE nanoseconds);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
