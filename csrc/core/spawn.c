/* Spawns: makes the record and the stack of a thread, with what it inherits. */
#include "exit_observer.h"
#include "hub.h"
#include "interrupt.h"
#include "local.h"
#include "thread.h"

#include <errno.h>
#include <stdlib.h>

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
    thread->begun = thread->completed_inline = thread->observed = thread->is_own = false;
    thread->must_not_block = GREEN_MAY_BLOCK;
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
    thread->shield = NULL;
    thread->deliveries = 0;
    thread->last_timeout = 0;
    thread->last_timeout_length = 0;
    thread->kill = (green_interrupt){.error = -ECANCELED, .delivered = green__kill_delivered};
    thread->reason = (green_interrupt_reason){0};
    thread->signals = (green_thread_signals){0};
    thread->signal_mask = NULL;
}

int green__stack_size_check(size_t stack_size) {
    if (stack_size == 0 || stack_size >= GREEN_STACK_MIN)
        return 0;
    return green__fail(-EINVAL, "cannot spawn: stack_size is %zu and must be at least %d", stack_size, GREEN_STACK_MIN);
}

/* Makes a thread that is in no queue yet, whose stack calls green__thread_main(). */
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
    thread->sp = green__context(thread->stack->top, green__thread_main, thread);
    green__counter_increment(&hub->threads);
    hub->spawned++;
    if (hub->threads > hub->most_threads)
        hub->most_threads = hub->threads;
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

/* A thread that is dropped with its spawner. It exists until the thread has ended. */
struct tie {
    green_exit_observer spawner, spawned;
    green_thread *thread;
};

static void spawner_exited(green_exit_observer *observer, green_thread *spawner) {
    (void)spawner;
    green_thread *thread = GREEN_CONTAINER(observer, struct tie, spawner)->thread;
    if (!thread->begun)
        green__thread_kill_unless_current(thread);
}

static void spawned_exited(green_exit_observer *observer, green_thread *thread) {
    (void)thread;
    struct tie *tie = GREEN_CONTAINER(observer, struct tie, spawned);
    green__exit_observer_remove(&tie->spawner);
    free(tie);
}

static int tie(green_thread *spawner, green_thread *thread) {
    struct tie *tie = malloc(sizeof *tie);
    if (!tie)
        return green__fail(-ENOMEM, "cannot spawn a green thread that is dropped with its spawner");
    *tie = (struct tie){{.exited = spawner_exited}, {.exited = spawned_exited}, thread};
    green__exit_observer_add(spawner, &tie->spawner);
    green__exit_observer_add(thread, &tie->spawned);
    return 0;
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
    if (options->dropped_with_spawner && (error = tie(hub->current, thread)) < 0) {
        thread_unmake(hub, thread);
        return error;
    }
    if (options->delay <= 0) {
        green__run_queue_append(hub, thread);
    } else if (green__timer_start(&hub->timers, &thread->start, green__time_add(green_now(), options->delay)) < 0) {
        green__exit_observers_run(thread);
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
    thread->is_own = true;
    thread->must_not_block = GREEN_IN_DESTRUCTOR;
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
    uint8_t must_not_block = current->must_not_block;
    current->must_not_block = GREEN_IN_DESTRUCTOR;
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
