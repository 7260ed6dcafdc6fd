/* Read-write locks. Waits are served strictly in order, so neither readers nor writers are
 * starved. Each thread that holds a lock has a hold, which is an exit observer of the
 * thread: so an unlock finds the hold among those of its thread, and the end of a thread
 * releases it. The hold of the writer is part of the lock, so a writer needs no memory. */
#include "hub_affinity.h"

#include "../core/exit_observer.h"
#include "../core/thread.h"

#include <green/rwlock.h>

#include <stdio.h>
#include <stdlib.h>

enum { HOLDERS_MAX = 2 * GREEN_LABEL_MAX };

/* A thread that holds a lock. */
struct hold {
    green_exit_observer on_exit; /* of the thread */
    green_rwlock *lock;
    green_thread *thread;
    struct rwlock_wait *granted;  /* while the thread has not run since it got the lock */
    struct hold *next, *previous; /* in holds; next also in unused */
};

struct green_rwlock {
    green_hub *hub;
    bool writes;        /* the only hold is `writer`, which has not been downgraded */
    struct hold writer; /* also that of a thread that has downgraded its lock */
    struct hold *holds; /* the last one first */
    struct hold *unused;
    size_t holding;
    green_wait_list waiters;
    green_foreign_release foreign_release;
};

/* The lock may be freed before the thread runs again: it uses the lock only if it got it and
 * `lost` is false. */
struct rwlock_wait {
    green_wait wait;
    green_rwlock *lock;
    struct hold *hold; /* for the lock; of a reader: owned until it gets the lock */
    bool writes;
    bool granted;
    bool lost;                 /* the lock was freed */
    char holders[HOLDERS_MAX]; /* when the wait was ended early */
};

static const char *verb_of(bool writes) {
    return writes ? "writing" : "reading";
}

/* "thread 7 'worker'", or "thread 7 'worker' and 2 others". */
static const char *describe_holders(const green_rwlock *lock, char *text, size_t size) {
    char label[GREEN_LABEL_MAX];
    green__thread_label(lock->holds->thread, label, sizeof label);
    if (lock->holding == 1)
        snprintf(text, size, "%s", label);
    else
        snprintf(text, size, "%s and %zu other%s", label, lock->holding - 1, lock->holding == 2 ? "" : "s");
    return text;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const struct rwlock_wait *waiter = GREEN_CONTAINER(wait, struct rwlock_wait, wait);
    char holders[HOLDERS_MAX];
    snprintf(text, size, "locking a read-write lock for %s, held for %s by %s", verb_of(waiter->writes),
             verb_of(waiter->lock->writes), describe_holders(waiter->lock, holders, sizeof holders));
}

/* Holds ----------------------------------------------------------------------- */

static void attach(green_rwlock *lock, struct hold *hold, green_thread *thread) {
    hold->lock = lock;
    hold->thread = thread;
    hold->granted = NULL;
    hold->previous = NULL;
    hold->next = lock->holds;
    if (hold->next)
        hold->next->previous = hold;
    lock->holds = hold;
    lock->holding++;
    if (thread->stack) /* the context of an OS thread has no exit */
        green__exit_observer_add(thread, &hold->on_exit);
}

static void detach(green_rwlock *lock, struct hold *hold) {
    *(hold->previous ? &hold->previous->next : &lock->holds) = hold->next;
    if (hold->next)
        hold->next->previous = hold->previous;
    lock->holding--;
    green__exit_observer_remove(&hold->on_exit);
    if (hold == &lock->writer)
        return;
    hold->next = lock->unused;
    lock->unused = hold;
}

static void holder_exited(green_exit_observer *observer, green_thread *thread);

/* A thread has few exit observers. The context of an OS thread has none, but reads few locks. */
static struct hold *hold_of(const green_rwlock *lock, const green_thread *thread) {
    if (thread->stack) {
        for (green_exit_observer *observer = thread->exit_observers; observer; observer = observer->next)
            if (observer->exited == holder_exited && GREEN_CONTAINER(observer, struct hold, on_exit)->lock == lock)
                return GREEN_CONTAINER(observer, struct hold, on_exit);
        return NULL;
    }
    struct hold *hold = lock->holds;
    while (hold && hold->thread != thread)
        hold = hold->next;
    return hold;
}

static struct hold *reader_make(green_rwlock *lock) {
    struct hold *hold = lock->unused;
    if (hold) {
        lock->unused = hold->next;
        return hold;
    }
    hold = calloc(1, sizeof *hold);
    if (hold)
        hold->on_exit.exited = holder_exited;
    else
        green__fail(-ENOMEM, "cannot lock a read-write lock for reading");
    return hold;
}

/* Serving waits ---------------------------------------------------------------- */

