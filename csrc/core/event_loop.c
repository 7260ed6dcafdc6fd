#include "event_loop.h"

#include "fork.h"
#include "hub.h"
#include "interrupt.h"
#include "main_queue.h"
#include "stack_overflow.h"
#include "virtual_clock.h"

#include <unistd.h>

/* What other OS threads can do is counted as I/O: to complete an offloaded call, to send to a
 * promise or a channel, to release a patched lock. Anything else, such as a spawn by a callback,
 * needs a reference to the hub, or comes through the main queue. So an OS thread that could end
 * a wait is always known. */
static bool is_deadlocked(const green_hub *hub, int64_t timeout) {
    return timeout < 0 && hub->io_waiters == 0 && !green__hub_is_shared(hub) && !green__inbox_has_posts(&hub->inbox);
}

/* No parked thread can ever continue. The context of the OS thread is always one of them. Its
 * call fails, because it is the one that keeps the program from ending. The others stay
 * parked. */
static void report_deadlock(green_hub *hub) {
    green__report(
        "deadlock: all green threads of this OS thread wait for each other. No timer runs, no I/O or offloaded call is "
        "pending, and no other OS thread can end a wait, because none has a reference to this hub and no thread waits "
        "for a promise or a channel. So the call of its main context fails with EDEADLK. If a callback, a Task or "
        "another OS thread should have ended a wait, wait for a promise or a channel instead, or keep a reference to "
        "the hub");
    green__diagnostics_hooks.dump(hub, STDERR_FILENO);
    green_wait *wait = hub->root.wait;
    GREEN_INVARIANT(wait && wait->kind->cancel, "the main context can be interrupted");
    green__wait_end(wait, -EDEADLK);
}

/* A hub waits at most 146 years at a time: the kernel adds the wait to its clock, and a
 * sum that overflows expires at once. */
static const int64_t WAIT_MAX = INT64_MAX / 2;

/* Nanoseconds until the next timer: 0 if it is due, negative if there is none. */
static int64_t until_next_timer(const green_hub *hub) {
    if (hub->timers.count == 0)
        return GREEN_FOREVER;
    int64_t left = hub->timers.entries[0].at - green_now();
    if (left <= 0)
        return 0;
    return left < WAIT_MAX ? left : WAIT_MAX;
}

static void fire_timers(green_hub *hub) {
    hub->now = green_now();
    green__timers_fire(&hub->timers, hub->now);
}

/* Waits in the kernel for up to timeout nanoseconds, unless there are posts. */
static void wait_in_kernel(green_hub *hub, int64_t timeout) {
    bool sleeps = timeout != 0 && green__inbox_sleep(&hub->inbox);
    green__counter_increment(&hub->registration.waits);
    hub->engine->class->poll(hub->engine, sleeps ? timeout : 0);
    green__counter_increment(&hub->registration.waits);
    if (sleeps)
        green__inbox_awake(&hub->inbox);
}

/* The same under a virtual clock, which passes the next timer at once if nothing else can
 * make a thread ready. */
static void wait_in_virtual_time(green_hub *hub, int64_t timeout) {
    green_virtual_wait wait;
    wait_in_kernel(hub, green__virtual_wait_begin(&wait, hub, timeout));
    green__virtual_wait_end(&wait, hub);
}

static void wait_for_anything(green_hub *hub, int64_t timeout) {
    if (GREEN_UNLIKELY(hub->has_virtual_clock))
        wait_in_virtual_time(hub, timeout);
    else
        wait_in_kernel(hub, timeout);
}

void green__event_loop_poll(green_hub *hub, int64_t timeout) {
    hub->in_event_loop = true;
    green_task_state task = green__task_state_take(&hub->switch_state.task_words);
    wait_in_kernel(hub, timeout);
    if (green__inbox_has_posts(&hub->inbox))
        green__inbox_run(&hub->inbox);
    green__task_state_restore(&hub->switch_state.task_words, &task);
    hub->in_event_loop = false;
}

/* Waits, although the hub is deadlocked, for code of the main queue. Returns false if there
 * will be none. */
static bool wait_for_main_queue(green_hub *hub) {
    int64_t timeout = green__main_queue_time(hub);
    if (timeout != 0)
        wait_in_kernel(hub, timeout);
    return timeout != 0;
}

/* Waits in the kernel until a thread is ready. */
static void idle(green_hub *hub) {
    green__stacks_reclaim(&hub->stacks);
    green__switch_state_rescan(&hub->switch_state);
    while (!hub->head) {
        int64_t timeout = until_next_timer(hub);
        if (!is_deadlocked(hub, timeout)) {
            wait_for_anything(hub, timeout);
        } else if (!wait_for_main_queue(hub)) {
            report_deadlock(hub);
            break;
        }
        fire_timers(hub);
        if (green__inbox_has_posts(&hub->inbox))
            green__inbox_run(&hub->inbox);
        if (GREEN_UNLIKELY(green__hub_timing(&hub->registration)))
            green__diagnostics_hooks.wait_ended(hub);
    }
}

void green__event_loop_iterate(green_hub *hub) {
    GREEN_INVARIANT(hub == green__hub || green__hub_is_abandoned(hub), "a hub runs on its own OS thread");
    hub->in_event_loop = true;
    /* What completions and posts call does not belong to the Task of the thread that parks. */
    green_task_state task = green__task_state_take(&hub->switch_state.task_words);
    green__counter_increment(&hub->loop_iterations);
    if (!hub->head)
        hub->tail = &hub->head; /* the tail pointed into the mark */
    if (GREEN_UNLIKELY(green__hub_timing(&hub->registration)))
        green__diagnostics_hooks.iteration_began(hub);
    if (GREEN_UNLIKELY(green__switch_hooks_changed(&hub->switch_state)))
        green__switch_state_scan(&hub->switch_state);
    if (GREEN_UNLIKELY(hub->switch_state.checks_stacks))
        green__stack_overflow_check(hub->current); /* it may continue without a switch */
    if (!hub->head) {
        idle(hub);
    } else {
        hub->engine->class->poll(hub->engine, 0);
        if (hub->timers.count > 0)
            fire_timers(hub);
        if (GREEN_UNLIKELY(green__inbox_has_posts(&hub->inbox)))
            green__inbox_run(&hub->inbox);
    }
    green__run_queue_append(hub, &hub->mark);
    green__task_state_restore(&hub->switch_state.task_words, &task);
    hub->in_event_loop = false;
}
