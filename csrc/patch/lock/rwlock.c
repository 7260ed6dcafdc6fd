/* Read-write locks. */
#include "acquire.h"
#include "parking_lot.h"

static int attempt_read(void *lock) {
    return pthread_rwlock_tryrdlock(lock);
}

static int attempt_write(void *lock) {
    return pthread_rwlock_trywrlock(lock);
}

int green__green_pthread_rwlock_rdlock(pthread_rwlock_t *lock) {
    green_hub *hub = green__may_park();
    return hub ? green__parking_lot_acquire(hub, lock, attempt_read, NULL, GREEN_SIGNALS_IGNORED)
               : green__real.pthread_rwlock_rdlock(lock);
}

int green__green_pthread_rwlock_wrlock(pthread_rwlock_t *lock) {
    green_hub *hub = green__may_park();
    return hub ? green__parking_lot_acquire(hub, lock, attempt_write, NULL, GREEN_SIGNALS_IGNORED)
               : green__real.pthread_rwlock_wrlock(lock);
}

int green__green_pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict lock, clockid_t clock,
                                            const struct timespec *restrict time) {
    green_hub *hub = green__clock_deadline_is_valid(clock, time) ? green__may_park() : NULL;
    if (!hub)
        return green__real.pthread_rwlock_clockrdlock(lock, clock, time);
    green_clock_deadline deadline = green__clock_deadline_of(clock, time);
    return green__parking_lot_acquire(hub, lock, attempt_read, &deadline, GREEN_SIGNALS_IGNORED);
}

int green__green_pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict lock, clockid_t clock,
                                            const struct timespec *restrict time) {
    green_hub *hub = green__clock_deadline_is_valid(clock, time) ? green__may_park() : NULL;
    if (!hub)
        return green__real.pthread_rwlock_clockwrlock(lock, clock, time);
    green_clock_deadline deadline = green__clock_deadline_of(clock, time);
    return green__parking_lot_acquire(hub, lock, attempt_write, &deadline, GREEN_SIGNALS_IGNORED);
}

int green__green_pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict time) {
    return green__green_pthread_rwlock_clockrdlock(lock, CLOCK_REALTIME, time);
}

int green__green_pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict time) {
    return green__green_pthread_rwlock_clockwrlock(lock, CLOCK_REALTIME, time);
}

int green__green_pthread_rwlock_unlock(pthread_rwlock_t *lock) {
    int error = green__real.pthread_rwlock_unlock(lock);
    if (error == 0)
        green__parking_lot_wake(lock, true);
    return error;
}
