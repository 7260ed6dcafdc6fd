#include "thread.h"

#include "exit_observer.h"
#include "fork.h"
#include "hub.h"
#include "interrupt.h"
#include "link.h"
#include "local.h"

#include <stdio.h>
#include <stdlib.h>

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
    self->must_not_block = true;
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

static void thread_main(void *argument) {
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
        self->must_not_block = true;
        green__task_discard(self->task);
        if (self->discard)
            self->discard(self->argument);
    }
    finish(hub, self, result);
}

static void begin_after_delay(green_timer *timer) {
    green_thread *thread = GREEN_CONTAINER(timer, green_thread, start);
    green__run_queue_append(thread->hub, thread);
}

/* Initializes everything but the stack. */
static void thread_init(green_thread *thread, green_hub *hub, green_function *function, void *argument) {
    thread->hub = hub;
    thread->interrupts = NULL;
    thread->access[0] = thread->access[1] = 0;
    thread->wait = NULL;
    thread->state = GREEN_READY;
    thread->begun = thread->must_not_block = thread->completed_inline = thread->observed = thread->is_own = false;
    thread->state_is_unknown = false;
    thread->result = 0;
    thread->function = function;
    thread->argument = argument;
    thread->discard = NULL;
    green__wait_list_init(&thread->waiters);
    thread->links = NULL;
    thread->last_link = &thread->links;
    thread->locals = NULL;
    thread->id = green__thread_id_next(&hub->records);
    thread->name = NULL;
    thread->context = NULL;
    thread->task = NULL;
    thread->start = (green_timer){.fire = begin_after_delay};
    thread->foreign_release.count = 0;
    thread->exit_observers = NULL;
    thread->specific = NULL;
    thread->message = NULL;
    thread->deliveries = 0;
    thread->last_timeout = 0;
    thread->last_timeout_length = 0;
    thread->kill = (green_interrupt){.error = -ECANCELED, .delivered = green__kill_delivered};
    thread->reason = (green_interrupt_reason){0};
}

int green__stack_size_check(size_t stack_size) {
    if (stack_size == 0 || stack_size >= GREEN_STACK_MIN)
        return 0;
    return green__fail(-EINVAL, "cannot spawn: stack_size is %zu and must be at least %d", stack_size, GREEN_STACK_MIN);
}

/* Makes a thread that is in no queue yet, with a stack that calls thread_main. */
static int thread_make(green_hub *hub, size_t stack_size, green_function *function, void *argument,
                       green_thread **made) {
    int error = green__stack_size_check(stack_size);
    if (error < 0)
        return error;
    green_thread *thread = green__thread_record_alloc(&hub->records);
    if (!thread)
        return green__fail(-ENOMEM, "cannot spawn a green thread");
    thread->stack = green__stack_take(&hub->stacks, stack_size);
    if (!thread->stack) {
        green__thread_record_free(&hub->records, thread);
        return green__fail_with_advice(
            -ENOMEM, "use smaller stacks, or raise the address space limit or vm.max_map_count",
            "cannot spawn a green thread: no stack of %zu bytes, besides those of %lu green threads",
            stack_size ? stack_size : hub->stacks.first.size, hub->threads);
    }
    if (GREEN_UNLIKELY(green__stack_shares_guard(thread->stack)))
        green__switch_state_check_stacks(&hub->switch_state);
    thread_init(thread, hub, function, argument);
    thread->sp = green__context(thread->stack->top, thread_main, thread);
    green__counter_increment(&hub->threads);
    *made = thread;
    return 0;
}

/* Undoes thread_make(), and frees what the thread has inherited. */
static void thread_unmake(green_hub *hub, green_thread *thread) {
    green__task_discard(thread->task);
    green__locals_destroy(thread);
    green__stack_give(thread->stack);
    free(thread->name);
    green__thread_record_free(&hub->records, thread);
    green__counter_decrement(&hub->threads);
}

/* Not in the event loop, which runs on the stack of any thread. */
static __attribute__((noinline)) int inherit_locals(green_hub *hub, green_thread *thread) {
    int error = hub->in_event_loop ? 0 : green__locals_inherit(thread, hub->current);
    if (error == 0)
        return 0;
    thread_unmake(hub, thread);
    return green__fail(error, "cannot spawn a green thread: no memory for the thread-locals that it inherits");
}

/* Gives a new thread copies of the task-locals and thread-locals of the thread that spawns it. If
 * it fails, the thread has been freed. */
