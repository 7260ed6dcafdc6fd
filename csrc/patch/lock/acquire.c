#include "acquire.h"

#include "../../core/schedule.h"
#include "../signal_wait.h"
#include "parking_lot.h"

static int try_blocking(void *lock, green_try_acquire *attempt, const green_clock_deadline *deadline) {
    int error;
    while ((error = attempt(lock)) == EBUSY && !green__clock_deadline_passed(deadline))
        (void)green__block_briefly(GREEN_NEVER);
    return error;
}

/* A waiter tries again at intervals even if it is not woken, because the lock may be released by an
 * object that is not patched, or by another process. */
static int try_parking(green_hub *hub, green_parking_lot_waiter *waiter, void *lock, green_try_acquire *attempt,
                       const green_clock_deadline *deadline, green_parking_lot_interrupts interrupts) {
    int64_t interval = GREEN_POLL_FIRST;
    for (int error, ended = 0;;) {
        if ((error = attempt(lock)) != EBUSY || ended == -EINTR || green__clock_deadline_passed(deadline))
            return error;
        if (ended == -ERESTART)
            return EINTR;
        ended = green__parking_lot_sleep(hub, waiter, green__deadline_of_next_poll(interval, deadline), interrupts);
        interval = green__next_poll_interval(interval, GREEN_POLL_LONGEST);
    }
}

static int try_in_lot(green_hub *hub, void *lock, green_try_acquire *attempt, const green_clock_deadline *deadline,
                      green_signal_class signals) {
    green_parking_lot_waiter waiter;
    green__parking_lot_enter(hub, &waiter, lock, "a lock");
    green__signals_begin(hub, signals);
    green_parking_lot_interrupts interrupts = deadline ? GREEN_PARK_INTERRUPTIBLE : GREEN_PARK_UNINTERRUPTIBLE;
    if (signals != GREEN_SIGNALS_IGNORED) /* a cancellation point */
        interrupts = green__parking_lot_interrupts_of(deadline);
    int error = try_parking(hub, &waiter, lock, attempt, deadline, interrupts);
    if (!green__parking_lot_leave(&waiter))
        return error;
    /* It was woken once more, perhaps instead of another waiter: use the wake-up or pass it on. */
    if (error == EBUSY)
        error = attempt(lock);
    if (error != EBUSY)
        green__parking_lot_wake(lock, false);
    return error;
}

int green__parking_lot_acquire(green_hub *hub, void *lock, green_try_acquire *attempt,
                               const green_clock_deadline *deadline, green_signal_class signals) {
    /* Fairness: without this, a thread that releases and acquires a lock in a loop would keep
     * woken waiters of its OS thread out forever. Other OS threads compete by themselves. */
    while (green__parking_lot_has_pending_wakeup(hub, lock))
        green__yield(hub);
    int error = attempt(lock);
    if (error != EBUSY)
        return error;
    if (GREEN_UNLIKELY(green__cannot_park(hub)))
        error = try_blocking(lock, attempt, deadline);
    else
        error = try_in_lot(hub, lock, attempt, deadline, signals);
    if (error != EBUSY)
        return error;
    green__parking_lot_deliver(hub);
    return ETIMEDOUT;
}
