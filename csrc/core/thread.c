#include "thread.h"

#include "exit_observer.h"
#include "fork.h"
#include "hub.h"
#include "interrupt.h"
#include "link.h"
#include "local.h"

#include <stdio.h>

void green__report_set_thread(green_report *report, const green_thread *thread) {
    report->thread = thread->id;
    report->name = green_thread_name(thread);
    report->hub = thread->hub->name;
}

void green__report_unobserved(green_report report, const char *label, green_message **message, int result) {
    const char *text = green__message_find_in(message, result);
    report.level = GREEN_REPORT_ERROR;
    green__report_about(report, "%s ended with an error that no thread waited for: %s", label,
                        text ? text : green__error_text(result));
}

static void report_unobserved(const green_thread *thread, green_message **message) {
    green_report report = {0};
    char label[GREEN_LABEL_MAX];
    green__report_set_thread(&report, thread);
    green__report_unobserved(report, green__thread_label(thread, label, sizeof label), message, thread->result);
}

/* Called when the last reference is gone. Frees all but the record. */
static void thread_end(green_thread *thread) {
    if (thread->result < 0 && !thread->observed && thread->result != -ECANCELED)
        report_unobserved(thread, &thread->message);
    if (thread->message)
        green__message_free(&thread->message);
    green__interrupt_reason_discard(&thread->reason);
    green__interrupt_reason_discard(&thread->kill.reason);
    if (thread->name)
        green__thread_set_name(thread, NULL);
}

/* Ends a thread, on its own stack. It frees the stack just before it leaves it: no other
 * thread can take it in between. */
_Noreturn static void finish(green_hub *hub, green_thread *self, int result) {
    GREEN_INVARIANT(!self->wait, "a thread that exits waits for nothing");
    self->result = result;
    self->state = GREEN_DONE;
    self->must_not_block = GREEN_IN_DESTRUCTOR;
    if (self->links)
        green__links_run(self);
    if (self->locals)
        green__locals_destroy(self);
    if (self->exit_observers)
        green__exit_observers_run(self);
    if (GREEN_UNLIKELY(self->message != NULL) && !green__message_find_in(&self->message, result))
        green__message_free(&self->message); /* the handle keeps the message of the result */
    if (GREEN_UNLIKELY(green__switch_state_is_needed(&hub->switch_state)))
        green__switch_state_clear(&hub->switch_state);
    self->interrupts = NULL;
    self->shield = NULL;
    green__ready_all(&self->waiters);
    green__counter_decrement(&hub->threads);
    hub->handles++;

    green_thread *next = green__run_queue_next(hub);
    if (hub->exit)
        hub->exit((char *)self->access);
    green_stack *stack = self->stack;
    self->stack = NULL;
    green_thread_release(self); /* may discard a reason, which may spawn */
    green__stack_give(stack);
    green__counter_increment(&hub->switches);
    hub->current = next;
    next->state = GREEN_RUNNING;
    green__sanitizer_announce_switch(hub, NULL, next);
    green__switch(&hub->discarded_sp, next->sp);
    __builtin_unreachable();
}

void green__thread_exit(int result) {
    green_hub *hub = green__hub;
    GREEN_INVARIANT(hub && hub->current->stack, "only a green thread exits, not the context of an OS thread");
    finish(hub, hub->current, result);
}

void green__thread_main(void *argument) {
    green_thread *self = argument;
    green_hub *hub = self->hub;
    green__sanitizer_after_switch(NULL);
    green__swift_access_enter(hub, self);
    *hub->error_number = 0;
    int result = -ECANCELED;
    if (GREEN_LIKELY(!self->kill.posted)) {
        self->begun = true;
        result = GREEN_LIKELY(!self->task) ? self->function(self->argument)
                                           : green__task_run(self->task, self->function, self->argument);
        if (GREEN_UNLIKELY(green__hub != hub))
            green__forked_child_exit(self, result); /* the frames below belong to the parent */
    } else {
        green__interrupt_deliver(self);
        self->must_not_block = GREEN_IN_DESTRUCTOR;
        green__task_discard(self->task);
        if (self->discard)
            self->discard(self->argument);
    }
    finish(hub, self, result);
}

/* The record of an OS thread's own context is part of that of its hub. */
static bool is_root(const green_thread *thread) {
    return thread == &thread->hub->root;
}

green_thread *green_thread_retain(green_thread *thread) {
    thread->references++;
    if (GREEN_UNLIKELY(is_root(thread)))
        green_hub_retain(thread->hub);
    return thread;
}

/* Its hub has ended, or belongs to the process before a fork. The record of a thread is freed
 * with the hub, that of a root with its last handle. */
static void subtract_after_end(green_thread *thread, uint32_t count) {
    if (is_root(thread))
        while (count-- > 0)
            green_hub_release(thread->hub);
    else if (green__references_subtract(&thread->references, count) == 0)
        thread_end(thread);
}

static void foreign_released(green_post *post, int error) {
    green_thread *thread = GREEN_CONTAINER(post, green_thread, foreign_release.post);
    uint32_t count = green__foreign_release_take(&thread->foreign_release);
    if (error < 0)
        subtract_after_end(thread, count);
    else
        while (count-- > 0)
            green_thread_release(thread);
}

static __attribute__((noinline)) void release_elsewhere(green_thread *thread) {
    uint32_t count = green__foreign_release(thread->hub, &thread->foreign_release, foreign_released);
    if (count > 0)
        subtract_after_end(thread, count);
}

