/* Locks, by trying. */
#include "parking_lot.h"

/* How often whoever waits tries it all the same: it may be given back by an object
 * that is not patched, or by another process. */
static const int64_t LOOK_FIRST = 1000 * 1000, LOOK_LAST = 50 * 1000 * 1000;

static int try_in_place(void *address, green_try_acquire *attempt, const green_clock_deadline *until) {
    int error;
    while ((error = attempt(address)) == EBUSY && !green__clock_deadline_passed(until))
        (void)green__block_briefly(GREEN_NEVER);
    return error;
}

static int try_parking(green_hub *hub, green_parking_lot_waiter *parked, green_try_acquire *attempt,
                       const green_clock_deadline *until) {
    void *address = (void *)parked->address;
    int64_t pause = LOOK_FIRST;
    for (int error, ended = 0;;) {
        if ((error = attempt(address)) != EBUSY || ended == -EINTR || green__clock_deadline_passed(until))
            return error;
        ended = green__parking_lot_sleep(hub, parked, green__deadline_of_next_poll(pause, until), until != NULL);
        pause = green__next_poll_interval(pause, LOOK_LAST);
    }
}

static int try_in_lot(green_hub *hub, void *address, green_try_acquire *attempt, const green_clock_deadline *until) {
    green_parking_lot_waiter parked;
    green__parking_lot_enter(hub, &parked, address, "a lock");
    int error = try_parking(hub, &parked, attempt, until);
    if (!green__parking_lot_leave(&parked))
        return error;
    /* It has been woken once more, perhaps in place of another. */
    if (error == EBUSY)
        error = attempt(address);
    if (error != EBUSY)
        green__parking_lot_wake(address, false);
    return error;
}

int green__parking_lot_acquire(green_hub *hub, void *address, green_try_acquire *attempt,
                               const green_clock_deadline *until) {
    /* Whoever has been woken would be late for ever where its last owner takes it
     * again at once. Those of other OS threads have a chance of their own. */
    while (green__parking_lot_has_pending_wakeup(hub, address))
        green__yield(hub);
    int error = attempt(address);
    if (error != EBUSY)
        return error;
    if (GREEN_UNLIKELY(green__cannot_park(hub)))
        error = try_in_place(address, attempt, until);
    else
        error = try_in_lot(hub, address, attempt, until);
    if (error != EBUSY)
        return error;
    green__parking_lot_deliver(hub);
    return ETIMEDOUT;
}