static bool is_free(const green_rwlock *lock, bool writes) {
    return writes ? !lock->holds : !lock->writes;
}

static bool may_read(const green_rwlock *lock) {
    return !lock->writes && green__wait_list_is_empty(&lock->waiters);
}

static void take(green_rwlock *lock, struct hold *hold, bool writes, green_thread *thread) {
    attach(lock, hold, thread);
    lock->writes = writes;
}

/* Grants the lock to the waiters that are first in line. */
static void serve(green_rwlock *lock) {
    while (!green__wait_list_is_empty(&lock->waiters)) {
        green_wait *first = GREEN_CONTAINER(lock->waiters.next, green_wait, link);
        struct rwlock_wait *waiter = GREEN_CONTAINER(first, struct rwlock_wait, wait);
        if (!is_free(lock, waiter->writes))
            return;
        green__wait_list_remove(first);
        take(lock, waiter->hold, waiter->writes, first->thread);
        waiter->hold->granted = waiter;
        waiter->granted = true;
        green__ready(first->thread);
    }
}

static void release(green_rwlock *lock, struct hold *hold) {
    detach(lock, hold);
    lock->writes = false;
    serve(lock);
}

/* Those behind it may be readers that can proceed now. */
static void leave(green_wait *wait) {
    struct rwlock_wait *waiter = GREEN_CONTAINER(wait, struct rwlock_wait, wait);
    describe_holders(waiter->lock, waiter->holders, sizeof waiter->holders);
    green__wait_leave_list(wait);
    serve(waiter->lock);
}

static const green_wait_kind locking = {leave, describe};

static void holder_exited(green_exit_observer *observer, green_thread *thread) {
    green_report report = {.level = GREEN_REPORT_ERROR};
    char label[GREEN_LABEL_MAX];
    struct hold *hold = GREEN_CONTAINER(observer, struct hold, on_exit);
    const char *verb = verb_of(hold->lock->writes);
    release(hold->lock, hold);
    green__report_set_thread(&report, thread);
    green__report_about(report, "%s ended while it held a read-write lock for %s, which is unlocked now",
                        green__thread_label(thread, label, sizeof label), verb);
}

/* Making and freeing ----------------------------------------------------------- */

int green_rwlock_make(green_rwlock **made) {
    green_rwlock *lock = calloc(1, sizeof *lock);
    if (!lock)
        return green__fail(-ENOMEM, "cannot create a read-write lock");
    lock->writer.on_exit.exited = holder_exited;
    green__wait_list_init(&lock->waiters);
    *made = lock;
    return 0;
}

static void free_memory(green_rwlock *lock) {
    for (struct hold *hold; (hold = lock->unused);) {
        lock->unused = hold->next;
        free(hold);
    }
    free(lock);
}

/* Its hub has ended: only the context of the OS thread can still hold the lock. */
static void free_after_end(green_rwlock *lock) {
    for (struct hold *hold; (hold = lock->holds);) {
        lock->holds = hold->next;
        if (hold != &lock->writer)
            free(hold);
    }
    free_memory(lock);
}

static void foreign_released(green_post *post, int error) {
    green_rwlock *lock = GREEN_CONTAINER(post, green_rwlock, foreign_release.post);
    if (error < 0)
        free_after_end(lock);
    else
        green_rwlock_free(lock);
}

void green_rwlock_free(green_rwlock *lock) {
    if (!lock)
        return;
    if (green__hub_affinity_is_foreign(lock->hub)) {
        if (green__foreign_release(lock->hub, &lock->foreign_release, foreign_released) > 0)
            free_after_end(lock);
        return;
    }
    for (green_wait *wait; (wait = green__wait_list_take(&lock->waiters));) {
        GREEN_CONTAINER(wait, struct rwlock_wait, wait)->lost = true;
        green__ready(wait->thread);
    }
    while (lock->holds) {
        if (lock->holds->granted)
            lock->holds->granted->lost = true;
        detach(lock, lock->holds);
    }
    free_memory(lock);
}

/* Locking ------------------------------------------------------------------------ */

static int explain(int error, const struct rwlock_wait *waiter, int64_t timeout) {
    const char *verb = verb_of(waiter->writes);
    if (error == -ETIMEDOUT)
        return green__fail_timed_out(timeout, "cannot lock a read-write lock for %s: %s did not unlock it", verb,
                                     waiter->holders);
    if (error == -EBADF)
        return green__fail(error, "locking a read-write lock for %s: it was freed while a green thread waited for it",
                           verb);
    if (green__is_explained(error) || error == -EDEADLK)
        return error;
    return green__fail(error, "locking a read-write lock for %s", verb);
}

