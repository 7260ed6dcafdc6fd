/* sleep(), usleep(), nanosleep() and clock_nanosleep(). */
#include "../clock.h"
#include "../signal_wait.h"
#include "../wait_fds.h"

/* Parks until the deadline. Returns 0, or the error that ended the wait early. */
static int sleep_to(green_hub *hub, int64_t deadline) {
    green__signals_begin(hub, GREEN_SIGNALS_INTERRUPT);
    int ended = green__wait_fds(hub, NULL, 0, deadline);
    return ended == -ETIMEDOUT ? 0 : ended;
}

static struct timespec rest_of(int64_t left) {
    return green__timespec_of(left < 0 ? 0 : left);
}

/* Returns 0, or -1 with errno and the remaining time in *left. A duration of 0 yields to
 * other green threads, as it lets other OS threads run in the kernel. */
static int sleep_for(green_hub *hub, int64_t nanoseconds, int64_t *left) {
    int error_number = errno;
    *left = 0;
    if (nanoseconds == 0) {
        int error = green_yield();
        return error < 0 ? green__wait_fds_end_failed(hub, error, 0) : 0;
    }
    int64_t deadline = green__deadline_after(nanoseconds);
    int ended = sleep_to(hub, deadline);
    if (ended < 0) {
        *left = deadline - green_now();
        return green__wait_fds_end_failed(hub, ended, 0);
    }
    errno = error_number;
    return 0;
}

int green__green_nanosleep(const struct timespec *time, struct timespec *rest) {
    green_hub *hub = green__may_park();
    int64_t left;
    if (!hub || !green__timespec_is_duration(time))
        return green__real.nanosleep(time, rest);
    int result = sleep_for(hub, green__timespec_nanoseconds(time), &left);
    if (result < 0 && rest)
        *rest = rest_of(left);
    return result;
}

/* Sleeps until a time of a clock. Checks the clock every second, because it may be set. */
static int sleep_until(green_hub *hub, const green_clock_deadline *until) {
    for (int64_t left, rest; (left = green__clock_deadline_left(until)) > 0;)
        if (sleep_for(hub, left < GREEN_SECOND ? left : GREEN_SECOND, &rest) < 0)
            return -1;
    return 0;
}

/* Returns its error and does not change errno. */
int green__green_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *rest) {
    green_hub *hub = green__may_park();
    bool is_known = green__clock_is_supported(clock) || clock == CLOCK_BOOTTIME;
    if (!hub || !is_known || !green__timespec_is_duration(time) || (flags & ~TIMER_ABSTIME))
        return green__real.clock_nanosleep(clock, flags, time, rest);
    int error_number = errno, error;
    int64_t left = 0;
    green_clock_deadline until = green__clock_deadline_of(clock, time);
    if (flags & TIMER_ABSTIME)
        error = sleep_until(hub, &until) < 0 ? errno : 0;
    else
        error = sleep_for(hub, green__timespec_nanoseconds(time), &left) < 0 ? errno : 0;
    if (error && rest && !(flags & TIMER_ABSTIME))
        *rest = rest_of(left);
    errno = error_number;
    return error;
}

int green__green_usleep(useconds_t microseconds) {
    green_hub *hub = green__may_park();
    int64_t left;
    return hub ? sleep_for(hub, (int64_t)microseconds * GREEN_MICROSECOND, &left) : green__real.usleep(microseconds);
}

/* Rounds the remaining time to seconds. */
unsigned green__green_sleep(unsigned seconds) {
    green_hub *hub = green__may_park();
    int64_t left;
    if (!hub)
        return green__real.sleep(seconds);
    if (sleep_for(hub, seconds * GREEN_SECOND, &left) == 0)
        return 0;
    return (unsigned)((left + GREEN_SECOND / 2) / GREEN_SECOND);
}
