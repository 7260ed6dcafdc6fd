/* Mutexes. A mutex that is unlocked while threads wait belongs to the first of them at once,
 * before it runs, so no later caller can take it. An exit observer of the holder finds a
 * thread that ends without an unlock. */
#include "mutex_record.h"

#include "../core/thread.h"

#include <stdio.h>
#include <stdlib.h>

static void describe(const green_wait *wait, char *text, size_t size) {
    char label[GREEN_LABEL_MAX];
    const green_mutex *mutex = GREEN_CONTAINER(wait, green_mutex_wait, wait)->mutex;
    snprintf(text, size, "locking a mutex held by %s", green__thread_label(mutex->holder, label, sizeof label));
}

static void leave(green_wait *wait) {
    green_mutex_wait *waiter = GREEN_CONTAINER(wait, green_mutex_wait, wait);
    green__thread_label(waiter->mutex->holder, waiter->holder, sizeof waiter->holder);
    green__wait_leave_list(wait);
}

static const green_wait_kind locking = {leave, describe};

static void describe_relock(const green_wait *wait, char *text, size_t size) {
    char label[GREEN_LABEL_MAX];
    const green_mutex *mutex = GREEN_CONTAINER(wait, green_mutex_wait, wait)->mutex;
    snprintf(text, size, "locking a mutex held by %s, after a wait for a condition",
             green__thread_label(mutex->holder, label, sizeof label));
}

/* A kill stays pending, and a timeout is too late. Only a deadlock has no other end. */
static void leave_if_deadlocked(green_wait *wait) {
    if (wait->cause == -EDEADLK) {
        green__wait_leave_list(wait);
        return;
    }
    wait->cause = 0;
    wait->cancelled = false;
}

static const green_wait_kind relocking = {leave_if_deadlocked, describe_relock};

/* The holder --------------------------------------------------------------- */

static void holder_exited(green_exit_observer *observer, green_thread *thread) {
    green_report report = {.level = GREEN_REPORT_ERROR};
    char label[GREEN_LABEL_MAX];
    green__mutex_hand_over(GREEN_CONTAINER(observer, green_mutex, on_exit));
    green__report_set_thread(&report, thread);
    green__report_about(report,
                        "%s ended while it held a mutex, which is unlocked now: what the mutex protects may be "
                        "incomplete",
                        green__thread_label(thread, label, sizeof label));
}

/* The context of an OS thread has no exit. */
static inline void hold(green_mutex *mutex, green_thread *thread) {
    mutex->holder = thread;
    if (thread->stack)
        green__exit_observer_add(thread, &mutex->on_exit);
}

void green__mutex_hand_over(green_mutex *mutex) {
    green_wait *first = green__wait_list_take(&mutex->waiters);
    mutex->holder = NULL;
    green__exit_observer_remove(&mutex->on_exit);
    if (!first)
        return;
    mutex->granted = GREEN_CONTAINER(first, green_mutex_wait, wait);
    hold(mutex, first->thread);
    green__ready(first->thread);
}

static __attribute__((noinline, cold)) int fail_not_holder(const green_mutex *mutex, const char *verb) {
    char label[GREEN_LABEL_MAX];
    if (!mutex->holder)
        return green__fail(-EPERM, "cannot %s a mutex that no thread holds", verb);
    return green__fail(-EPERM, "cannot %s a mutex that %s holds", verb,
                       green__thread_label(mutex->holder, label, sizeof label));
}

int green__mutex_check_holder(const green_mutex *mutex, const char *verb) {
    return mutex->holder == mutex->hub->current ? 0 : fail_not_holder(mutex, verb);
}

/* Making and freeing ------------------------------------------------------- */

int green_mutex_make(green_mutex **made) {
    green_mutex *mutex = calloc(1, sizeof *mutex);
    if (!mutex)
        return green__fail(-ENOMEM, "cannot create a mutex");
    mutex->on_exit.exited = holder_exited;
    green__wait_list_init(&mutex->waiters);
    green__wait_list_init(&mutex->sleepers);
    *made = mutex;
    return 0;
}

static void foreign_released(green_post *post, int error) {
    green_mutex *mutex = GREEN_CONTAINER(post, green_mutex, foreign_release.post);
    if (error < 0)
        free(mutex);
    else
        green_mutex_free(mutex);
}

/* A thread in green_condition_wait() waits in the list of the condition or in that of the
 * mutex, or is ready. */
