/* POSIX semaphores. */
#include "../cancellation.h"
#include "acquire.h"
#include "parking_lot.h"

static int attempt(void *semaphore) {
    if (green__real.sem_trywait(semaphore) == 0)
        return 0;
    return errno == EAGAIN ? EBUSY : errno;
}

static int acquire(green_hub *hub, sem_t *semaphore, const green_clock_deadline *deadline) {
    int error_number = errno;
    green_signal_class signals = deadline ? GREEN_SIGNALS_INTERRUPT : GREEN_SIGNALS_RESTART;
    green__cancellation_point(hub);
    int error = green__parking_lot_acquire(hub, semaphore, attempt, deadline, signals);
    if (error != 0)
        green__cancellation_point(hub);
    errno = error ? error : error_number;
    return error ? -1 : 0;
}

int green__green_sem_wait(sem_t *semaphore) {
    green_hub *hub = green__may_park();
    return hub ? acquire(hub, semaphore, NULL) : green__real.sem_wait(semaphore);
}

/* It never waits, but a program may call it in a loop. */
int green__green_sem_trywait(sem_t *semaphore) {
    (void)green__may_park_counted();
    return green__real.sem_trywait(semaphore);
}

int green__green_sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict time) {
    green_hub *hub = green__clock_deadline_is_valid(clock, time) ? green__may_park() : NULL;
    if (!hub)
        return green__real.sem_clockwait(semaphore, clock, time);
    green_clock_deadline deadline = green__clock_deadline_of(clock, time);
    return acquire(hub, semaphore, &deadline);
}

int green__green_sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict time) {
    green_hub *hub = green__timespec_is_valid(time) ? green__may_park() : NULL;
    if (!hub)
        return green__real.sem_timedwait(semaphore, time);
    green_clock_deadline deadline = green__clock_deadline_of(CLOCK_REALTIME, time);
    return acquire(hub, semaphore, &deadline);
}

/* May be called in a signal handler. */
int green__green_sem_post(sem_t *semaphore) {
    int result = green__real.sem_post(semaphore);
    if (result == 0)
        green__parking_lot_wake_from_handler(semaphore);
    return result;
}
