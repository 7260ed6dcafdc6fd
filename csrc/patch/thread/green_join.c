/* Waits for the end of green threads of pthread_create(): by green threads in the parking lot,
 * on any OS thread, and by OS threads that cannot park. */
#include "green_join.h"

#include "../../core/interrupt.h"
#include "../cancellation.h"
#include "../lock/parking_lot.h"

#include "pthread.h"

#include <stdio.h>

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "in a patched call, waiting for the end of a thread");
}

struct join_wait {
    green_wait wait;
    green_pthread *pthread;
};

/* A deadlock and pthread_cancel() end the wait early. Other interrupts do not, as signals do not end
 * pthread_join(). */
static void cancel(green_wait *wait) {
    wait->cancelled = wait->cause == -EDEADLK || green__cancellation_is_due(wait->thread);
    if (!wait->cancelled)
        return;
    GREEN_CONTAINER(wait, struct join_wait, wait)->pthread->waiter = NULL;
    green__ready(wait->thread);
}

/* Waits for a thread of the same OS thread, without a deadline. */
static int wait_here(green_hub *hub, green_pthread *pthread) {
    static const green_wait_kind kind = {cancel, describe};
    struct join_wait join = {.pthread = pthread};
    green__wait_init(hub, &join.wait, &kind);
    pthread->waiter = &join.wait;
    green__park(hub, &join.wait);
    return join.wait.cancelled ? join.wait.cause == -EDEADLK ? EDEADLK : EINTR : 0;
}

static int wait_parking(green_hub *hub, const green_pthread *pthread, const green_clock_deadline *deadline) {
    green_parking_lot_waiter waiter;
    int ended = 0;
    green__parking_lot_enter(hub, &waiter, pthread, "the end of a thread");
    while (!green__pthread_has_ended(pthread) && ended != -EINTR && !green__clock_deadline_passed(deadline))
        ended = green__parking_lot_sleep(hub, &waiter, green__clock_deadline_next_check(deadline),
                                         green__parking_lot_interrupts_of(deadline));
    green__parking_lot_leave(&waiter);
    if (green__pthread_has_ended(pthread))
        return 0;
    if (ended == -EINTR && !green__cancellation_is_due(hub->current))
        green__parking_lot_deliver(hub);
    return ETIMEDOUT;
}

/* A link, a destructor or a fork handler cannot park, so it cannot join a thread of its own OS
 * thread. */
static int wait_for_end(green_pthread *pthread, const green_clock_deadline *deadline) {
    if (green__pthread_has_ended(pthread))
        return 0;
    green_hub *hub = green__may_park_in_process();
    bool is_here = pthread->carrier == green__real.pthread_self();
    if (hub)
        return is_here && !deadline ? wait_here(hub, pthread) : wait_parking(hub, pthread, deadline);
    return is_here ? EDEADLK : green__pthread_wait(pthread, deadline);
}

int green__pthread_join(pthread_t id, void **result, const green_clock_deadline *deadline) {
    green_pthread *pthread = green__pthread_of(id);
    int error = pthread ? green__pthread_claim(pthread) : EINVAL;
    if (error != 0)
        return error;
    error = wait_for_end(pthread, deadline);
    if (error != 0) {
        green__pthread_unclaim(pthread);
        if (green__may_park_in_process())
            green__cancellation_point(green__hub);
        return error;
    }
    void *collected = green__pthread_collect(pthread);
    if (result)
        *result = collected;
    return 0;
}

int green__green_pthread_detach(pthread_t thread) {
    green_pthread *pthread = green__pthread_of(thread);
    if (!green__pthread_is_green(thread))
        return green__real.pthread_detach(thread);
    return pthread ? green__pthread_detach(pthread) : EINVAL;
}