static void lose_sleepers(green_mutex *mutex) {
    while (!green__wait_list_is_empty(&mutex->sleepers)) {
        green_wait_link *link = mutex->sleepers.next;
        green_mutex_wait *waiter = GREEN_CONTAINER(link, green_mutex_wait, sleeper);
        link->previous->next = link->next;
        link->next->previous = link->previous;
        waiter->lost = true;
        if (waiter->wait.kind != &relocking)
            green__wait_end(&waiter->wait, -EBADF);
    }
}

static void lose_waiters(green_mutex *mutex) {
    if (mutex->granted)
        mutex->granted->lost = true;
    for (green_wait *wait; (wait = green__wait_list_take(&mutex->waiters));) {
        GREEN_CONTAINER(wait, green_mutex_wait, wait)->lost = true;
        green__ready(wait->thread);
    }
}

void green_mutex_free(green_mutex *mutex) {
    if (!mutex)
        return;
    if (green__hub_affinity_is_foreign(mutex->hub)) {
        if (green__foreign_release(mutex->hub, &mutex->foreign_release, foreign_released) > 0)
            free(mutex);
        return;
    }
    green__exit_observer_remove(&mutex->on_exit);
    lose_sleepers(mutex);
    lose_waiters(mutex);
    free(mutex);
}

/* Locking ------------------------------------------------------------------ */

static inline bool take(green_mutex *mutex) {
    if (mutex->holder)
        return false;
    hold(mutex, mutex->hub->current);
    return true;
}

static int explain(int error, const char *holder, int64_t timeout) {
    if (error == -ETIMEDOUT)
        return green__fail_timed_out(timeout, "cannot lock a mutex: %s did not unlock it", holder);
    if (error == -EBADF)
        return green__fail(error, "locking a mutex: it was freed while a green thread waited for it");
    if (green__is_explained(error) || error == -EDEADLK)
        return error;
    return green__fail(error, "locking a mutex");
}

static __attribute__((noinline, cold)) int fail_at_once(const green_mutex *mutex) {
    char label[GREEN_LABEL_MAX];
    green__thread_label(mutex->holder, label, sizeof label);
    if (mutex->holder == mutex->hub->current)
        return green__fail(-EDEADLK, "%s cannot lock a mutex that it holds already", label);
    return green__fail_timed_out(0, "cannot lock a mutex: %s holds it", label);
}

static int wait_for(green_mutex *mutex, int64_t timeout) {
    if (mutex->holder == mutex->hub->current || timeout == 0)
        return fail_at_once(mutex);
    green_mutex_wait waiter;
    waiter.mutex = mutex;
    waiter.lost = false;
    int error = green__wait_in_list(mutex->hub, &waiter.wait, &locking, &mutex->waiters, timeout);
    if (error == 0 && waiter.lost)
        error = -EBADF;
    if (error < 0)
        return explain(error, waiter.holder, timeout);
    mutex->granted = NULL;
    return 0;
}

int green_mutex_lock(green_mutex *mutex, int64_t timeout) {
    int error = green__hub_affinity_enter(&mutex->hub, "mutex");
    if (error < 0 || take(mutex))
        return error;
    return wait_for(mutex, timeout);
}

int green_mutex_try_lock(green_mutex *mutex) {
    int error = green__hub_affinity_check(&mutex->hub, "mutex");
    return error < 0 ? error : take(mutex);
}

int green_mutex_unlock(green_mutex *mutex) {
    int error = green__hub_affinity_check(&mutex->hub, "mutex");
    if (error < 0 || (error = green__mutex_check_holder(mutex, "unlock")) < 0)
        return error;
    green__mutex_hand_over(mutex);
    return 0;
}

/* For conditions ------------------------------------------------------------ */

void green__mutex_relock_later(green_mutex_wait *waiter) {
    green_mutex *mutex = waiter->mutex;
    waiter->wait.kind = &relocking;
    green__wait_list_append(&mutex->waiters, &waiter->wait);
    if (!mutex->holder)
        green__mutex_hand_over(mutex);
}

int green__mutex_relock(green_mutex_wait *waiter) {
    green_mutex *mutex = waiter->mutex;
    green_hub *hub = mutex->hub;
    if (take(mutex))
        return 0;
    green__wait_init(hub, &waiter->wait, &relocking);
    green__wait_list_append(&mutex->waiters, &waiter->wait);
    int error = green__wait(hub, &waiter->wait, GREEN_FOREVER);
    if (error == 0 && !waiter->lost)
        mutex->granted = NULL;
    return error;
}

/* Its state ------------------------------------------------------------------ */

green_thread *green_mutex_holder(const green_mutex *mutex) {
    return mutex->holder;
}

size_t green_mutex_waiting(const green_mutex *mutex) {
    return green__wait_list_count(&mutex->waiters);
}
