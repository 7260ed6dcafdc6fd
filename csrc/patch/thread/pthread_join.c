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

static int join_in_lot(green_hub *hub, pthread_t thread, void **result, const green_until *until) {
    green_parked parked;
    int64_t pause = LOOK_FIRST;
    int error = EBUSY, ended = 0;
    green__lot_enter(hub, &parked, &thread, "the end of a native thread"); /* an address that nobody wakes */
    while (error == EBUSY && ended != -EINTR && !green__is_over(until)) {
        ended = green__lot_sleep(hub, &parked, green__look_after(pause, until), until != NULL);
        error = try_join(thread, result);
        pause = green__longer(pause, LOOK_LAST);
    }
    green__lot_leave(&parked);
    if (error == EBUSY && ended == -EINTR)
        green__lot_deliver(hub);
    return error;
}

static int join_parking(green_hub *hub, pthread_t thread, void **result, const green_until *until) {
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
    return green__is_green_id(thread) ? green__posix_join(thread, result, NULL) : join_natively(thread, result);
}

int green__green_pthread_tryjoin_np(pthread_t thread, void **result) {
    const green_posix *posix = green__posix_of(thread);
    if (!green__is_green_id(thread))
        return green__real.pthread_tryjoin_np(thread, result);
    return posix && !green__posix_is_finished(posix) ? EBUSY : green__posix_join(thread, result, NULL);
}

/* No time at all is for ever. */
static int join_until(pthread_t thread, void **result, clockid_t clock, const struct timespec *time) {
    if (time && !(green__is_clock(clock) && green__is_moment(time)))
        return EINVAL;
    green_until until = {clock, time ? green__nanoseconds_of(time) : 0};
    return green__posix_join(thread, result, time ? &until : NULL);
}

int green__green_pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *time) {
    green_hub *hub = green__is_clock(clock) && green__is_moment(time) ? green__may_park_here() : NULL;
    if (green__is_green_id(thread))
        return join_until(thread, result, clock, time);
    if (!hub)
        return green__real.pthread_clockjoin_np(thread, result, clock, time);
    return join_parking(hub, thread, result, &(green_until){clock, green__nanoseconds_of(time)});
}

int green__green_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *time) {
    green_hub *hub = green__is_moment(time) ? green__may_park_here() : NULL;
    if (green__is_green_id(thread))
        return join_until(thread, result, CLOCK_REALTIME, time);
    if (!hub)
        return green__real.pthread_timedjoin_np(thread, result, time);
    return join_parking(hub, thread, result, &(green_until){CLOCK_REALTIME, green__nanoseconds_of(time)});
}
