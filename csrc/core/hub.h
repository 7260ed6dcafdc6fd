/* The hub: one OS thread's run queue, timers, stacks and engine.
 *
 * The loop has no stack of its own. A thread that parks takes the next one off
 * the queue and switches straight to it. The queue also holds a mark; whoever
 * takes the mark off does one turn of the loop, on its own stack, and puts the
 * mark back at the end. So each ready thread runs once between two turns, and
 * when the mark is all there is, the turn waits. */
#ifndef GREEN_CORE_HUB_H
#define GREEN_CORE_HUB_H

#include "../arch/switch.h"
#include "../base/error.h"
#include "../base/message.h"
#include "../engine/engine.h"
#include "hub_registry.h"
#include "sanitizer.h"
#include "switch_state.h"
#include "thread.h"

#include <green/hub.h>

#include <errno.h>
#include <signal.h>

/* The Swift runtime's hooks that save and restore the accesses that its
 * exclusivity checker tracks for an OS thread. Without them the checker walks
 * the accesses of every parked thread on each access. Absent without Swift. */
extern void swift_task_enterThreadLocalContext(char *state) __attribute__((weak));
extern void swift_task_exitThreadLocalContext(char *state) __attribute__((weak));

typedef struct green_hub {
    green_thread *current;
    green_thread *head;  /* of the run queue */
    green_thread **tail; /* where the next one is linked in */
    int *error_number;   /* the OS thread's errno */
    void *discarded_sp;  /* where a thread that ends saves its sp: ASan's fake stack is gone by then */
    void (*enter)(char *state);
    void (*exit)(char *state);
    bool root_has_no_access;            /* the OS thread had no tracked access when the hub was made */
    bool in_event_loop;                 /* in a turn of the loop, where nothing may park */
    uint64_t switches, loop_iterations; /* moved by green__counter_increment() */
    green_switch_state switch_state;
    green_hub_registration registration;

    int64_t now; /* the clock at the last turn */
    green_engine *engine;
    char *fallback;      /* why it is not the first choice; NULL */
    uint64_t io_waiters; /* parked threads that an I/O completion can wake */
    green_timer_heap timers;
    green_thread mark;

    green_stacks stacks;
    green_thread *free_records; /* unused thread records */
    struct green_thread_block *blocks;
    uint64_t last_id; /* given to a thread */
    uint64_t threads; /* moved by green__counter_increment() */
    uint64_t handles, sockets;
    uint64_t fallbacks; /* receives that found the receive memory empty */
    green_thread root;  /* the OS thread's own context */
    void *root_bottom;  /* bounds of its stack, for ASan */
    size_t root_size;
    void *root_fiber;
    char *signal_stack; /* its bottom */
    stack_t former_signal_stack;
} green_hub;

enum { GREEN_SIGNAL_STACK_SIZE = 64 * 1024 };

/* Whether the caller is a signal handler that runs on the signal stack, as those do
 * that tell of a crash. */
static inline bool green__on_signal_stack(const green_hub *hub) {
    return (uintptr_t)__builtin_frame_address(0) - (uintptr_t)hub->signal_stack < GREEN_SIGNAL_STACK_SIZE;
}

extern _Thread_local green_hub *green__hub __attribute__((tls_model("initial-exec")));

/* Makes this OS thread's hub. 0 or -errno, explained. */
int green__hub_make(const green_hub_options *options);

/* This OS thread's hub, made if need be; NULL with *error set. */
static inline green_hub *green__hub_here(int *error) {
    if (GREEN_LIKELY(green__hub))
        return green__hub;
    *error = green__hub_make(NULL);
    return green__hub;
}

/* The place of the message of a thread's last failure. */
static inline green_message **green__message_slot_of(green_thread *thread) {
    return thread->stack ? &thread->message : NULL;
}

/* Records that a thread waited for an ended thread. Returns the result, and copies its
 * message to `by`. */
static inline int green__thread_take_result(green_thread *thread, green_thread *by) {
    thread->observed = true;
    if (GREEN_UNLIKELY(thread->message != NULL))
        green__message_forward(&thread->message, thread->result, green__message_slot_of(by));
    return thread->result;
}

