/* Timeouts: limits on everything that a green thread does from here on.
 *
 *     green_timeout *limit;
 *     int error = green_timeout_start_scope(&limit, 5 * GREEN_SECOND);
 *     if (error == 0) {
 *         error = fetch_with_retries(url);
 *         if (error == -ETIME && green_timeout_has_fired(limit))
 *             error = use_cached(url);
 *         green_timeout_free(limit);
 *     }
 *
 * A scope holds: once its time is over, every blocking call of the thread returns -ETIME until
 * green_timeout_free(). A loop that tries again cannot outlive it, as with Trio's cancel scopes
 * and Go's contexts. A plain timeout ends one call, as Eventlet's Timeout does, which also
 * starts when it is created.
 *
 * Timeouts nest; green_timeout_has_fired() distinguishes them. If several scopes have expired,
 * the outermost ends the call. A call whose own timeout argument has passed returns
 * -ETIMEDOUT. Code that never blocks is not interrupted. A shield keeps the timeouts around it
 * away from clean-up code: see shield.h. */
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

/* Starts a scope for the current green thread. After the given nanoseconds, the blocking call
 * that the thread is in, and each later one, returns -ETIME until the scope is freed. 0: from
 * the start; a negative number: never. The calls may let other threads run before they fail.
 *
 * The caller owns the handle, and must free it with green_timeout_free() where the limited code
 * ends. Threads that the thread spawns are not limited. Locks and condition variables of patched
 * code, which cannot fail, return early once, not each time. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_timeout_start_scope(green_timeout **timeout, int64_t nanoseconds);

/* Does the same with the time at which the scope expires, as green_now() returns it. A time in
 * the past: from the start; a negative number: never. */
GREEN_API GREEN_CHECK int green_timeout_start_scope_until(green_timeout **timeout, int64_t deadline);

/* Stops and frees the timeout. If it has fired but has not ended a call yet, it never
 * will. On another OS thread than the one that started the timeout, this takes effect
 * soon after the call, on the hub of that OS thread. */
GREEN_API void green_timeout_free(green_timeout *GREEN_NULLABLE timeout);

/* Whether the timeout can still end a call. A plain one cannot after it has ended one. None can
 * after its thread has ended, or if it never fires. */
GREEN_API bool green_timeout_is_pending(const green_timeout *timeout);

/* Whether this timeout has ended a call with -ETIME. It may have done so in code that ignored
 * the error. */
GREEN_API bool green_timeout_has_fired(const green_timeout *timeout);

/* Returns the nanoseconds that it was started with, or that were left until its deadline. Negative:
 * it never fires. */
GREEN_API int64_t green_timeout_length(const green_timeout *timeout);

/* A number that is unique within the process, from 1. It stays valid after the handle
 * is freed. */
GREEN_API uint64_t green_timeout_id(const green_timeout *timeout);

/* The id of the timeout that last ended a call of the current thread, or 0. Stores the
 * length of that timeout in *nanoseconds. */
GREEN_API uint64_t green_timeout_last(int64_t *GREEN_NULLABLE nanoseconds);

/* Whether the id is that of a scope that has expired, and that the current thread has not freed
 * yet: each blocking call fails. Code inside the scope that gets -ETIME distinguishes by it a
 * limit of its own, after which it may continue, from one around it. */
GREEN_API bool green_timeout_encloses(uint64_t id);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
