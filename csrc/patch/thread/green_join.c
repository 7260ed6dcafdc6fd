/* The end of a green thread that pthread_create() has made, for those who wait
 * for it: green threads in the lot, on this or any other OS thread, and OS
 * threads that have none. */
#include "../lock/parking_lot.h"
#include "pthread.h"

#include <stdio.h>

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "in a patched call, waiting for the end of a thread");
}

/* Of a thread of the same OS thread, for as long as it takes. */
static int wait_here(green_hub *hub, green_pthread *posix) {
    static const green_wait_kind kind = {NULL, describe};
    green_wait wait;
    green__wait_init(hub, &wait, &kind);
    posix->waiter = &wait;
    green__park(hub, &wait);
    return 0;
}

static int wait_parking(green_hub *hub, const green_pthread *posix, const green_clock_deadline *until) {
    green_parking_lot_waiter parked;
    int ended = 0;
    green__parking_lot_enter(hub, &parked, posix, "the end of a thread");
    while (!green__pthread_has_ended(posix) && ended != -EINTR && !green__clock_deadline_passed(until))
        ended = green__parking_lot_sleep(hub, &parked, until ? green__clock_deadline_next_check(until) : GREEN_NEVER,
                                         until != NULL);
    green__parking_lot_leave(&parked);
    if (green__pthread_has_ended(posix))
        return 0;
    if (ended == -EINTR)
        green__parking_lot_deliver(hub);
    return ETIMEDOUT;
}

/* In a link, a destructor or a handler of a fork nothing can park, and the OS
 * thread would wait for itself. */
static int wait_for_end(green_pthread *posix, const green_clock_deadline *until) {
    if (green__pthread_has_ended(posix))
        return 0;
    green_hub *hub = green__may_park_here();
    bool is_here = posix->carrier == green__real.pthread_self();
    if (hub)
        return is_here && !until ? wait_here(hub, posix) : wait_parking(hub, posix, until);
    return is_here ? EDEADLK : green__pthread_wait(posix, until);
}

int green__pthread_join(pthread_t id, void **result, const green_clock_deadline *until) {
    green_pthread *posix = green__pthread_of(id);
    int error = posix ? green__pthread_claim(posix) : EINVAL;
    if (error != 0)
        return error;
    error = wait_for_end(posix, until);
    if (error != 0) {
        green__pthread_unclaim(posix);
        return error;
    }
    void *collected = green__pthread_collect(posix);
    if (result)
        *result = collected;
    return 0;
}

int green__green_pthread_detach(pthread_t thread) {
    green_pthread *posix = green__pthread_of(thread);
    if (!green__pthread_is_green(thread))
        return green__real.pthread_detach(thread);
    return posix ? green__pthread_detach(posix) : EINVAL;
}
