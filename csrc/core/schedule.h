/* The run queue, park and ready, and the switch between threads. */
#ifndef GREEN_CORE_SCHEDULE_H
#define GREEN_CORE_SCHEDULE_H

#include "../arch/switch.h"
#include "event_loop.h"
#include "hub_record.h"
#include "sanitizer.h"

static inline void green__run_queue_append(green_hub *hub, green_thread *thread) {
    thread->next = NULL;
    *hub->tail = thread;
    hub->tail = &thread->next;
}

/* Makes a thread the next one that runs. Not for the event loop. */
static inline void green__run_queue_prepend(green_hub *hub, green_thread *thread) {
    thread->next = hub->head;
    hub->head = thread;
    if (!thread->next)
        hub->tail = &thread->next;
}

/* Takes the first thread off the queue. Runs the event loop until there is one. */
static inline green_thread *green__run_queue_next(green_hub *hub) {
    for (;;) {
        green_thread *thread = hub->head;
        hub->head = thread->next;
        if (GREEN_LIKELY(thread != &hub->mark))
            return thread;
        green__event_loop_iterate(hub);
    }
}

/* Makes a parked thread ready. */
static inline void green__ready(green_thread *thread) {
    GREEN_INVARIANT(thread->state == GREEN_PARKED, "only a parked thread becomes ready");
    thread->state = GREEN_READY;
    green__run_queue_append(thread->hub, thread);
}

/* Makes all threads in a list ready, in its order. */
static inline void green__ready_all(green_wait_list *list) {
    for (green_wait *wait; (wait = green__wait_list_take(list));)
        green__ready(wait->thread);
}

static inline void green__swift_access_enter(green_hub *hub, green_thread *thread) {
    if (hub->enter && !(hub->root_has_no_access && (thread->access[0] | thread->access[1]) == 0))
        hub->enter((char *)thread->access);
}

/* Tells the sanitizers which stack comes next. */
static inline __attribute__((always_inline)) void green__sanitizer_announce_switch(green_hub *hub, void **fake_stack,
                                                                                   const green_thread *to) {
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
    /* Loads the cold lines of the threads behind this one while it runs. */
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

/* Lets other threads run until green__ready() is called for the calling thread. */
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

/* Lets all ready threads run once, and one iteration of the event loop. Delivers no
 * interrupt. Not inline: the callers yield seldom, and a switch is long. */
void green__yield(green_hub *hub);

#endif
