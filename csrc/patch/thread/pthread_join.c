/* pthread_join. No descriptor tells of the end of an OS thread, so it is asked
 * for, less and less often. A green thread tells of its own. */
#include "../lock/parking_lot.h"
#include "pthread.h"

static const int64_t LOOK_FIRST = 100 * 1000, LOOK_LAST = 10 * 1000 * 1000;

/* Until a time that is long past: what the C library checks it checks all the same. */
static int try_join(pthread_t thread, void **result) {
    int error = green__real.pthread_timedjoin_np(thread, result, &(struct timespec){0, 0});
    return error == ETIMEDOUT ? EBUSY : error;
}

static int join_in_lot(green_hub *hub, pthread_t thread, void **result, const green_clock_deadline *until) {
    green_parking_lot_waiter parked;
    int64_t pause = LOOK_FIRST;
    int error = EBUSY, ended = 0;
    green__parking_lot_enter(hub, &parked, &thread, "the end of a native thread"); /* an address that nobody wakes */
    while (error == EBUSY && ended != -EINTR && !green__clock_deadline_passed(until)) {
        ended = green__parking_lot_sleep(hub, &parked, green__deadline_of_next_poll(pause, until), until != NULL);
        error = try_join(thread, result);
        pause = green__next_poll_interval(pause, LOOK_LAST);
    }
    green__parking_lot_leave(&parked);
    if (error == EBUSY && ended == -EINTR)
        green__parking_lot_deliver(hub);
    return error;
}

static int join_parking(green_hub *hub, pthread_t thread, void **result, const green_clock_deadline *until) {
    int error = try_join(thread, result);
    if (error == EBUSY)
        error = join_in_lot(hub, thread, result, until);
    return error == EBUSY ? ETIMEDOUT : error;
}

static int join_natively(pthread_t thread, void **result) {
    green_hub *hub = green__may_park_here();
    return hub ? join_parking(hub, thread, result, NULL) : green__real.pthread_join(thread, result);
}

int green__green_pthread_join(pthread_t thread, void **result) {
    return green__pthread_is_green(thread) ? green__pthread_join(thread, result, NULL) : join_natively(thread, result);
}

int green__green_pthread_tryjoin_np(pthread_t thread, void **result) {
    const green_pthread *posix = green__pthread_of(thread);
    if (!green__pthread_is_green(thread))
        return green__real.pthread_tryjoin_np(thread, result);
    return posix && !green__pthread_has_ended(posix) ? EBUSY : green__pthread_join(thread, result, NULL);
}

/* No time at all is for ever. */
static int join_until(pthread_t thread, void **result, clockid_t clock, const struct timespec *time) {
    if (time && !(green__clock_is_supported(clock) && green__timespec_is_valid(time)))
        return EINVAL;
    green_clock_deadline until = {clock, time ? green__timespec_nanoseconds(time) : 0};
    return green__pthread_join(thread, result, time ? &until : NULL);
}

int green__green_pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *time) {
    green_hub *hub = green__clock_is_supported(clock) && green__timespec_is_valid(time) ? green__may_park_here() : NULL;
    if (green__pthread_is_green(thread))
        return join_until(thread, result, clock, time);
    if (!hub)
        return green__real.pthread_clockjoin_np(thread, result, clock, time);
    return join_parking(hub, thread, result, &(green_clock_deadline){clock, green__timespec_nanoseconds(time)});
}

int green__green_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *time) {
    green_hub *hub = green__timespec_is_valid(time) ? green__may_park_here() : NULL;
    if (green__pthread_is_green(thread))
        return join_until(thread, result, CLOCK_REALTIME, time);
    if (!hub)
        return green__real.pthread_timedjoin_np(thread, result, time);
    return join_parking(hub, thread, result,
                        &(green_clock_deadline){CLOCK_REALTIME, green__timespec_nanoseconds(time)});
}
