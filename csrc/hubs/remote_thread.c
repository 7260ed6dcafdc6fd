#include "remote_thread.h"

#include "../core/exit_observer.h"
#include "../core/fork.h"
#include "../core/hub.h"
#include "../core/interrupt.h"
#include "../core/thread.h"
#include "../sync/latch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct green_remote_thread {
    uint32_t references; /* atomic: handles, waits, the thread until it has finished, and a kill on its way */
    uint32_t generation;
    green_hub *hub;   /* counted */
    green_post start; /* the first post that the hub runs for this thread */
    green_post kill;
    uint64_t id; /* atomic; 0 until the thread has started */

    /* Used on the hub's OS thread. */
    green_function *function;
    void *argument;
    green_spawn_options options;
    green_inherited_task *task;
    char name[GREEN_NAME_MAX + 1];
    bool is_own;
    green_thread *thread; /* NULL before it has started and when it has finished */
    green_exit_observer exit_observer, loss_observer;

    green_short_lock lock; /* guards the next two */
    bool kill_posted;
    green_interrupt_reason reason; /* of that kill */

    green_latch finished; /* once it is open, the fields below do not change any more */
    bool lost;            /* the OS thread of the hub ended before the thread had finished */
    bool start_failed;
    int result;
    green_message *message; /* of the result */
    bool observed;          /* atomic: a wait has returned the result */
};

enum { LABEL_MAX = GREEN_LABEL_MAX + 16 };

static const char *label_of(const green_remote_thread *thread, char *text) {
    unsigned long id = __atomic_load_n(&thread->id, __ATOMIC_RELAXED);
    size_t length =
        (size_t)(id ? snprintf(text, LABEL_MAX, "remote thread %lu", id) : snprintf(text, LABEL_MAX, "remote thread"));
    if (*thread->name)
        snprintf(text + length, LABEL_MAX - length, " '%s'", thread->name);
    return text;
}

/* References ------------------------------------------------------------------- */

green_remote_thread *green_remote_thread_retain(green_remote_thread *thread) {
    __atomic_fetch_add(&thread->references, 1, __ATOMIC_RELAXED);
    return thread;
}

static void report_unobserved(green_remote_thread *thread) {
    char label[LABEL_MAX];
    green_report report = {.level = GREEN_REPORT_ERROR,
                           .thread = __atomic_load_n(&thread->id, __ATOMIC_RELAXED),
                           .name = thread->name,
                           .hub = thread->hub->name};
    label_of(thread, label);
    if (thread->lost)
        green__report_about(
            report, "%s did not finish before the OS thread of its hub ended, and no thread waited for it", label);
    else if (thread->result < 0 && thread->result != -ECANCELED)
        green__report_unobserved(report, label, &thread->message, thread->result);
}

/* In a forked child the thread of the parent keeps its reference, so only the handles of
 * threads that had finished are freed there. */
