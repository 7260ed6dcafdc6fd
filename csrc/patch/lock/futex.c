#include "futex.h"

#include "../clock.h"
#include "../signal_wait.h"
#include "parking_lot.h"

#include <linux/futex.h>

static int command_of(const green_futex_call *call) {
    return call->operation & FUTEX_CMD_MASK;
}

bool green__futex_is_wait(const green_futex_call *call) {
    return command_of(call) == FUTEX_WAIT || command_of(call) == FUTEX_WAIT_BITSET;
}

/* FUTEX_WAIT has a duration, and FUTEX_WAIT_BITSET a time. */
static green_clock_deadline deadline_of(const green_futex_call *call) {
    clockid_t clock = call->operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    if (command_of(call) == FUTEX_WAIT_BITSET)
        return green__clock_deadline_of(clock, call->timeout);
    return (green_clock_deadline){GREEN_VIRTUAL_CLOCK,
                                  green__deadline_after(green__timespec_nanoseconds(call->timeout))};
}

static bool has_changed(const green_futex_call *call) {
    return __atomic_load_n(call->address, __ATOMIC_SEQ_CST) != call->value;
}

/* Polls the value, because an object that is not patched, or another process, may have changed it.
 * Returns 0 or an errno. */
static int sleep_until_woken(green_hub *hub, green_parking_lot_waiter *waiter, const green_futex_call *call,
                             const green_clock_deadline *deadline) {
    int64_t interval = GREEN_POLL_FIRST;
    for (;;) {
        int64_t next = green__deadline_of_next_poll(interval, deadline);
        int ended = green__parking_lot_sleep(hub, waiter, next, GREEN_PARK_UNINTERRUPTIBLE);
        if (ended == 0)
            return 0;
        if (ended == -ERESTART)
            return EINTR;
        if (green__clock_deadline_passed(deadline))
            return ETIMEDOUT;
        if (has_changed(call))
            return 0;
        interval = green__next_poll_interval(interval, GREEN_POLL_LONGEST);
    }
}

static int wait_parking(green_hub *hub, const green_futex_call *call, const green_clock_deadline *deadline) {
    green_parking_lot_waiter waiter;
    green__parking_lot_enter(hub, &waiter, call->address, "a futex");
    green__signals_begin(hub, deadline ? GREEN_SIGNALS_INTERRUPT : GREEN_SIGNALS_RESTART);
    int error = has_changed(call) ? EAGAIN : sleep_until_woken(hub, &waiter, call, deadline);
    if (green__parking_lot_leave(&waiter))
        error = 0;
    return error;
}

long green__futex_wait(green_hub *hub, const green_futex_call *call) {
    int error_number = errno;
    if (call->timeout && !green__timespec_is_duration(call->timeout)) {
        errno = EINVAL;
        return -1;
    }
    green_clock_deadline deadline;
    if (call->timeout)
        deadline = deadline_of(call);
    int error = wait_parking(hub, call, call->timeout ? &deadline : NULL);
    errno = error ? error : error_number;
    return error ? -1 : 0;
}

long green__futex_wake(const green_futex_call *call, long woken) {
    int command = command_of(call);
    bool wakes = command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET || command == FUTEX_WAKE_OP ||
                 command == FUTEX_REQUEUE || command == FUTEX_CMP_REQUEUE;
    if (!wakes || woken < 0)
        return woken;
    green__full_fence();
    if (green__parking_lot_is_empty(call->address))
        return woken;
    if (command != FUTEX_WAKE) { /* the others choose among waiters in ways that the lot does not know */
        green__parking_lot_search(call->address, true);
        return woken;
    }
    long limit = (int)call->value;
    while (woken < limit && green__parking_lot_search(call->address, false))
        woken++;
    return woken;
}
