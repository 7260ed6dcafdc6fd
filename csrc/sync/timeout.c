/* Timeouts: timers that interrupt the thread which started them. */
#include "../core/exit_observer.h"
#include "../core/foreign_release.h"
#include "../core/hub.h"
#include "../core/interrupt.h"

#include <green/timeout.h>

#include <stdlib.h>

struct green_timeout {
    green_thread *thread; /* the thread to interrupt; NULL once that can no longer happen */
    green_timer timer;
    green_interrupt interrupt;
    green_exit_observer exit_observer;
    green_hub *hub;
    green_foreign_release foreign_release;
    int64_t nanoseconds; /* of its length */
    bool fired;
};

static void explain(int64_t nanoseconds) {
    static const struct {
        int64_t nanoseconds;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    size_t unit = 0;
    while (units[unit].nanoseconds > 1 && nanoseconds < units[unit].nanoseconds)
        unit++;
    green__fail(-ETIME, "a timeout of %.10g %s ended the call", (double)nanoseconds / (double)units[unit].nanoseconds,
                units[unit].name);
}

/* The timeout has ended a call. */
static void delivered(green_interrupt *interrupt) {
    green_timeout *timeout = GREEN_CONTAINER(interrupt, green_timeout, interrupt);
    green_thread *thread = timeout->thread;
    thread->last_timeout = interrupt->order;
    thread->last_timeout_length = timeout->nanoseconds;
    timeout->fired = true;
    if (!interrupt->stays) {
        timeout->thread = NULL;
        green__exit_observer_remove(&timeout->exit_observer);
    }
    explain(timeout->nanoseconds);
}

/* From here on the timeout ends no call. */
static void stop(green_timeout *timeout) {
    green_thread *thread = timeout->thread;
    if (!thread)
        return;
    green__timer_cancel(&thread->hub->timers, &timeout->timer);
    green__exit_observer_remove(&timeout->exit_observer);
    green__interrupt_withdraw(thread, &timeout->interrupt);
    timeout->thread = NULL;
}

/* The thread, or the hub if it was an OS thread's own context, has ended. */
static void thread_exited(green_exit_observer *exit_observer, green_thread *thread) {
    (void)thread;
    green_timeout *timeout = GREEN_CONTAINER(exit_observer, green_timeout, exit_observer);
    stop(timeout);
    green__interrupt_reason_discard(&timeout->interrupt.reason);
}

static void fire(green_timer *timer) {
    green_timeout *timeout = GREEN_CONTAINER(timer, green_timeout, timer);
    green__interrupt(timeout->thread, &timeout->interrupt);
}

/* Sets each field, because clearing the structure first would double the time of a
 * start. */
static void init(green_timeout *timeout, green_hub *hub, int64_t nanoseconds, bool stays,
                 green_interrupt_reason reason) {
    timeout->thread = NULL;
    timeout->timer.fire = fire;
    timeout->timer.place = 0;
    timeout->interrupt.error = -ETIME;
    timeout->interrupt.posted = false;
    timeout->interrupt.stays = stays;
    timeout->interrupt.order = green__scope_next();
    timeout->interrupt.reason = reason;
    timeout->interrupt.delivered = delivered;
    timeout->exit_observer.place = NULL;
    timeout->exit_observer.exited = thread_exited;
    timeout->hub = hub;
    timeout->foreign_release.count = 0;
    timeout->nanoseconds = nanoseconds;
    timeout->fired = false;
}

static int arm(green_timeout *timeout, green_thread *thread) {
    if (timeout->nanoseconds < 0)
        return 0; /* it never fires */
    timeout->thread = thread;
    if (timeout->nanoseconds == 0)
        green__interrupt(thread, &timeout->interrupt);
    else if (green__timer_start(&thread->hub->timers, &timeout->timer,
                                green__time_add(green_now(), timeout->nanoseconds)) < 0)
        return -ENOMEM;
    green__exit_observer_add(thread, &timeout->exit_observer);
    return 0;
}

static int start(green_timeout **started, int64_t nanoseconds, bool stays, green_interrupt_reason given) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    green_timeout *timeout = hub ? malloc(sizeof *timeout) : NULL;
    if (!timeout)
        goto failed;
    init(timeout, hub, nanoseconds, stays, given);
    if (arm(timeout, hub->current) < 0)
        goto failed;
    *started = timeout;
    return 0;

failed:
    free(timeout);
    green__interrupt_reason_discard(&given);
    return hub ? green__fail(-ENOMEM, "cannot start a timeout") : error;
}

int green_timeout_start_with(green_timeout **timeout, int64_t nanoseconds, void *reason, void (*discard)(void *)) {
    return start(timeout, nanoseconds, false, (green_interrupt_reason){reason, discard});
}

int green_timeout_start(green_timeout **timeout, int64_t nanoseconds) {
    return start(timeout, nanoseconds, false, (green_interrupt_reason){0});
}

int green_timeout_start_scope(green_timeout **timeout, int64_t nanoseconds) {
    return start(timeout, nanoseconds, true, (green_interrupt_reason){0});
}

int green_timeout_start_scope_until(green_timeout **timeout, int64_t deadline) {
    return start(timeout, green__time_left(deadline), true, (green_interrupt_reason){0});
}

static void destroy(green_timeout *timeout) {
    green_interrupt_reason unread = timeout->interrupt.reason;
    free(timeout);
    green__interrupt_reason_discard(&unread);
}

static void foreign_released(green_post *post, int error) {
    green_timeout *timeout = GREEN_CONTAINER(post, green_timeout, foreign_release.post);
    if (error < 0)
        destroy(timeout);
    else
        green_timeout_free(timeout);
}

void green_timeout_free(green_timeout *timeout) {
    if (!timeout)
        return;
    if (GREEN_UNLIKELY(timeout->hub != green__hub)) {
        if (green__foreign_release(timeout->hub, &timeout->foreign_release, foreign_released) > 0)
            destroy(timeout); /* its thread never runs again */
        return;
    }
    stop(timeout);
    destroy(timeout);
}

bool green_timeout_is_pending(const green_timeout *timeout) {
    return timeout->thread != NULL;
}

bool green_timeout_has_fired(const green_timeout *timeout) {
    return timeout->fired;
}

int64_t green_timeout_length(const green_timeout *timeout) {
    return timeout->nanoseconds;
}

uint64_t green_timeout_id(const green_timeout *timeout) {
    return timeout->interrupt.order;
}

bool green_timeout_encloses(uint64_t id) {
    return green__hub && green__interrupt_stays(green__hub->current, id);
}

uint64_t green_timeout_last(int64_t *nanoseconds) {
    const green_thread *thread = green__hub ? green__hub->current : NULL;
    if (nanoseconds)
        *nanoseconds = thread ? thread->last_timeout_length : 0;
    return thread ? thread->last_timeout : 0;
}
