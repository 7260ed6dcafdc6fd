/* Interrupts, and the blocking calls that they end.
 *
 * A blocking call starts with green__begin(), initializes a wait on its stack, hands it to
 * the object that it waits for, and calls green__wait(). An interrupt calls the cancel()
 * of the wait, which makes the thread ready, and green__wait() returns the error.
 *
 * An interrupt that `stays` belongs to a scope of the thread: a time limit, or a group whose
 * threads end. Once posted, it ends each blocking call of the thread until it is withdrawn. The
 * interrupts of a thread are in this order: those that are delivered once, oldest first, and
 * then those that stay, that of the outermost scope first.
 *
 * A shield keeps the interrupts that come from outside of it away from the thread until it
 * ends. The order of an interrupt says on which side it is: scopes and shields of a thread get
 * increasing numbers when they begin. A kill has the number 0, so it is outside of all shields. */
#ifndef GREEN_CORE_INTERRUPT_H
#define GREEN_CORE_INTERRUPT_H

#include "schedule.h"

#include <errno.h>

/* Returns the error of the current thread's first interrupt, and removes it unless it stays. */
int green__interrupt_deliver(green_thread *thread);

/* Returns the next number for the order of scopes and shields. It is unique in the process. */
uint64_t green__scope_next(void);

/* An interrupt with this order reaches its thread through all shields. */
#define GREEN_INSIDE_SHIELDS UINT64_MAX

/* Posts an interrupt. If the thread is parked, ends its wait. */
void green__interrupt(green_thread *thread, green_interrupt *interrupt);

/* Does the same, ahead of the interrupts that are already posted. It must not stay. */
void green__interrupt_first(green_thread *thread, green_interrupt *interrupt);

/* Makes an interrupt one that stays, and posts it unless it is posted. */
void green__interrupt_for_good(green_thread *thread, green_interrupt *interrupt);

/* Removes an interrupt that may be posted. If it alone has already ended a wait, it is
 * delivered to that call, which cannot be resumed, and to no later call. */
void green__interrupt_withdraw(green_thread *thread, green_interrupt *interrupt);

/* Whether a scope has posted an interrupt that stays on the thread, with this order. */
bool green__interrupt_stays(green_thread *thread, uint64_t order);

typedef struct green_shielded {
    green_interrupt *outside; /* the interrupts that do not reach the thread */
    struct green_shielded *outer;
    uint64_t order;
} green_shielded;

/* Begins a shield of the current thread, in the caller's memory. */
void green__shield_begin(green_thread *thread, green_shielded *shield);

/* Ends the innermost shield. */
void green__shield_end(green_thread *thread, green_shielded *shield);

/* Discards a reason that was not read. */
void green__interrupt_reason_discard(green_interrupt_reason *reason);

/* The delivered() of a thread's kill. */
void green__kill_delivered(green_interrupt *interrupt);

static inline bool green__is_interrupt(int error) {
    return error == -ECANCELED || error == -ETIME;
}

/* Whether the message of an error was stored where the error occurred, so that the call
 * it ends adds nothing: an interrupt, or the refusal to block. */
static inline bool green__is_explained(int error) {
    return green__is_interrupt(error) || error == -EWOULDBLOCK;
}

/* Returns -EWOULDBLOCK, with a message that says why the thread must not block. */
int green__refuse_to_block(const green_thread *thread);

/* Returns the error of the first interrupt to a blocking call that begins. If a scope has ended an
 * earlier call, other threads run before this returns: code that ignores the error and tries
 * again does not keep them from running. They may free the object of the call. */
int green__interrupt_deliver_at_begin(green_hub *hub);

/* Whether the first interrupt of a thread has not ended a call yet. For calls of the C library
 * that cannot fail: they return early once, and later calls wait. */
static inline bool green__has_new_interrupt(const green_thread *thread) {
    return thread->interrupts && thread->interrupts->deliveries == 0;
}

int green__begin_slow(green_hub *hub, int64_t timeout);

/* Starts a blocking call. Returns 0, or -errno, which the call returns at once. After it,
 * green__wait() with the same timeout does not fail for lack of memory. */
static inline int green__begin(green_hub *hub, int64_t timeout) {
    green_thread *self = hub->current;
    if (GREEN_LIKELY(!self->interrupts && !self->must_not_block && timeout < 0))
        return 0;
    return green__begin_slow(hub, timeout);
}

/* Continues a wait that ended without a result or an interrupt. This may repeat before the
 * hub checks its timers, so it returns -ETIMEDOUT once the deadline has passed. */
static inline int green__begin_until(green_hub *hub, int64_t deadline) {
    return green__time_left(deadline) == 0 ? -ETIMEDOUT : green__begin(hub, deadline);
}

/* Starts a blocking call that may return without waiting. Delivers and returns the pending
 * interrupt, or returns 0. In a link or a destructor it returns 0: such a call is allowed
 * if it does not have to wait. */
static inline int green__check_interrupt(green_hub *hub) {
    green_thread *self = hub->current;
    return GREEN_LIKELY(!self->interrupts || self->must_not_block) ? 0 : green__interrupt_deliver_at_begin(hub);
}

static inline void green__wait_init(green_hub *hub, green_wait *wait, const green_wait_kind *kind) {
    wait->kind = kind;
    wait->thread = hub->current;
    wait->select = NULL;
    wait->since = hub->now;
    wait->cause = 0;
    wait->cancelled = false;
}

/* Parks in a list until green__ready() is called. The kind has no cancel(), so nothing
 * interrupts the wait. */
static inline void green__park_in(green_hub *hub, green_wait_list *list, const green_wait_kind *kind) {
    green_wait wait;
    green__wait_init(hub, &wait, kind);
    green__wait_list_append(list, &wait);
    green__park(hub, &wait);
}

void green__park_until(green_hub *hub, green_wait *wait, int64_t timeout);

/* Parks until the wait ends or timeout nanoseconds have passed.
 *
 * Inline, like everything between a blocking call and its switch: the CPU mispredicts each
 * return from a function that has switched. */
static inline void green__park_for(green_hub *hub, green_wait *wait, int64_t timeout) {
    if (timeout < 0)
        green__park(hub, wait);
    else
        green__park_until(hub, wait, timeout);
}

/* The error of a wait that was cancelled. Delivers the interrupt, if that was the cause:
 * call it only if the call does fail. -EDEADLK: a deadlock, explained. */
int green__wait_error(green_hub *hub, green_wait *wait);

/* Ends a wait because of its own call: a timeout, a closed object. The call returns cause,
 * unless what it waits for has happened. */
void green__wait_end(green_wait *wait, int cause);

/* The cancel() of a wait that is in a list. */
void green__wait_leave_list(green_wait *wait);

/* Parks until the wait ends or timeout nanoseconds have passed. Returns 0 if the thread was
 * made ready by what it waits for, or else -errno. */
static inline int green__wait(green_hub *hub, green_wait *wait, int64_t timeout) {
    green__park_for(hub, wait, timeout);
    return GREEN_UNLIKELY(wait->cancelled) ? green__wait_error(hub, wait) : 0;
}

#endif
