/* pthread_join() and similar calls. The end of an OS thread sends no notification that can be
 * waited for, so it is polled at growing intervals. */
#include "../cancellation.h"
#include "../lock/parking_lot.h"

#include "green_join.h"
#include "pthread.h"

static const int64_t INTERVAL_FIRST = 100 * 1000, INTERVAL_MAX = 10 * 1000 * 1000;

/* With a deadline in the past, so that the C library still checks the arguments. */
static int try_join(pthread_t thread, void **result) {
    int error = green__real.pthread_timedjoin_np(thread, result, &(struct timespec){0, 0});
    return error == ETIMEDOUT ? EBUSY : error;
}

static int join_in_lot(green_hub *hub, pthread_t thread, void **result, const green_clock_deadline *deadline) {
    green_parking_lot_waiter waiter;
    int64_t interval = INTERVAL_FIRST;
    int error = EBUSY, ended = 0;
    green__parking_lot_enter(hub, &waiter, &thread, "the end of an OS thread"); /* no wake-up uses this address */
    while (error == EBUSY && ended != -EINTR && !green__clock_deadline_passed(deadline)) {
        ended = green__parking_lot_sleep(hub, &waiter, green__deadline_of_next_poll(interval, deadline),
                                         green__parking_lot_interrupts_of(deadline));
        error = try_join(thread, result);
        interval = green__next_poll_interval(interval, INTERVAL_MAX);
    }
    green__parking_lot_leave(&waiter);
    if (error == EBUSY && ended == -EINTR) {
        green__cancellation_point(hub);
        green__parking_lot_deliver(hub);
    }
    return error;
}

static int join_os_thread_until(green_hub *hub, pthread_t thread, void **result, const green_clock_deadline *deadline) {
    int error = try_join(thread, result);
    if (error == EBUSY)
        error = join_in_lot(hub, thread, result, deadline);
    return error == EBUSY ? ETIMEDOUT : error;
}

static int join_os_thread(pthread_t thread, void **result) {
    green_hub *hub = green__may_park_here();
    return hub ? join_os_thread_until(hub, thread, result, NULL) : green__real.pthread_join(thread, result);
}

int green__green_pthread_join(pthread_t thread, void **result) {
    return green__pthread_is_green(thread) ? green__pthread_join(thread, result, NULL) : join_os_thread(thread, result);
}

int green__green_pthread_tryjoin_np(pthread_t thread, void **result) {
    const green_pthread *pthread = green__pthread_of(thread);
    if (!green__pthread_is_green(thread))
        return green__real.pthread_tryjoin_np(thread, result);
    return pthread && !green__pthread_has_ended(pthread) ? EBUSY : green__pthread_join(thread, result, NULL);
}

/* Waits forever if time is NULL. */
static int join_until(pthread_t thread, void **result, clockid_t clock, const struct timespec *time) {
    if (time && !(green__clock_deadline_is_valid(clock, time)))
        return EINVAL;
    if (!time)
        return green__pthread_join(thread, result, NULL);
    green_clock_deadline deadline = green__clock_deadline_of(clock, time);
    return green__pthread_join(thread, result, &deadline);
}

int green__green_pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *time) {
    green_hub *hub = green__clock_deadline_is_valid(clock, time) ? green__may_park_here() : NULL;
    if (green__pthread_is_green(thread))
        return join_until(thread, result, clock, time);
    if (!hub)
        return green__real.pthread_clockjoin_np(thread, result, clock, time);
    green_clock_deadline deadline = green__clock_deadline_of(clock, time);
    return join_os_thread_until(hub, thread, result, &deadline);
}

int green__green_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *time) {
    green_hub *hub = green__timespec_is_valid(time) ? green__may_park_here() : NULL;
    if (green__pthread_is_green(thread))
        return join_until(thread, result, CLOCK_REALTIME, time);
    if (!hub)
        return green__real.pthread_timedjoin_np(thread, result, time);
    green_clock_deadline deadline = green__clock_deadline_of(CLOCK_REALTIME, time);
    return join_os_thread_until(hub, thread, result, &deadline);
}