void green_thread_release(green_thread *thread) {
    if (!thread)
        return;
    green_hub *hub = thread->hub;
    if (GREEN_UNLIKELY(hub != green__hub)) {
        release_elsewhere(thread);
        return;
    }
    uint32_t left = --thread->references;
    if (GREEN_UNLIKELY(is_root(thread)))
        green_hub_release(hub);
    if (left > 0)
        return;
    GREEN_INVARIANT(thread->state == GREEN_DONE, "a running thread holds itself");
    hub->handles--;
    thread_end(thread);
    green__thread_record_free(&hub->records, thread);
}

/* Makes a delayed thread ready at once, so that it can exit. */
static void start_now(green_thread *thread) {
    if (!green__timer_pending(&thread->start))
        return;
    green__timer_cancel(&thread->hub->timers, &thread->start);
    green__run_queue_append(thread->hub, thread);
}

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
        return green__fail(-EDEADLK, "%s cannot wait for itself", green__thread_label(target, label, sizeof label));
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    struct join join;
    green__wait_init(hub, &join.wait, &joining);
    join.target = target;
    green__wait_list_append(&target->waiters, &join.wait);
    error = green__wait(hub, &join.wait, timeout);
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "%s has not finished", green__thread_label(target, label, sizeof label));
    return error;
}

int green_thread_wait(green_thread *thread, int *result, int64_t timeout) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    char label[GREEN_LABEL_MAX];
    if (!hub || (error = green__thread_check_hub(thread, "wait")) < 0 || (error = green__check_interrupt(hub)) < 0)
        return error;
    if (timeout == 0 && thread->state != GREEN_DONE && thread != hub->current)
        return green__fail_timed_out(0, "%s has not finished", green__thread_label(thread, label, sizeof label));
    green_thread_retain(thread); /* another thread may release the handle during the wait */
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

void green__thread_kill(green_thread *thread, green_interrupt_reason reason) {
    thread->kill.reason = reason;
    green__interrupt(thread, &thread->kill);
    start_now(thread);
}

void green__thread_kill_unless_current(green_thread *thread) {
    if (thread->state != GREEN_DONE && !thread->kill.posted && thread != thread->hub->current)
        green__thread_kill(thread, (green_interrupt_reason){0});
}

void green__thread_kill_for_good(green_thread *thread) {
    if (thread->state == GREEN_DONE)
        return;
    green__interrupt_for_good(thread, &thread->kill);
    start_now(thread);
}

int green_thread_kill_with(green_thread *thread, void *reason, void (*discard)(void *reason)) {
    int error = green__thread_check_hub(thread, "kill");
    if (error < 0 || thread->state == GREEN_DONE || thread->kill.posted) {
        /* It is done, or another kill came first. */
        if (discard)
            discard(reason);
        return error;
    }
    if (thread == thread->hub->current) {
        green__interrupt_reason_discard(&thread->reason);
        thread->reason = (green_interrupt_reason){reason, discard};
        return green__fail(-ECANCELED, "a green thread killed itself");
    }
    green__thread_kill(thread, (green_interrupt_reason){reason, discard});
    return 0;
}

int green_thread_kill(green_thread *thread) {
    return green_thread_kill_with(thread, NULL, NULL);
}

int green_thread_kill_for_good(green_thread *thread) {
    int error = green__thread_check_hub(thread, "kill");
    if (error < 0)
        return error;
    if (thread == thread->hub->current)
        return green__fail(-EINVAL, "a green thread cannot kill itself for good; it can return or exit");
    green__thread_kill_for_good(thread);
    return 0;
}

int green_kill_all(green_thread *const *threads, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int error = green__thread_check_hub(threads[i], "kill");
        if (error < 0)
            return error;
    }
    for (size_t i = 0; i < count; i++)
        green__thread_kill_unless_current(threads[i]);
    return 0;
}

void *green_reason(void) {
    if (!green__hub)
        return NULL;
    green_interrupt_reason *reason = &green__hub->current->reason;
    void *value = reason->value;
    *reason = (green_interrupt_reason){0};
    return value;
}

uint64_t green_interrupt_count(void) {
    return green__hub ? green__hub->current->deliveries : 0;
}

int green_thread_cancel(green_thread *thread) {
    int error = green__thread_check_hub(thread, "cancel");
    if (error < 0)
        return error;
    if (thread->begun || thread->state == GREEN_DONE || thread->kill.posted)
        return 0;
    green_thread_kill(thread);
    return 1;
}

uint64_t green_thread_id(const green_thread *thread) {
    return thread->id;
}

green_hub *green_thread_hub(const green_thread *thread) {
    return thread->hub;
}

const char *green_thread_name(const green_thread *thread) {
    return thread->name ? thread->name : "";
}

void green_thread_set_name(green_thread *thread, const char *name) {
    green__thread_set_name(thread, name);
}

bool green_thread_is_finished(const green_thread *thread) {
    return thread->state == GREEN_DONE;
}

size_t green_thread_stack_size(const green_thread *thread) {
    return thread->stack ? green__stack_size(thread->stack) : 0;
}

size_t green_thread_stack_used(const green_thread *thread) {
    return thread->stack ? green__stack_used(thread->stack) : 0;
}

void *green_thread_context(const green_thread *thread) {
    return thread->context;
}

void green_thread_set_context(green_thread *thread, void *context) {
    thread->context = context;
}

green_thread *green_current(void) {
    int error;
    green_hub *hub = green__hub_here(&error);
    return hub ? hub->current : NULL;
}
