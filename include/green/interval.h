/* Intervals: ticks at a fixed distance that do not drift.
 *
 *     green_interval interval;
 *     int error = green_interval_start(&interval, GREEN_SECOND, GREEN_SKIP_MISSED);
 *     while (error == 0 && (error = green_interval_next(&interval, NULL)) == 0)
 *         error = publish();
 *
 * A loop of work and green_sleep() takes the time of both in each round. The ticks of an interval
 * are at multiples of the period after its start, however long the work takes. */
#ifndef GREEN_INTERVAL_H
#define GREEN_INTERVAL_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* What happens if the work between two ticks takes so long that ticks are missed. The first tick
 * that was missed is always taken late, at once. The difference is in the ticks after it. Times
 * in periods, with work from 1.0 to 3.5:
 *
 *                       ticks taken at
 *   GREEN_SKIP_MISSED   1, 3.5, 4, 5, 6          missed ticks are left out
 *   GREEN_BURST_MISSED  1, 3.5, 3.5, 4, 5, 6     missed ticks are made up for, without a wait
 *   GREEN_DELAY_MISSED  1, 3.5, 4.5, 5.5, 6.5    the ticks move: at least a period between two
 */
typedef enum green_missed_ticks {
    GREEN_SKIP_MISSED,
    GREEN_BURST_MISSED,
    GREEN_DELAY_MISSED,
} green_missed_ticks;

/* The state of an interval, in memory of the caller. There is nothing to free. One green thread
 * at a time may use it. The fields are Green's. */
typedef struct green_interval {
    int64_t period; /* nanoseconds */
    int64_t due;    /* the time of the next tick */
    green_missed_ticks missed;
} green_interval;

/* Starts an interval, or starts it again. The first tick is a period from now. A period of
 * INT64_MAX never ends. Does not block.
 *
 * Returns 0, or -EINVAL: the period is less than a nanosecond, or missed is none of the
 * constants. Any OS thread. */
GREEN_API GREEN_CHECK int green_interval_start(green_interval *interval, int64_t period, green_missed_ticks missed);

/* Blocks until the next tick, and stores the time at which it was due in *tick. tick may be
 * NULL. If the tick is due already, lets the ready threads run once, like green_yield().
 *
 * Returns 0, or the errors of green_sleep(). After an error the tick is not taken: the next call
 * waits for the same one. */
GREEN_API GREEN_CHECK int green_interval_next(green_interval *interval, int64_t *GREEN_NULLABLE tick);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
