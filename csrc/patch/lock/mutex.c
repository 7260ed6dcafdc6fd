/* pthread_mutex_lock() and similar calls. */
#include "acquire.h"
#include "mutex_owner.h"
#include "parking_lot.h"

/* The common case: a plain mutex for which no thread waits. Returns EBUSY if it is another one. */
static inline int try_lock_plain(pthread_mutex_t *mutex) {
    bool is_plain = !green__mutex_checks_owner(mutex) && green__parking_lot_is_empty(mutex);
    return GREEN_LIKELY(is_plain) ? green__real.pthread_mutex_trylock(mutex) : EBUSY;
}

int green__green_pthread_mutex_lock(pthread_mutex_t *mutex) {
    green_hub *hub = green__may_park();
    int error = GREEN_LIKELY(hub != NULL) ? try_lock_plain(mutex) : EBUSY;
    if (GREEN_LIKELY(error != EBUSY))
        return error;
    if (hub)
        return green__parking_lot_acquire(hub, mutex, green__mutex_owner_try_acquire, NULL, GREEN_SIGNALS_IGNORED);
    int result = green__mutex_owner_try_in_place(mutex);
    return result == EBUSY ? green__real.pthread_mutex_lock(mutex) : result;
}

int green__green_pthread_mutex_trylock(pthread_mutex_t *mutex) {
    return green__mutex_owner_trylock(mutex);
}

int green__green_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time) {
    green_hub *hub = green__clock_deadline_is_valid(clock, time) ? green__may_park() : NULL;
    if (hub) {
        green_clock_deadline deadline = green__clock_deadline_of(clock, time);
        return green__parking_lot_acquire(hub, mutex, green__mutex_owner_try_acquire, &deadline, GREEN_SIGNALS_IGNORED);
    }
    int result = green__mutex_owner_try_in_place(mutex);
    return result == EBUSY ? green__real.pthread_mutex_clocklock(mutex, clock, time) : result;
}

int green__green_pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict time) {
    return green__green_pthread_mutex_clocklock(mutex, CLOCK_REALTIME, time);
}

int green__green_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    bool is_free = true;
    int error = green__mutex_checks_owner(mutex) ? green__mutex_owner_unlock(mutex, &is_free)
                                                 : green__real.pthread_mutex_unlock(mutex);
    if (error == 0 && is_free)
        green__parking_lot_wake_after_atomic(mutex, false);
    return error;
}
