/* Conditions. A signalled thread is moved to the waiters of its mutex without running, so it
 * parks once, and runs when it holds the mutex. From the signal on, nothing ends its wait
 * early: the signal would be lost. A thread whose wait was ended runs, and then locks the
 * mutex. */
#include "mutex_record.h"

#include <green/condition.h>

#include <stdio.h>
#include <stdlib.h>

struct green_condition {
    green_hub *hub;
    green_foreign_release foreign_release;
    green_wait_list waiters; /* not signalled */
};

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for a condition");
}

static const green_wait_kind awaiting = {green__wait_leave_list, describe};

int green_condition_make(green_condition **made) {
    green_condition *condition = calloc(1, sizeof *condition);
    if (!condition)
        return green__fail(-ENOMEM, "cannot create a condition");
    green__wait_list_init(&condition->waiters);
    *made = condition;
    return 0;
}

static void foreign_released(green_post *post, int error) {
    green_condition *condition = GREEN_CONTAINER(post, green_condition, foreign_release.post);
    if (error < 0)
        free(condition);
    else
        green_condition_free(condition);
}

void green_condition_free(green_condition *condition) {
    if (!condition)
        return;
    if (green__hub_affinity_is_foreign(condition->hub)) {
        if (green__foreign_release(condition->hub, &condition->foreign_release, foreign_released) > 0)
            free(condition);
        return;
    }
    green__wait_list_end(&condition->waiters, -EBADF);
    free(condition);
}

/* Waiting -------------------------------------------------------------------- */

static int explain(int error, int64_t timeout) {
    if (error == -ETIMEDOUT)
        return green__fail_timed_out(timeout, "a condition was not signalled");
    if (error == -EBADF)
        return green__fail(error, "waiting for a condition: it was freed meanwhile");
    if (green__is_explained(error) || error == -EDEADLK)
        return error;
    return green__fail(error, "waiting for a condition");
}

static void add_sleeper(green_mutex *mutex, green_mutex_wait *waiter) {
    green_wait_link *last = mutex->sleepers.previous;
    waiter->sleeper = (green_wait_link){&mutex->sleepers, last};
    last->next = mutex->sleepers.previous = &waiter->sleeper;
}

static void remove_sleeper(green_mutex_wait *waiter) {
    waiter->sleeper.previous->next = waiter->sleeper.next;
    waiter->sleeper.next->previous = waiter->sleeper.previous;
}

/* Ends a wait early: locks the mutex, and returns the error. */
static int give_up(green_mutex_wait *waiter, int error, int64_t timeout) {
    explain(error, timeout);
    int relock = green__mutex_relock(waiter);
    return relock < 0 ? relock : error;
}

/* If the mutex was freed, an interrupt stays pending. */
static int park(green_hub *hub, green_mutex_wait *waiter, int64_t timeout) {
    green__park_for(hub, &waiter->wait, timeout);
    if (GREEN_LIKELY(!waiter->lost && !waiter->wait.cancelled)) {
        waiter->mutex->granted = NULL;
        return 0;
    }
    return waiter->lost ? -EBADF : give_up(waiter, green__wait_error(hub, &waiter->wait), timeout);
}

static int wait_for(green_condition *condition, green_mutex *mutex, int64_t timeout) {
    green_hub *hub = condition->hub;
    green_mutex_wait waiter = {.mutex = mutex};
    int error = green__begin(hub, timeout);
    if (error < 0)
        return explain(error, timeout);
    green__wait_init(hub, &waiter.wait, &awaiting);
    green__wait_list_append(&condition->waiters, &waiter.wait);
    add_sleeper(mutex, &waiter);
    green__mutex_hand_over(mutex);
    error = park(hub, &waiter, timeout);
    if (waiter.lost)
        return green__fail(-EBADF, "waiting for a condition: the mutex was freed meanwhile");
    remove_sleeper(&waiter);
    return error;
}

int green_condition_wait(green_condition *condition, green_mutex *mutex, int64_t timeout) {
    int error = green__hub_affinity_check(&mutex->hub, "mutex");
    if (error < 0 || (error = green__hub_affinity_check(&condition->hub, "condition")) < 0 ||
        (error = green__mutex_check_holder(mutex, "wait for a condition with")) < 0 ||
        (error = green__check_interrupt(condition->hub)) < 0)
        return error;
    return timeout == 0 ? explain(-ETIMEDOUT, timeout) : wait_for(condition, mutex, timeout);
}

/* Waking ---------------------------------------------------------------------- */

static bool wake_first(green_condition *condition) {
    green_wait *first = green__wait_list_take(&condition->waiters);
    if (first)
        green__mutex_relock_later(GREEN_CONTAINER(first, green_mutex_wait, wait));
    return first != NULL;
}

int green_condition_signal(green_condition *condition) {
    int error = green__hub_affinity_check(&condition->hub, "condition");
    if (error == 0)
        wake_first(condition);
    return error;
}

int green_condition_broadcast(green_condition *condition) {
    int error = green__hub_affinity_check(&condition->hub, "condition");
    while (error == 0 && wake_first(condition))
        continue;
    return error;
}

size_t green_condition_waiting(const green_condition *condition) {
    return green__wait_list_count(&condition->waiters);
}
