/* Yield, sleep, and waiting for a thread to finish. */
#include "hub.h"

#include <stdio.h>

static inline void yield_hub(green_hub *hub) {
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
    yield_hub(hub);
}

int green_yield(void) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (GREEN_UNLIKELY(!hub))
        return error;
    green_thread *self = hub->current;
    if (GREEN_UNLIKELY(self->must_not_block))
        return green__begin_slow(hub, GREEN_FOREVER);
    yield_hub(hub);
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

/* A wait for a thread's end knows which one, for a dump. */
struct join {
    green_wait wait;
    const green_thread *target;
};

static void describe_join(const green_wait *wait, char *text, size_t size) {
    char label[GREEN_LABEL_MAX];
    const green_thread *target = GREEN_CONTAINER(wait, const struct join, wait)->target;
    snprintf(text, size, "waiting for %s", green__thread_label(target, label, sizeof label));
}

static const green_wait_kind joining = {green__wait_leave_list, describe_join};

static inline int join(green_hub *hub, green_thread *target, int64_t timeout) {
    char label[GREEN_LABEL_MAX];
    if (target == hub->current)
        return green__fail(-EDEADLK, "%s waits for itself", green__thread_label(target, label, sizeof label));
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    struct join join;
    green__wait_init(hub, &join.wait, &joining);
    join.target = target;
    green__wait_list_append(&target->waiters, &join.wait);
    error = green__wait(hub, &join.wait, timeout);
    if (error == -ETIMEDOUT)
        green__fail(error, "waiting for %s", green__thread_label(target, label, sizeof label));
    return error;
}

int green_thread_wait(green_thread *thread, int *result, int64_t timeout) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    char label[GREEN_LABEL_MAX];
    if (!hub)
        return error;
    if (thread->hub != hub)
        return green__fail(-EXDEV, "wait: %s %s", green__thread_label(thread, label, sizeof label),
                           green__foreign_hub_reason(thread->hub));
    if ((error = green__check_interrupt(hub)) < 0)
        return error;
    if (timeout == 0 && thread->state != GREEN_DONE && thread != hub->current)
        return green__fail(-ETIMEDOUT, "%s has not finished", green__thread_label(thread, label, sizeof label));
    green_thread_retain(thread); /* somebody may release the handle meanwhile */
    if (thread->state != GREEN_DONE)
        error = join(hub, thread, timeout);
    if (error == 0) {
        int value = green__thread_take_result(thread, hub->current);
        if (result)
            *result = value;
    }
    green_thread_release(thread);
    return error;
}
