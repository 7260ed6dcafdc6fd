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
static int wait_here(green_hub *hub, green_posix *posix) {
    static const green_wait_kind kind = {NULL, describe};
    green_wait wait;
    green__wait_init(hub, &wait, &kind);
    posix->waiter = &wait;
    green__park(hub, &wait);
    return 0;
}

static int wait_parking(green_hub *hub, const green_posix *posix, const green_until *until) {
    green_parked parked;
    int ended = 0;
    green__lot_enter(hub, &parked, posix, "the end of a thread");
    while (!green__posix_is_finished(posix) && ended != -EINTR && !green__is_over(until))
        ended = green__lot_sleep(hub, &parked, until ? green__next_look(until) : GREEN_NEVER, until != NULL);
    green__lot_leave(&parked);
    if (green__posix_is_finished(posix))
        return 0;
    if (ended == -EINTR)
        green__lot_deliver(hub);
    return ETIMEDOUT;
}

/* In a link, a destructor or a handler of a fork nothing can park, and the OS
 * thread would wait for itself. */
static int wait_for_end(green_posix *posix, const green_until *until) {
    if (green__posix_is_finished(posix))
        return 0;
    green_hub *hub = green__may_park_here();
    bool is_here = posix->carrier == green__real.pthread_self();
    if (hub)
        return is_here && !until ? wait_here(hub, posix) : wait_parking(hub, posix, until);
    return is_here ? EDEADLK : green__posix_wait(posix, until);
}

int green__posix_join(pthread_t id, void **result, const green_until *until) {
    green_posix *posix = green__posix_of(id);
    int error = posix ? green__posix_claim(posix) : EINVAL;
    if (error != 0)
        return error;
    error = wait_for_end(posix, until);
    if (error != 0) {
        green__posix_unclaim(posix);
        return error;
    }
    void *collected = green__posix_collect(posix);
    if (result)
        *result = collected;
    return 0;
}

int green__green_pthread_detach(pthread_t thread) {
    green_posix *posix = green__posix_of(thread);
    if (!green__is_green_id(thread))
        return green__real.pthread_detach(thread);
    return posix ? green__posix_detach(posix) : EINVAL;
}