static inline int inherit(green_hub *hub, green_thread *thread) {
    if (GREEN_UNLIKELY(green__task_state_is_set(&hub->switch_state.task_words)))
        thread->task = green__task_inherit(&hub->switch_state.task_words);
    return GREEN_LIKELY(!hub->current->locals) ? 0 : inherit_locals(hub, thread);
}

green_thread *green__thread_finished_inline(green_hub *hub) {
    green_thread *thread = green__thread_record_alloc(&hub->records);
    if (!thread)
        return NULL;
    thread_init(thread, hub, NULL, NULL);
    thread->stack = NULL;
    thread->state = GREEN_DONE;
    thread->begun = true;
    thread->references = 1;
    hub->handles++;
    return thread;
}

/* One reference is the thread's own, the other belongs to the handle. */
static void give_handle(green_thread *thread, green_thread **handle) {
    thread->references = handle ? 2 : 1;
    if (handle)
        *handle = thread;
}

int green_spawn(green_thread **handle, green_function *function, void *argument) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    green_thread *thread = NULL;
    if (!hub || (error = thread_make(hub, 0, function, argument, &thread)) < 0 || (error = inherit(hub, thread)) < 0)
        return error;
    give_handle(thread, handle);
    green__run_queue_append(hub, thread);
    return 0;
}

int green_detach(green_function *function, void *argument) {
    return green_spawn(NULL, function, argument);
}

int green_spawn_with(green_thread **handle, const green_spawn_options *options, green_function *function,
                     void *argument) {
    static const green_spawn_options none;
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    green_thread *thread = NULL;
    if (!options)
        options = &none;
    if (!hub || (error = thread_make(hub, options->stack_size, function, argument, &thread)) < 0 ||
        (error = inherit(hub, thread)) < 0)
        return error;
    thread->discard = options->discard;
    if (options->name)
        green__thread_set_name(thread, options->name);
    if (options->delay <= 0) {
        green__run_queue_append(hub, thread);
    } else if (green__timer_start(&hub->timers, &thread->start, green__time_add(green_now(), options->delay)) < 0) {
        thread_unmake(hub, thread);
        return green__fail(-ENOMEM, "cannot spawn a green thread: no memory for the timer of its delay");
    }
    give_handle(thread, handle);
    return 0;
}

int green_spawn_after(green_thread **handle, int64_t delay, green_function *function, void *argument) {
    return green_spawn_with(handle, &(green_spawn_options){.delay = delay}, function, argument);
}

static green_thread *make_own(green_hub *hub, green_function *function, void *argument) {
    green_thread *thread = NULL;
    green_message_copy saved;
    green__message_save(&saved);
    if (thread_make(hub, 0, function, argument, &thread) < 0) {
        green__message_restore(&saved);
        return NULL;
    }
    thread->is_own = true;
    give_handle(thread, NULL);
    return thread;
}

int green__spawn_own(green_hub *hub, green_function *function, void *argument) {
    green_thread *thread = make_own(hub, function, argument);
    if (!thread)
        return -ENOMEM;
    green__run_queue_append(hub, thread);
    return 0;
}

int green__spawn_own_next(green_hub *hub, green_function *function, void *argument) {
    green_thread *thread = make_own(hub, function, argument);
    if (!thread)
        return -ENOMEM;
    green__run_queue_prepend(hub, thread);
    return 0;
}

static int run_own(green_hub *hub, const char *name, green_function *function, void *argument) {
    green_thread *thread = NULL;
    int error = thread_make(hub, 0, function, argument, &thread);
    if (error < 0)
        return error;
    thread->is_own = thread->must_not_block = true;
    green__thread_set_name(thread, name);
    give_handle(thread, NULL);
    green__run_queue_append(hub, thread);
    return 0;
}

void green__run_in_own_thread(green_hub *hub, const char *name, green_function *function, void *argument) {
    green_thread *current = hub->current;
    green_message_copy saved;
    green__message_save(&saved);
    if (run_own(hub, name, function, argument) == 0)
        return;
    green__message_restore(&saved); /* it belongs to the thread that runs the event loop */
    bool must_not_block = current->must_not_block;
    current->must_not_block = true;
    function(argument);
    current->must_not_block = must_not_block;
}

static void call_unless_begun(green_thread *thread, void *unused) {
    (void)unused;
    if (thread->is_own && thread->must_not_block && !thread->begun)
        thread->function(thread->argument);
}

void green__own_threads_call(green_hub *hub) {
    green__hub_each_thread(hub, call_unless_begun, NULL);
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