void green_remote_thread_release(green_remote_thread *thread) {
    if (!thread || __atomic_sub_fetch(&thread->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (!thread->observed && !green__is_inherited(thread->generation))
        report_unobserved(thread);
    if (thread->message)
        green__message_free(&thread->message);
    green_hub_release(thread->hub);
    free(thread);
}

/* The end ---------------------------------------------------------------------- */

static void finish(green_remote_thread *thread) {
    green__latch_open(&thread->finished);
    green_remote_thread_release(thread);
}

static void exited(green_exit_observer *observer, green_thread *green) {
    green_remote_thread *thread = GREEN_CONTAINER(observer, green_remote_thread, exit_observer);
    green__exit_observer_remove(&thread->loss_observer);
    green__message_forward(&green->message, green->result, &thread->message);
    green->observed = true; /* by the remote thread, which reports it */
    thread->thread = NULL;
    green_thread_release(green);
    thread->result = green->result;
    finish(thread);
}

static void hub_lost(green_exit_observer *observer, green_thread *root) {
    (void)root;
    green_remote_thread *thread = GREEN_CONTAINER(observer, green_remote_thread, loss_observer);
    thread->lost = true;
    finish(thread);
}

/* The start, in the event loop of the hub or in its thread that spawns ------------ */

/* Frees what a thread that will not start has got. Code of the program: the task-locals of the
 * Task may be the last references to their values. */
static int discard_all(void *argument) {
    green_remote_thread *thread = argument;
    green__task_discard(thread->task);
    if (thread->options.discard)
        thread->options.discard(thread->argument);
    finish(thread);
    return 0;
}

static int start(green_hub *hub, green_remote_thread *thread) {
    green_message_copy saved;
    green__message_save(&saved); /* it belongs to the thread that runs the event loop */
    int error = green_spawn_with(&thread->thread, &thread->options, thread->function, thread->argument);
    if (error < 0) {
        green__message_forward(green__message_slot_of(hub->current), error, &thread->message);
        green__message_restore(&saved);
        return error;
    }
    thread->thread->is_own = thread->is_own;
    if (thread->task) /* without a post, the green thread has inherited by itself */
        thread->thread->task = thread->task;
    thread->exit_observer.exited = exited;
    thread->loss_observer.exited = hub_lost;
    green__exit_observer_add(thread->thread, &thread->exit_observer);
    green__loss_observer_add(hub, &thread->loss_observer);
    __atomic_store_n(&thread->id, thread->thread->id, __ATOMIC_RELAXED);
    return 0;
}

/* Otherwise a hub that gets threads without a pause would never end. */
static bool is_refused(const green_hub *hub, bool is_own) {
    return !is_own && __atomic_load_n(&hub->refuses_threads, __ATOMIC_RELAXED);
}

static void deliver_start(green_post *post, int error) {
    green_remote_thread *thread = GREEN_CONTAINER(post, green_remote_thread, start);
    bool has_ended = error < 0, lost = has_ended || is_refused(thread->hub, thread->is_own);
    if (!lost && (error = start(green__hub, thread)) == 0)
        return;
    thread->result = lost ? -ESRCH : error;
    thread->lost = lost;
    thread->start_failed = !lost;
    thread->observed = lost && !has_ended; /* it was killed, which is not reported */
    if (!thread->options.discard && !thread->task)
        finish(thread);
    else if (has_ended)
        discard_all(thread);
    else
        green__run_in_own_thread(green__hub, "discard", discard_all, thread);
}

static const char *store_name(green_remote_thread *thread, const char *name) {
    strncpy(thread->name, name ? name : "", GREEN_NAME_MAX);
    return *thread->name ? thread->name : NULL;
}

static int spawn(green_hub *hub, green_remote_thread **handle, const green_spawn_options *options,
                 green_function *function, void *argument, bool is_own, bool starts_here) {
    int error = green__stack_size_check(options->stack_size);
    if (error < 0)
        return error;
    if (is_refused(hub, is_own))
        return green__fail(-ESRCH, "cannot spawn a thread on hub '%s': its pool is being closed", hub->name);
    green_remote_thread *thread = malloc(sizeof *thread);
    if (!thread)
        return green__fail(-ENOMEM, "cannot spawn a remote thread");
    *thread = (green_remote_thread){
        .references = handle ? 2 : 1,
        .generation = green__generation,
        .hub = green_hub_retain(hub),
        .start.deliver = deliver_start,
        .function = function,
        .argument = argument,
        .options = *options,
        .is_own = is_own,
    };
    thread->options.name = store_name(thread, options->name);
    if (!is_own && !starts_here)
        thread->task = green__task_inherit_here();
    green__latch_init(&thread->finished);
    if (handle)
        *handle = thread;
    if (starts_here) {
        deliver_start(&thread->start, 0);
        return 0;
    }
    error = green__inbox_post(hub, &thread->start);
    if (error < 0) {
        if (handle)
            *handle = NULL;
        green__task_discard(thread->task);
        green_hub_release(hub);
        free(thread);
    }
    return error;
}

static const green_spawn_options no_options;

int green_hub_spawn(green_hub *hub, green_remote_thread **thread, const green_spawn_options *options,
                    green_function *function, void *argument) {
    return spawn(hub, thread, options ? options : &no_options, function, argument, false, false);
}

int green_hub_spawn_unordered(green_hub *hub, green_remote_thread **thread, const green_spawn_options *options,
                              green_function *function, void *argument) {
    bool starts_here = hub == green__hub_running();
    return spawn(hub, thread, options ? options : &no_options, function, argument, false, starts_here);
}

/* Waiting ---------------------------------------------------------------------- */

static void describe(const green_wait *wait, char *text, size_t size) {
    char label[LABEL_MAX];
    const green_latch *finished = green__latch_of(wait);
    snprintf(text, size, "waiting for %s", label_of(GREEN_CONTAINER(finished, green_remote_thread, finished), label));
}

/* Returns the result of a thread that has finished, and stores its message as the caller's. */
static int take_result(green_remote_thread *thread, int *result) {
    char label[LABEL_MAX];
    __atomic_store_n(&thread->observed, true, __ATOMIC_RELAXED);
    if (thread->lost)
        return green__fail(-ESRCH, "%s did not finish before the OS thread of its hub ended", label_of(thread, label));
    if (green__message_find_in(&thread->message, thread->result))
        green__message_forward(&thread->message, thread->result,
                               green__hub ? green__message_slot_of(green__hub->current) : NULL);
    else if (thread->start_failed)
        green__fail(thread->result, "%s could not start", label_of(thread, label));
    *result = thread->result;
    return 0;
}

static int wait_for(green_remote_thread *thread, int64_t timeout) {
    char label[LABEL_MAX];
    if (green__hub == thread->hub && green__hub->current == thread->thread)
        return green__fail(-EDEADLK, "%s cannot wait for itself", label_of(thread, label));
    int error = timeout == 0 ? -ETIMEDOUT : green__shared_begin(timeout);
    if (error == 0 && green__hub == thread->hub)
        error = green__latch_wait_inside(&thread->finished, describe, timeout);
    else if (error == 0)
        error = green__latch_wait(&thread->finished, describe, timeout);
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "%s has not finished", label_of(thread, label));
    return error;
}

static int check_generation(const green_remote_thread *thread, const char *call) {
    char label[LABEL_MAX];
    if (!green__is_inherited(thread->generation))
        return 0;
    return green__fail(-EXDEV, "%s: %s belongs to the process before the fork", call, label_of(thread, label));
}

int green_remote_thread_wait(green_remote_thread *thread, int *result, int64_t timeout) {
    int error = check_generation(thread, "wait"), unused;
    if (error < 0 || (green__hub && (error = green__check_interrupt(green__hub)) < 0))
        return error;
    green_remote_thread_retain(thread); /* another owner may release the handle during the wait */
    if (!green__latch_is_open(&thread->finished))
        error = wait_for(thread, timeout);
    if (error == 0)
        error = take_result(thread, result ? result : &unused);
    green_remote_thread_release(thread);
    return error;
}

int green_remote_thread_wait_async(green_remote_thread *thread, green_async_wait *wait) {
    int error = check_generation(thread, "wait");
    return error < 0 ? error : green__latch_wait_async(&thread->finished, wait);
}

int green_remote_thread_result(green_remote_thread *thread, int *result) {
    char label[LABEL_MAX];
    int error = check_generation(thread, "result");
    if (error < 0)
        return error;
    if (!green__latch_is_open(&thread->finished))
        return green__fail(-EBUSY, "%s has not finished", label_of(thread, label));
    return take_result(thread, result);
}

int green__hub_call(green_hub *hub, green_function *function, void *argument) {
    static const green_spawn_options options = {.name = "call"};
    green_remote_thread *thread = NULL;
    int result = 0;
    if (hub == green__hub)
        return function(argument);
    if (green__hub && green__hub->current->must_not_block)
        return green__refuse_to_block(green__hub->current);
    int error = spawn(hub, &thread, &options, function, argument, true, false);
    if (error < 0)
        return error;
    green__latch_await(&thread->finished, describe);
    error = take_result(thread, &result);
    green_remote_thread_release(thread);
    return error < 0 ? error : result;
}

int green__hub_call_if_open(const green_hub *hub, green_function *function, void *argument) {
    green_hub *open = green__hub_retain_if_open(hub);
    if (!open && green__hub_is_abandoned(hub))
        return green__fail(-EXDEV, "cannot reach a hub that belongs to the process before the fork");
    if (!open)
        return green__fail(-ESRCH, "cannot reach a hub that has ended");
    int result = green__hub_call(open, function, argument);
    green_hub_release(open);
    return result;
}

/* Kills ------------------------------------------------------------------------ */

/* Ends the kill that is on its way, so that another one can follow. */
static green_interrupt_reason take_kill(green_remote_thread *thread) {
    green__short_lock(&thread->lock);
    green_interrupt_reason reason = thread->reason;
    thread->kill_posted = false;
    thread->reason = (green_interrupt_reason){0};
    green__short_unlock(&thread->lock);
    return reason;
}

static int discard_kill(void *argument) {
    green_remote_thread *thread = argument;
    green_interrupt_reason reason = take_kill(thread);
    green__interrupt_reason_discard(&reason);
    green_remote_thread_release(thread);
    return 0;
}

static void deliver_kill(green_post *post, int error) {
    green_remote_thread *thread = GREEN_CONTAINER(post, green_remote_thread, kill);
    if (error == 0 && thread->thread && !thread->thread->kill.posted) {
        green__thread_kill(thread->thread, take_kill(thread));
        green_remote_thread_release(thread);
    } else if (error == 0 && thread->reason.discard) {
        green__run_in_own_thread(green__hub, "discard", discard_kill, thread);
    } else {
        discard_kill(thread);
    }
}

/* Returns whether the caller must post the kill. */
static bool begin_kill(green_remote_thread *thread, green_interrupt_reason reason) {
    green__short_lock(&thread->lock);
    bool begins = !green__latch_is_open(&thread->finished) && !thread->kill_posted;
    if (begins) {
        thread->kill_posted = true;
        thread->reason = reason;
    }
    green__short_unlock(&thread->lock);
    return begins;
}

int green_remote_thread_kill_with(green_remote_thread *thread, void *value, void (*discard)(void *reason)) {
    green_interrupt_reason reason = {value, discard};
    int error = check_generation(thread, "kill");
    if (error < 0 || !begin_kill(thread, reason)) {
        green__interrupt_reason_discard(&reason); /* it has finished, or another kill came first */
        return error;
    }
    thread->kill.deliver = deliver_kill;
    error = green__inbox_post(thread->hub, &green_remote_thread_retain(thread)->kill);
    if (error < 0)
        discard_kill(thread);
    return error;
}

int green_remote_thread_kill(green_remote_thread *thread) {
    return green_remote_thread_kill_with(thread, NULL, NULL);
}

bool green_remote_thread_is_finished(const green_remote_thread *thread) {
    return green__latch_is_open(&thread->finished);
}

green_hub *green_remote_thread_hub(const green_remote_thread *thread) {
    return thread->hub;
}
