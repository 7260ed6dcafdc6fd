#include "interrupt.h"

void green__interrupt_reason_discard(green_interrupt_reason *reason) {
    green_interrupt_reason unread = *reason;
    *reason = (green_interrupt_reason){0};
    if (unread.discard)
        unread.discard(unread.value); /* may free the object that the reason was part of */
}

void green__kill_delivered(green_interrupt *interrupt) {
    const green_thread *thread = GREEN_CONTAINER(interrupt, green_thread, kill);
    char label[GREEN_LABEL_MAX];
    green__fail(interrupt->error, "%s was killed", green__thread_label(thread, label, sizeof label));
}

/* Delivers an interrupt that is in no list. */
static int deliver(green_thread *thread, green_interrupt *interrupt) {
    int error = interrupt->error;
    green_interrupt_reason unread = thread->reason;
    interrupt->posted = false;
    thread->deliveries++;
    thread->reason = interrupt->reason;
    interrupt->reason = (green_interrupt_reason){0};
    if (interrupt->delivered)
        interrupt->delivered(interrupt);
    /* Last, because it may do anything, even free the object that the interrupt is part of. */
    green__interrupt_reason_discard(&unread);
    return error;
}

int green__interrupt_deliver(green_thread *thread) {
    green_interrupt *interrupt = thread->interrupts;
    thread->interrupts = interrupt->next;
    return deliver(thread, interrupt);
}

static void cancel_wait(green_wait *wait) {
    if (wait->cancelled || !wait->kind->cancel)
        return;
    wait->cancelled = true;
    wait->kind->cancel(wait);
}

static void post(green_thread *thread, green_interrupt *interrupt, green_interrupt **place) {
    interrupt->posted = true;
    interrupt->next = *place;
    *place = interrupt;
    if (thread->state == GREEN_PARKED)
        cancel_wait(thread->wait);
}

void green__interrupt(green_thread *thread, green_interrupt *interrupt) {
    if (interrupt->posted)
        return;
    green_interrupt **last = &thread->interrupts;
    while (*last)
        last = &(*last)->next;
    post(thread, interrupt, last);
}

void green__interrupt_first(green_thread *thread, green_interrupt *interrupt) {
    if (!interrupt->posted)
        post(thread, interrupt, &thread->interrupts);
}

void green__interrupt_withdraw(green_thread *thread, green_interrupt *interrupt) {
    if (!interrupt->posted)
        return;
    interrupt->posted = false;
    green_interrupt **place = &thread->interrupts;
    while (*place != interrupt)
        place = &(*place)->next;
    *place = interrupt->next;
    green_wait *wait = thread->wait;
    if (wait && wait->cancelled && !wait->cause && !thread->interrupts)
        wait->cause = deliver(thread, interrupt);
}

void green__wait_end(green_wait *wait, int cause) {
    if (wait->thread->state != GREEN_PARKED)
        return; /* it was made ready and has not run yet */
    if (!wait->cause)
        wait->cause = cause;
    cancel_wait(wait);
}

void green__wait_leave_list(green_wait *wait) {
    green__wait_list_remove(wait);
    green__ready(wait->thread);
}

enum { WAIT_TEXT_MAX = 160 };

/* Only this thread is ready, so what it waited for still exists. */
static int fail_deadlocked(const green_wait *wait) {
    char what[WAIT_TEXT_MAX] = "a call";
    wait->kind->describe(wait, what, sizeof what);
    return green__fail_with_advice(-EDEADLK,
                                   "for a callback, a Task or another OS thread, wait for a promise or a channel, or "
                                   "keep a reference to the hub",
                                   "%s: every green thread of this OS thread waits, and nothing can end a wait", what);
}

int green__wait_error(green_hub *hub, green_wait *wait) {
    if (wait->cause == -EDEADLK)
        return fail_deadlocked(wait);
    if (wait->cause)
        return wait->cause;
    if (hub->current->interrupts)
        return green__interrupt_deliver(hub->current);
    return -ECANCELED;
}

int green_check_interrupt(void) {
    return green__hub ? green__check_interrupt(green__hub) : 0;
}

int green__refuse_to_block(const green_thread *thread) {
    if (thread->must_not_block == GREEN_IN_CANCELLATION)
        return green__fail(-EWOULDBLOCK, "cannot block in the cancellation handler of a Task");
    if (thread->must_not_block == GREEN_IN_UNKNOWN_TASK)
        return green__fail(-EWOULDBLOCK, "cannot block in a Task on a hub: Green does not know this version of Swift's "
                                         "concurrency runtime, or GREEN_DISABLE has task_state");
    return green__fail(-EWOULDBLOCK, "cannot block in a link or a destructor of a green thread");
}

int green__begin_slow(green_hub *hub, int64_t timeout) {
    green_thread *self = hub->current;
    if (self->must_not_block)
        return green__refuse_to_block(self);
    if (self->interrupts)
        return green__interrupt_deliver(self);
    if (timeout >= 0 && green__timer_reserve(&hub->timers) < 0)
        return green__fail(-ENOMEM, "no memory for a timer");
    return 0;
}

/* The timeout of a call, on its stack. */
struct expiry {
    green_timer timer;
    green_wait *wait;
};

static void expire(green_timer *timer) {
    struct expiry *expiry = GREEN_CONTAINER(timer, struct expiry, timer);
    green__wait_end(expiry->wait, -ETIMEDOUT);
}

void green__park_until(green_hub *hub, green_wait *wait, int64_t timeout) {
    struct expiry expiry = {.timer.fire = expire, .wait = wait};
    int error = green__timer_start(&hub->timers, &expiry.timer, green__time_add(green_now(), timeout));
    GREEN_INVARIANT(error == 0, "green__begin() reserved a timer");
    green__park(hub, wait);
    green__timer_cancel(&hub->timers, &expiry.timer);
}