/* One turn of the loop: starts and completes I/O, fires timers, and puts the
 * mark back. Waits when nobody is ready. */
void green__event_loop_iterate(green_hub *hub);

static inline void green__run_queue_append(green_hub *hub, green_thread *thread) {
    thread->next = NULL;
    *hub->tail = thread;
    hub->tail = &thread->next;
}

static inline green_thread *green__run_queue_next(green_hub *hub) {
    for (;;) {
        green_thread *thread = hub->head;
        hub->head = thread->next;
        if (GREEN_LIKELY(thread != &hub->mark))
            return thread;
        green__event_loop_iterate(hub);
    }
}

/* Lets everybody else who is ready run first, and completions come. Delivers no
 * interrupt. */
void green__yield(green_hub *hub);

/* Makes a parked thread ready. */
static inline void green__ready(green_thread *thread) {
    GREEN_INVARIANT(thread->state == GREEN_PARKED, "only a parked thread becomes ready");
    thread->state = GREEN_READY;
    green__run_queue_append(thread->hub, thread);
}

static inline void green__swift_access_enter(green_hub *hub, green_thread *thread) {
    if (hub->enter && !(hub->root_has_no_access && (thread->access[0] | thread->access[1]) == 0))
        hub->enter((char *)thread->access);
}

/* Tells the sanitizers where the OS thread is about to run. */
static inline void green__sanitizer_announce_switch(green_hub *hub, void **fake_stack, const green_thread *to) {
    if (to->stack)
        green__sanitizer_before_switch(fake_stack, to->stack->bottom, green__stack_size(to->stack), to->stack->fiber);
    else
        green__sanitizer_before_switch(fake_stack, hub->root_bottom, hub->root_size, hub->root_fiber);
}

static inline void green__switch_plain(green_hub *hub, green_thread *from, green_thread *to) {
    from->error_number = *hub->error_number;
    if (hub->exit)
        hub->exit((char *)from->access);
    green__counter_increment(&hub->switches);
    hub->current = to;
    /* While this one runs, the cold lines of those behind it are on their way. */
    const green_thread *after = hub->head;
    __builtin_prefetch(after->next, 1);
    __builtin_prefetch(after->sp, 1);
    __builtin_prefetch((const void *)((uintptr_t)after->sp + GREEN_CACHE_LINE), 1); /* it may be NULL */
    to->state = GREEN_RUNNING;
    green__sanitizer_announce_switch(hub, &from->fake_stack, to);
    green__switch(&from->sp, to->sp);
    green__sanitizer_after_switch(from->fake_stack);
    green__swift_access_enter(hub, from);
    *hub->error_number = from->error_number;
}

void green__switch_saving_state(green_hub *hub, green_thread *from, green_thread *to) __attribute__((cold));

/* Switches from one thread to another. Returns when a thread switches back. */
static inline void green__switch_to(green_hub *hub, green_thread *from, green_thread *to) {
    if (GREEN_UNLIKELY(green__switch_state_is_needed(&hub->switch_state)))
        green__switch_saving_state(hub, from, to);
    else
        green__switch_plain(hub, from, to);
}

/* Lets others run until somebody calls green__ready() on the caller. */
static inline void green__park(green_hub *hub, green_wait *wait) {
    green_thread *self = hub->current, *next;
    self->state = GREEN_PARKED;
    self->wait = wait;
    next = green__run_queue_next(hub);
    if (next != self)
        green__switch_to(hub, self, next);
    else
        self->state = GREEN_RUNNING;
    self->wait = NULL;
}

int green__begin_slow(green_hub *hub, int64_t timeout);

/* How every blocking call begins: 0, or the -errno it is to return at once.
 * After it, green__wait() with the same timeout cannot fail for want of memory. */
static inline int green__begin(green_hub *hub, int64_t timeout) {
    green_thread *self = hub->current;
    if (GREEN_LIKELY(!self->interrupts && !self->must_not_block && timeout < 0))
        return 0;
    return green__begin_slow(hub, timeout);
}

/* The same for a wait that something else than an interrupt has broken off, and that goes
 * on until the deadline. This may happen again before the hub looks at its timers, so it
 * returns -ETIMEDOUT when the time is over. */
