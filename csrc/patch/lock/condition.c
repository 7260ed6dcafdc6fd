/* Condition variables. Green threads wait in the parking lot, OS threads in the C library. A
 * signal wakes one of each: POSIX allows a wait to end without a signal. */
#include "../cancellation.h"
#include "parking_lot.h"

/* Bits of glibc's __wrefs. */
enum { IS_SHARED = 1, IS_MONOTONIC = 2 };

static bool is_shared(const pthread_cond_t *condition) {
    return __atomic_load_n(&condition->__data.__wrefs, __ATOMIC_RELAXED) & IS_SHARED;
}

/* NULL if the C library has to wait: another process would wake no green thread. */
static green_hub *hub_for(const pthread_cond_t *condition) {
    return is_shared(condition) ? NULL : green__may_park_here();
}

static clockid_t clock_of(const pthread_cond_t *condition) {
    bool is_monotonic = __atomic_load_n(&condition->__data.__wrefs, __ATOMIC_RELAXED) & IS_MONOTONIC;
    return is_monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

/* Returns 0, ETIMEDOUT or -EINTR. */
static int sleep_until(green_hub *hub, green_parking_lot_waiter *waiter, const green_clock_deadline *deadline) {
    for (;;) {
        int64_t next = green__clock_deadline_next_check(deadline);
        int ended = green__parking_lot_sleep(hub, waiter, next, green__parking_lot_interrupts_of(deadline));
        if (ended != -ETIMEDOUT)
            return ended;
        if (green__clock_deadline_passed(deadline))
            return ETIMEDOUT;
    }
}

static int wait_parking(green_hub *hub, pthread_cond_t *condition, pthread_mutex_t *mutex,
                        const green_clock_deadline *deadline) {
    green_parking_lot_waiter waiter;
    green__cancellation_point(hub);
    green__parking_lot_enter(hub, &waiter, condition, "a condition variable");
    int error = green__green_pthread_mutex_unlock(mutex);
    int ended = error == 0 ? sleep_until(hub, &waiter, deadline) : 0;
    if (green__parking_lot_leave(&waiter)) {
        if (ended == 0)
            green__parking_lot_wake(condition, false); /* it was woken again, instead of another waiter */
        ended = 0;
    }
    if (error != 0)
        return error;
    error = green__green_pthread_mutex_lock(mutex);
    if (ended == -EINTR) {
        green__cancellation_point(hub); /* its handlers expect to hold the mutex */
        green__parking_lot_deliver(hub);
    }
    return error ? error : ended ? ETIMEDOUT : 0;
}

int green__green_pthread_cond_wait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex) {
    green_hub *hub = hub_for(condition);
    return hub ? wait_parking(hub, condition, mutex, NULL) : green__real.pthread_cond_wait(condition, mutex);
}

int green__green_pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                        const struct timespec *restrict time) {
    green_hub *hub = green__timespec_is_valid(time) ? hub_for(condition) : NULL;
    if (!hub)
        return green__real.pthread_cond_timedwait(condition, mutex, time);
    green_clock_deadline deadline = green__clock_deadline_of(clock_of(condition), time);
    return wait_parking(hub, condition, mutex, &deadline);
}

int green__green_pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                        clockid_t clock, const struct timespec *restrict time) {
    green_hub *hub = green__clock_deadline_is_valid(clock, time) ? hub_for(condition) : NULL;
    if (!hub)
        return green__real.pthread_cond_clockwait(condition, mutex, clock, time);
    green_clock_deadline deadline = green__clock_deadline_of(clock, time);
    return wait_parking(hub, condition, mutex, &deadline);
}

int green__green_pthread_cond_signal(pthread_cond_t *condition) {
    green__parking_lot_wake(condition, false);
    return green__real.pthread_cond_signal(condition);
}

int green__green_pthread_cond_broadcast(pthread_cond_t *condition) {
    green__parking_lot_wake(condition, true);
    return green__real.pthread_cond_broadcast(condition);
}
