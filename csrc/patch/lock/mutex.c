/* pthread_mutex_lock and its like. */
#include "mutex_owner.h"

int green__green_pthread_mutex_lock(pthread_mutex_t *mutex) {
    green_hub *hub = green__may_park();
    if (hub)
        return green__acquire(hub, mutex, green__mutex_attempt, NULL);
    int result = green__mutex_attempt_in_place(mutex);
    return result == EBUSY ? green__real.pthread_mutex_lock(mutex) : result;
}

int green__green_pthread_mutex_trylock(pthread_mutex_t *mutex) {
    return green__mutex_try(mutex);
}

int green__green_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time) {
    green_hub *hub = green__is_clock(clock) && green__is_moment(time) ? green__may_park() : NULL;
    if (hub)
        return green__acquire(hub, mutex, green__mutex_attempt, &(green_until){clock, green__nanoseconds_of(time)});
    int result = green__mutex_attempt_in_place(mutex);
    return result == EBUSY ? green__real.pthread_mutex_clocklock(mutex, clock, time) : result;
}

int green__green_pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict time) {
    return green__green_pthread_mutex_clocklock(mutex, CLOCK_REALTIME, time);
}

int green__green_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    bool is_free;
    int error = green__mutex_give(mutex, &is_free);
    if (error == 0 && is_free)
        green__lot_wake(mutex, false);
    return error;
}
