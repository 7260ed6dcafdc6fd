/* pthread_join. No descriptor tells of the end of an OS thread, so it is asked
 * for, less and less often. */
#include "lot.h"

static const int64_t LOOK_FIRST = 100 * 1000, LOOK_LAST = 10 * 1000 * 1000;

static int join_parking(green_hub *hub, pthread_t thread, void **result, const green_until *until) {
    green_parked parked;
    int64_t pause = LOOK_FIRST;
    int error = pthread_tryjoin_np(thread, result), ended = 0;
    if (error != EBUSY)
        return error;
    green__lot_enter(hub, &parked, &parked, "the end of a native thread");
    while (error == EBUSY && ended != -EINTR && !(until && green__left_until(until) <= 0)) {
        ended = green__lot_sleep(hub, &parked, green__moment(pause), until != NULL);
        error = pthread_tryjoin_np(thread, result);
        pause = pause * 2 < LOOK_LAST ? pause * 2 : LOOK_LAST;
    }
    green__lot_leave(&parked);
    if (error == EBUSY && ended == -EINTR)
        (void)green__deliver(hub->current);
    return error == EBUSY ? ETIMEDOUT : error;
}

int green__green_pthread_join(pthread_t thread, void **result) {
    green_hub *hub = green__may_park();
    bool is_refused = thread == pthread_self();
    return hub && !is_refused ? join_parking(hub, thread, result, NULL) : green__real.pthread_join(thread, result);
}

int green__green_pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *time) {
    green_hub *hub = green__is_time(time) ? green__may_park() : NULL;
    bool is_known = clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
    if (!hub || !is_known)
        return green__real.pthread_clockjoin_np(thread, result, clock, time);
    return join_parking(hub, thread, result, &(green_until){clock, green__nanoseconds_of(time)});
}

int green__green_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *time) {
    green_hub *hub = green__is_time(time) ? green__may_park() : NULL;
    if (!hub)
        return green__real.pthread_timedjoin_np(thread, result, time);
    return join_parking(hub, thread, result, &(green_until){CLOCK_REALTIME, green__nanoseconds_of(time)});
}
