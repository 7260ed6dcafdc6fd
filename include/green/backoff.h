/* Backoff: how long to wait between attempts that fail.
 *
 *     green_backoff backoff = {.first = 50 * GREEN_MILLISECOND, .longest = 10 * GREEN_SECOND};
 *     int error;
 *     for (int attempt = 1; (error = fetch(url)) == -ECONNREFUSED && attempt < 5; attempt++)
 *         if ((error = green_sleep(green_backoff_next(&backoff))) < 0)
 *             break;
 *
 * Each delay is random, from 0 up to a limit that doubles with each attempt ("full jitter"). So
 * clients that failed together do not come back together. Do not retry after an interrupt. */
#ifndef GREEN_BACKOFF_H
#define GREEN_BACKOFF_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* In memory of the caller. A field of 0 selects the default. There is nothing to free. To begin
 * again after a success, set limit to 0. */
typedef struct green_backoff {
    /* Nanoseconds: the limit of the first delay. Default: 100 ms. Negative: no delay. */
    int64_t first;
    /* Nanoseconds: the maximum of the limit. Default: 30 s. Negative: no maximum. */
    int64_t longest;
    /* The state of the random numbers. Default: one from the system. Set it in tests to get the
     * same delays in every run. */
    uint64_t seed;
    /* The limit of the next delay. Green's; 0 at first. */
    int64_t limit;
} green_backoff;

/* Returns the next delay in nanoseconds, for green_sleep(): 0 up to the limit. Does not block. Any
 * OS thread, one at a time. */
GREEN_API int64_t green_backoff_next(green_backoff *backoff);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
