#include "interrupt.h"

#include "thread.h"

#include <stdatomic.h>

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

enum { REPORTED_DELIVERIES = 1000 };

/* A loop that ignores the error of a scope does not end, and each of its calls fails. */
static __attribute__((cold)) void report_ignored(const green_thread *thread) {
    char label[GREEN_LABEL_MAX];
    green_report report = {.level = GREEN_REPORT_WARNING};
    green__report_set_thread(&report, thread);
    green__report_about(report,
                        "%s has ignored the end of a time limit or a group in %d calls, which fail until the scope is "
                        "left; let that error pass",
                        green__thread_label(thread, label, sizeof label), REPORTED_DELIVERIES);
}

/* Ends a call. The interrupt is in no list, or stays. */
static int deliver(green_thread *thread, green_interrupt *interrupt) {
    int error = interrupt->error;
    green_interrupt_reason unread = thread->reason;
    if (interrupt->stays) {
        if (++interrupt->deliveries == REPORTED_DELIVERIES)
            report_ignored(thread);
    } else {
        interrupt->posted = false;
    }
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
    if (!interrupt->stays)
        thread->interrupts = interrupt->next;
    return deliver(thread, interrupt);
}

int green__interrupt_deliver_at_begin(green_hub *hub) {
    bool is_repeated = hub->current->interrupts->deliveries > 0;
    int error = green__interrupt_deliver(hub->current);
    if (is_repeated)
        green__yield(hub);
    return error;
}

static void cancel_wait(green_wait *wait) {
    if (wait->cancelled || !wait->kind->cancel)
        return;
    wait->cancelled = true;
    wait->kind->cancel(wait);
}

/* The list of a thread that an interrupt with this order belongs to: the thread's own, or that of
 * the innermost shield that the interrupt is outside of. */
static green_interrupt **list_of(green_thread *thread, uint64_t order) {
    green_interrupt **list = &thread->interrupts;
    for (green_shielded *shield = thread->shield; shield && order < shield->order; shield = shield->outer)
        list = &shield->outside;
    return list;
}

static void insert(green_interrupt **list, green_interrupt *interrupt) {
    while (*list && !(*list)->stays)
        list = &(*list)->next;
    while (interrupt->stays && *list && (*list)->order < interrupt->order)
        list = &(*list)->next;
    interrupt->next = *list;
    *list = interrupt;
}

/* An interrupt was added to a list of the thread. */
static void notify(green_thread *thread, green_interrupt *interrupt, green_interrupt *const *list) {
    interrupt->posted = true;
    interrupt->deliveries = 0;
    if (list == &thread->interrupts && thread->state == GREEN_PARKED)
        cancel_wait(thread->wait);
}

void green__interrupt(green_thread *thread, green_interrupt *interrupt) {
    if (interrupt->posted)
        return;
    green_interrupt **list = list_of(thread, interrupt->order);
    insert(list, interrupt);
    notify(thread, interrupt, list);
}

void green__interrupt_first(green_thread *thread, green_interrupt *interrupt) {
    if (interrupt->posted)
        return;
    green_interrupt **list = list_of(thread, interrupt->order);
    interrupt->next = *list;
    *list = interrupt;
    notify(thread, interrupt, list);
}

static void remove_from_list(green_thread *thread, green_interrupt *interrupt) {
    green_interrupt **place = list_of(thread, interrupt->order);
    while (*place != interrupt)
        place = &(*place)->next;
    *place = interrupt->next;
    interrupt->posted = false;
}

void green__interrupt_for_good(green_thread *thread, green_interrupt *interrupt) {
    if (interrupt->stays && interrupt->posted)
        return;
    if (interrupt->posted)
        remove_from_list(thread, interrupt);
    interrupt->stays = true;
    green__interrupt(thread, interrupt);
}

void green__interrupt_withdraw(green_thread *thread, green_interrupt *interrupt) {
    if (!interrupt->posted)
        return;
    remove_from_list(thread, interrupt);
    green_wait *wait = thread->wait;
    if (wait && wait->cancelled && !wait->cause && !thread->interrupts)
        wait->cause = deliver(thread, interrupt);
}

bool green__interrupt_stays(green_thread *thread, uint64_t order) {
    const green_interrupt *interrupt = *list_of(thread, order);
    while (interrupt && !(interrupt->stays && interrupt->order == order))
        interrupt = interrupt->next;
    return interrupt != NULL;
}

uint64_t green__scope_next(void) {
    /* OS threads allocate numbers in blocks, because a shared counter is slow. */
    enum { BLOCK = 256 };
    static atomic_uint_fast64_t last;
    static _Thread_local uint64_t last_here __attribute__((tls_model("initial-exec")));
    if (last_here % BLOCK == 0)
        last_here = atomic_fetch_add_explicit(&last, BLOCK, memory_order_relaxed);
    return ++last_here;
}

void green__shield_begin(green_thread *thread, green_shielded *shield) {
    *shield = (green_shielded){thread->interrupts, thread->shield, green__scope_next()};
    thread->interrupts = NULL;
    thread->shield = shield;
}

void green__shield_end(green_thread *thread, green_shielded *shield) {
    GREEN_INVARIANT(thread->shield == shield, "shields of a thread end in the reverse order of their begins");
    green_interrupt *inside = thread->interrupts;
    thread->shield = shield->outer;
    thread->interrupts = shield->outside;
    for (green_interrupt *next; inside; inside = next) {
        next = inside->next;
        insert(&thread->interrupts, inside);
    }
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

bool green_is_interrupt(int error) {
    return green__is_interrupt(error);
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
        return green__interrupt_deliver_at_begin(hub);
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