static __attribute__((noinline, cold)) int fail_at_once(const green_rwlock *lock, bool writes) {
    char holders[HOLDERS_MAX], label[GREEN_LABEL_MAX];
    if (hold_of(lock, lock->hub->current))
        return green__fail(-EDEADLK, "%s cannot lock a read-write lock for %s: it holds it for %s already",
                           green__thread_label(lock->hub->current, label, sizeof label), verb_of(writes),
                           verb_of(lock->writes));
    return green__fail_timed_out(0, "cannot lock a read-write lock for %s: %s holds it for %s%s", verb_of(writes),
                                 describe_holders(lock, holders, sizeof holders), verb_of(lock->writes),
                                 writes || lock->writes ? "" : ", and a writer waits");
}

static int wait_for(green_rwlock *lock, struct hold *hold, bool writes, int64_t timeout) {
    struct rwlock_wait waiter;
    waiter.lock = lock;
    waiter.hold = hold;
    waiter.writes = writes;
    waiter.granted = waiter.lost = false;
    int error = green__wait_in_list(lock->hub, &waiter.wait, &locking, &lock->waiters, timeout);
    if (error == 0 && waiter.lost)
        error = -EBADF;
    if (error == 0)
        hold->granted = NULL;
    else if (!writes && !waiter.granted)
        free(hold); /* not for the lock to reuse, which may have been freed */
    return error < 0 ? explain(error, &waiter, timeout) : 0;
}

int green_rwlock_read_lock(green_rwlock *lock, int64_t timeout) {
    int error = green__hub_affinity_enter(&lock->hub, "read-write lock");
    if (error < 0)
        return error;
    bool is_granted = may_read(lock);
    if (hold_of(lock, lock->hub->current) || (!is_granted && timeout == 0))
        return fail_at_once(lock, false);
    struct hold *hold = reader_make(lock);
    if (!hold)
        return -ENOMEM;
    if (!is_granted)
        return wait_for(lock, hold, false, timeout);
    take(lock, hold, false, lock->hub->current);
    return 0;
}

int green_rwlock_write_lock(green_rwlock *lock, int64_t timeout) {
    int error = green__hub_affinity_enter(&lock->hub, "read-write lock");
    if (error < 0)
        return error;
    if (lock->holds && (timeout == 0 || hold_of(lock, lock->hub->current)))
        return fail_at_once(lock, true);
    if (lock->holds)
        return wait_for(lock, &lock->writer, true, timeout);
    take(lock, &lock->writer, true, lock->hub->current);
    return 0;
}

int green_rwlock_try_read_lock(green_rwlock *lock) {
    int error = green__hub_affinity_check(&lock->hub, "read-write lock");
    if (error < 0)
        return error;
    if (!may_read(lock) || hold_of(lock, lock->hub->current))
        return 0;
    struct hold *hold = reader_make(lock);
    if (!hold)
        return -ENOMEM;
    take(lock, hold, false, lock->hub->current);
    return 1;
}

int green_rwlock_try_write_lock(green_rwlock *lock) {
    int error = green__hub_affinity_check(&lock->hub, "read-write lock");
    if (error < 0)
        return error;
    if (lock->holds)
        return 0;
    take(lock, &lock->writer, true, lock->hub->current);
    return 1;
}

/* Unlocking ---------------------------------------------------------------------- */

static __attribute__((noinline, cold)) int fail_not_holder(const green_rwlock *lock, const char *verb) {
    char holders[HOLDERS_MAX];
    if (!lock->holds)
        return green__fail(-EPERM, "cannot %s a read-write lock that no thread holds", verb);
    return green__fail(-EPERM, "cannot %s a read-write lock that %s holds for %s", verb,
                       describe_holders(lock, holders, sizeof holders), verb_of(lock->writes));
}

int green_rwlock_unlock(green_rwlock *lock) {
    int error = green__hub_affinity_check(&lock->hub, "read-write lock");
    if (error < 0)
        return error;
    struct hold *hold = hold_of(lock, lock->hub->current);
    if (!hold)
        return fail_not_holder(lock, "unlock");
    release(lock, hold);
    return 0;
}

int green_rwlock_downgrade(green_rwlock *lock) {
    int error = green__hub_affinity_check(&lock->hub, "read-write lock");
    if (error < 0)
        return error;
    if (!lock->writes || lock->writer.thread != lock->hub->current)
        return fail_not_holder(lock, "downgrade");
    lock->writes = false;
    serve(lock);
    return 0;
}

/* Its state ------------------------------------------------------------------------ */

size_t green_rwlock_readers(const green_rwlock *lock) {
    return lock->writes ? 0 : lock->holding;
}

green_thread *green_rwlock_writer(const green_rwlock *lock) {
    return lock->writes ? lock->writer.thread : NULL;
}

size_t green_rwlock_waiting(const green_rwlock *lock) {
    return green__wait_list_count(&lock->waiters);
}
