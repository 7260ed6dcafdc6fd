/* One turn of the loop. */
#include "hub.h"

#include <unistd.h>

/* Nothing is ready, no timer runs and no I/O that anybody waits for is under
 * way: no parked thread can ever go on. The OS thread's own context is always
 * among them, and it is the one whose call fails, because it is the one that
 * would keep the program from ending; the others stay where they are. */
static void report_deadlock(green_hub *hub) {
    green__report("deadlock: every green thread of this OS thread waits for another, so the call of its main context "
                  "fails with EDEADLK");
    green__dump(hub, STDERR_FILENO);
    green_wait *wait = hub->root.wait;
    GREEN_INVARIANT(wait && wait->kind->cancel, "the main context can be interrupted");
    green__end_wait(wait, -EDEADLK);
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

/* Waits until somebody is ready. */
static void idle(green_hub *hub) {
    green__stacks_reclaim(&hub->stacks);
    green__exchange_look_again(hub);
    while (!hub->head) {
        int64_t timeout = until_next_timer(hub);
        if (timeout < 0 && hub->awaited == 0) {
            report_deadlock(hub);
            break;
        }
        green__count(&hub->sight.waits);
        hub->engine->class->turn(hub->engine, timeout);
        green__count(&hub->sight.waits);
        fire_timers(hub);
        if (GREEN_UNLIKELY(green__requests(&hub->sight)))
            green__sight_woken(hub);
    }
}

void green__turn(green_hub *hub) {
    hub->turning = true;
    green__count(&hub->turns);
    if (!hub->head)
        hub->tail = &hub->head; /* it pointed into the mark */
    if (GREEN_UNLIKELY(green__requests(&hub->sight)))
        green__sight_turn(hub);
    if (GREEN_UNLIKELY(green__exchange_has_changed(&hub->exchange)))
        green__exchange_look(hub);
    if (GREEN_UNLIKELY(hub->exchange.checks_stacks))
        green__overflow_check(hub->current); /* it may go on without a switch */
    if (!hub->head) {
        idle(hub);
    } else {
        hub->engine->class->turn(hub->engine, 0);
        if (hub->timers.count > 0)
            fire_timers(hub);
    }
    green__enqueue(hub, &hub->mark);
    hub->turning = false;
}
