/* Intervals. A tick is taken after the sleep, so an interrupt leaves it. */
#include "timer.h"

#include <green/interval.h>
#include <green/thread.h>

#include <errno.h>
#include <inttypes.h>

int green_interval_start(green_interval *interval, int64_t period, green_missed_ticks missed) {
    if (period < 1)
        return green__fail(-EINVAL, "cannot start an interval of %" PRId64 " ns: a period is at least 1 ns", period);
    if ((unsigned)missed > GREEN_DELAY_MISSED)
        return green__fail(-EINVAL, "cannot start an interval: %d is no rule for missed ticks", (int)missed);
    *interval = (green_interval){period, green__time_add(green_now(), period), missed};
    return 0;
}

/* The time of the tick after one that was due in the past and is taken now. A wake-up is always a
 * little late: only a call that began too late, or a delay of a whole period, moves the ticks. */
static int64_t next_due(const green_interval *interval, int64_t due, int64_t now, bool began_late) {
    int64_t late = now - due;
    if (interval->missed == GREEN_SKIP_MISSED)
        return green__time_add(now - late % interval->period, interval->period);
    if (interval->missed == GREEN_DELAY_MISSED && (began_late || late >= interval->period))
        return green__time_add(now, interval->period);
    return green__time_add(due, interval->period);
}

int green_interval_next(green_interval *interval, int64_t *tick) {
    int64_t due = interval->due;
    bool began_late = green_now() >= due;
    int error = green_sleep_until(due);
    if (error < 0)
        return error;
    int64_t now = green_now();
    interval->due = next_due(interval, due, now, began_late);
    if (tick)
        *tick = due;
    return 0;
}