static inline int green__begin_until(green_hub *hub, int64_t deadline) {
    return green__time_left(deadline) == 0 ? -ETIMEDOUT : green__begin(hub, deadline);
}

/* For the start of a blocking call that may return without waiting. Delivers and returns
 * the pending interrupt, or returns 0. A link or a destructor gets no interrupt, and may
 * make the call if it does not have to wait. */
static inline int green__check_interrupt(green_hub *hub) {
    green_thread *self = hub->current;
    return GREEN_LIKELY(!self->interrupts || self->must_not_block) ? 0 : green__interrupt_deliver(self);
}

static inline bool green__is_interrupt(int error) {
    return error == -ECANCELED || error == -ETIME;
}

/* Whether an error was an interrupt's, or the refusal to block: it has been
 * explained where it came about, and the call that it ended adds nothing. */
static inline bool green__is_explained(int error) {
    return green__is_interrupt(error) || error == -EWOULDBLOCK;
}

static inline void green__wait_init(green_hub *hub, green_wait *wait, const green_wait_kind *kind) {
    wait->kind = kind;
    wait->thread = hub->current;
    wait->since = hub->now;
    wait->cause = 0;
    wait->cancelled = false;
}

void green__park_until(green_hub *hub, green_wait *wait, int64_t timeout);

/* Parks until the wait ends, which the end of timeout nanoseconds also does.
 *
 * In line, as all that stands between a blocking call and its switch: each
 * return from a function that has switched inside is predicted wrongly. */
static inline void green__park_for(green_hub *hub, green_wait *wait, int64_t timeout) {
    if (timeout < 0)
        green__park(hub, wait);
    else
        green__park_until(hub, wait, timeout);
}

/* Why a wait that was cancelled ended: -errno. Delivers the interrupt, if it was
 * one, so it is to be asked only when the call does fail for it. */
int green__wait_error(green_hub *hub, green_wait *wait);

/* The cancel of a wait that is in a list. */
void green__wait_leave_list(green_wait *wait);

/* Parks until the wait ends or timeout nanoseconds are over. 0: somebody woke
 * it. Otherwise the -errno that ended it early. */
static inline int green__wait(green_hub *hub, green_wait *wait, int64_t timeout) {
    green__park_for(hub, wait, timeout);
    return GREEN_UNLIKELY(wait->cancelled) ? green__wait_error(hub, wait) : 0;
}

/* A number that no thread of this process has had, from 1. */
uint64_t green__thread_id_next(green_hub *hub);

/* A record for a new thread; NULL without memory. */
green_thread *green__thread_record_alloc(green_hub *hub);
void green__thread_record_free(green_hub *hub, green_thread *thread);

/* A handle that the caller owns, of a thread that has ended without a stack of
 * its own: its function is called in place. NULL without memory. */
green_thread *green__thread_finished_inline(green_hub *hub);

/* Calls visit for each thread that is not done, in no order. */
void green__hub_each_thread(green_hub *hub, void (*visit)(green_thread *thread, void *context), void *context);

/* Makes the overflow of a green stack end the process with a message, on this
 * OS thread. */
int green__stack_overflow_watch(green_hub *hub);
void green__stack_overflow_unwatch(green_hub *hub);

/* Ends the process with the same message if the caller, a green thread, has left its
 * stack. */
void green__stack_overflow_check(const green_thread *thread);

/* In a forked child, see fork.c: gives up a hub of its parent's. */
void green__hub_abandon(green_hub *hub);
bool green__hub_is_abandoned(const green_hub *hub);

/* Why a handle of this hub is none of this OS thread's, for the message of an
 * -EXDEV. The hub may be gone. */
const char *green__foreign_hub_reason(const green_hub *hub);

/* The green stack that this OS thread's own context is on, because it forked
 * there; NULL for its own. */
const green_stack *green__inherited_stack(void);

/* A green thread that forked has come to the end of its function in the child. */
_Noreturn void green__forked_child_exit(const green_thread *thread, int result);

void green__hub_dump(green_hub *hub, int fd);

/* Writes all of it, as far as that goes. */
void green__write_all(int fd, const char *text, size_t length);

#endif
