/* green_yield(), green_sleep() and green_sleep_until() */
#include "hub.h"
#include "interrupt.h"

#include <stdio.h>

static inline void yield_now(green_hub *hub) {
    green_thread *self = hub->current;
    self->state = GREEN_READY;
    green__run_queue_append(hub, self);
    green_thread *next = green__run_queue_next(hub);
    if (next != self)
        green__switch_to(hub, self, next);
    else
        self->state = GREEN_RUNNING;
}

void green__yield(green_hub *hub) {
    yield_now(hub);
}

int green_yield(void) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (GREEN_UNLIKELY(!hub))
        return error;
    green_thread *self = hub->current;
    if (GREEN_UNLIKELY(self->must_not_block))
        return green__begin_slow(hub, GREEN_FOREVER);
    yield_now(hub);
    return GREEN_UNLIKELY(self->interrupts != NULL) ? green__interrupt_deliver(self) : 0;
}

static void wake(green_wait *wait) {
    green__ready(wait->thread);
}

static void describe_sleep(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "sleeping");
}

static const green_wait_kind sleeping = {wake, describe_sleep};

int green_sleep(int64_t nanoseconds) {
    if (nanoseconds <= 0)
        return green_yield();
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub || (error = green__begin(hub, nanoseconds)) < 0)
        return error;
    green_wait wait;
    green__wait_init(hub, &wait, &sleeping);
    error = green__wait(hub, &wait, nanoseconds);
    return error == -ETIMEDOUT ? 0 : error;
}

int green_sleep_until(int64_t deadline) {
    int64_t now = green_now();
    return green_sleep(deadline > now ? deadline - now : 0);
}
