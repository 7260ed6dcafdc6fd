#include "parking_lot.h"

#include "../../base/lock.h"
#include "../../core/interrupt.h"
#include "../../core/virtual_clock.h"
#include "../cancellation.h"
#include "../signal_wait.h"

#include <stdio.h>
#include <string.h>

static void in_child(green_lock *lock);

/* Not held at a fork: an OS thread may wait for this lock while it holds a lock of a library
 * that a fork handler waits for. */
static green_lock lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .forked = in_child, .not_held_at_fork = true};
static green_wait_list lot[GREEN_PARKING_LOT_BUCKETS]; /* by address, in order of arrival */
/* Those that have been woken and have not run since: thousands of them would have to be skipped to
 * find the next one to wake. */
static green_wait_list woken[GREEN_PARKING_LOT_BUCKETS];
static bool missed; /* a signal handler has found the lock held; atomic */
uint32_t green__parking_lot_population[GREEN_PARKING_LOT_BUCKETS];

static green_wait_list *bucket_in(green_wait_list *lists, const void *address) {
    green_wait_list *list = &lists[green__parking_lot_bucket(address)];
    if (!list->next)
        green__wait_list_init(list);
    return list;
}

/* The waiters belong to other OS threads or to the abandoned hub. */
static void in_child(green_lock *unused) {
    (void)unused;
    for (size_t i = 0; i < GREEN_PARKING_LOT_BUCKETS; i++)
        green__wait_list_init(&lot[i]), green__wait_list_init(&woken[i]);
    memset(green__parking_lot_population, 0, sizeof green__parking_lot_population);
}

int green__parking_lot_register_lock(void) {
    return green__lock_register(&lock);
}

/* Waking ------------------------------------------------------------------- */

/* How to wake a sleeper on the OS thread of the caller: by a post, as from any other OS thread, or
 * directly. Callers that may be a signal handler, or about to sleep themselves, need a post. */
enum wake_mode { BY_POST, DIRECTLY };

static void deliver(green_post *post, int error) {
    if (error == 0) /* otherwise its OS thread ends */
        green__ready(GREEN_CONTAINER(post, green_parking_lot_waiter, post)->wait.thread);
}

static void wake(green_parking_lot_waiter *waiter, enum wake_mode mode) {
    bool was_sleeping = waiter->sleeping;
    waiter->woken = true;
    waiter->sleeping = false;
    green__wait_list_remove(&waiter->wait);
    green__wait_list_append(bucket_in(woken, waiter->address), &waiter->wait);
    if (!was_sleeping)
        return;
    if (mode == DIRECTLY && waiter->hub == green__hub)
        green__ready(waiter->wait.thread);
    else
        (void)green__inbox_try_post(waiter->hub, &waiter->post); /* it fails only if the OS thread has ended */
}

static void wake_waiters(enum wake_mode mode) {
    for (size_t i = 0; i < GREEN_PARKING_LOT_BUCKETS; i++)
        while (lot[i].next && !green__wait_list_is_empty(&lot[i]))
            wake(GREEN_CONTAINER(lot[i].next, green_parking_lot_waiter, wait.link), mode);
}

/* Unlocks, and performs the wake-ups of signal handlers that have found the lock held. Their
 * addresses are unknown, so this wakes all waiters. */
static void unlock(void) {
    green__unlock(&lock);
    green__full_fence();
    while (GREEN_UNLIKELY(__atomic_load_n(&missed, __ATOMIC_RELAXED)) &&
           green__real.pthread_mutex_trylock(&lock.mutex) == 0) {
        __atomic_store_n(&missed, false, __ATOMIC_RELAXED);
        wake_waiters(BY_POST);
        green__unlock(&lock);
        green__full_fence();
    }
}

static green_parking_lot_waiter *next_of(const green_wait_list *list, const void *address,
                                         const green_wait_link *link) {
    for (link = link->next; link != list; link = link->next) {
        green_parking_lot_waiter *waiter = GREEN_CONTAINER(link, green_parking_lot_waiter, wait.link);
        if (waiter->address == address)
            return waiter;
    }
    return NULL;
}

/* Returns whether there was a waiter to wake. */
static bool search(const void *address, bool all, enum wake_mode mode) {
    const green_wait_list *list = bucket_in(lot, address);
    green_parking_lot_waiter *waiter = next_of(list, address, list), *next;
    bool any = waiter;
    for (; waiter; waiter = next) {
        next = all ? next_of(list, address, &waiter->wait.link) : NULL;
        wake(waiter, mode);
    }
    return any;
}

bool green__parking_lot_search(const void *address, bool all) {
    if (GREEN_UNLIKELY(green__in_forked_child()))
        return false; /* the waiters belong to the parent */
    green__lock(&lock);
    bool any = search(address, all, DIRECTLY);
    unlock();
    return any;
}

void green__parking_lot_wake_from_handler(const void *address) {
    green__full_fence();
    if (green__parking_lot_is_empty(address))
        return;
    if (green__real.pthread_mutex_trylock(&lock.mutex) != 0) {
        __atomic_store_n(&missed, true, __ATOMIC_RELAXED);
        green__full_fence();
        if (green__real.pthread_mutex_trylock(&lock.mutex) != 0)
            return; /* the holder of the lock wakes the waiters in unlock() */
    }
    (void)search(address, false, BY_POST);
    unlock();
}

void green__parking_lot_wake_all(void) {
    green__lock(&lock);
    wake_waiters(DIRECTLY);
    unlock();
}

bool green__parking_lot_has_pending_wakeup(const green_hub *hub, const void *address) {
    if (green__parking_lot_is_empty(address) || green__cannot_park(hub))
        return false;
    green__lock(&lock);
    const green_wait_list *list = bucket_in(woken, address);
    const green_parking_lot_waiter *waiter = next_of(list, address, list);
    while (waiter && waiter->hub != hub)
        waiter = next_of(list, address, &waiter->wait.link);
    unlock();
    return waiter;
}

/* Waiting ------------------------------------------------------------------ */

void green__parking_lot_enter(green_hub *hub, green_parking_lot_waiter *waiter, const void *address, const char *what) {
    green__signals_begin(hub, GREEN_SIGNALS_IGNORED);
    *waiter = (green_parking_lot_waiter){.hub = hub, .address = address, .what = what, .post.deliver = deliver};
    green__lock(&lock);
    green__wait_list_append(bucket_in(lot, address), &waiter->wait);
    __atomic_add_fetch(&green__parking_lot_population[green__parking_lot_bucket(address)], 1, __ATOMIC_RELAXED);
    unlock();
}

bool green__parking_lot_leave(green_parking_lot_waiter *waiter) {
    green__lock(&lock);
    green__wait_list_remove(&waiter->wait);
    __atomic_sub_fetch(&green__parking_lot_population[green__parking_lot_bucket(waiter->address)], 1, __ATOMIC_RELAXED);
    unlock();
    return waiter->woken;
}

static void end_sleep(green_parking_lot_waiter *waiter, int error) {
    green__lock(&lock);
    bool was_sleeping = waiter->sleeping;
    if (was_sleeping) {
        waiter->sleeping = false;
        waiter->ended = error;
    }
    unlock();
    if (was_sleeping)
        green__ready(waiter->wait.thread);
}

static void cancel(green_wait *wait) {
    int error = wait->cause == -ERESTART ? -ERESTART : -EINTR;
    end_sleep(GREEN_CONTAINER(wait, green_parking_lot_waiter, wait), error);
}

/* For a wait that only signals end, not interrupts. */
static void cancel_by_signal(green_wait *wait) {
    wait->cancelled = wait->cause == -ERESTART;
    if (wait->cancelled)
        cancel(wait);
}

static void expire(green_timer *timer) {
    end_sleep(GREEN_CONTAINER(timer, green_parking_lot_waiter, timer), -ETIMEDOUT);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_parking_lot_waiter *waiter = GREEN_CONTAINER(wait, const green_parking_lot_waiter, wait);
    snprintf(text, size, "in a patched call, waiting for %s", waiter->what);
}

static void cancel_if_due(green_wait *wait) {
    wait->cancelled = wait->cause == -ERESTART || green__cancellation_is_due(wait->thread);
    if (wait->cancelled)
        cancel(wait);
}

static const green_wait_kind kinds[] = {
    [GREEN_PARK_UNINTERRUPTIBLE] = {cancel_by_signal, describe},
    [GREEN_PARK_CANCELLABLE] = {cancel_if_due, describe},
    [GREEN_PARK_INTERRUPTIBLE] = {cancel, describe},
};

static bool is_interrupted(const green_thread *thread, green_parking_lot_interrupts interrupts) {
    if (GREEN_LIKELY(!thread->interrupts) || interrupts == GREEN_PARK_UNINTERRUPTIBLE)
        return false;
    return interrupts == GREEN_PARK_CANCELLABLE ? green__cancellation_is_due(thread) : green__has_new_interrupt(thread);
}

static bool begin_sleep(green_parking_lot_waiter *waiter) {
    green__lock(&lock);
    bool sleeps = waiter->sleeping = !waiter->woken;
    waiter->ended = 0;
    unlock();
    return sleeps;
}

static int outcome(green_parking_lot_waiter *waiter) {
    green__lock(&lock);
    int ended = waiter->woken ? 0 : waiter->ended;
    if (waiter->woken) { /* it may sleep again, ahead of those that have arrived later */
        green__wait_list_remove(&waiter->wait);
        green__wait_list_append(bucket_in(lot, waiter->address)->next, &waiter->wait);
    }
    waiter->woken = false;
    unlock();
    return ended;
}

int green__parking_lot_sleep(green_hub *hub, green_parking_lot_waiter *waiter, int64_t deadline,
                             green_parking_lot_interrupts interrupts) {
    if (is_interrupted(hub->current, interrupts))
        return -EINTR;
    if (!green__signals_enter(hub)) {
        green__signals_leave(hub);
        return -ERESTART;
    }
    waiter->timer = (green_timer){.fire = expire};
    if (deadline != GREEN_NEVER && green__timer_start(&hub->timers, &waiter->timer, deadline) < 0) {
        green__signals_leave(hub);
        green__yield(hub); /* polls if there is no memory for a timer */
        return outcome(waiter);
    }
    green__wait_init(hub, &waiter->wait, &kinds[interrupts]);
    if (begin_sleep(waiter)) {
        hub->io_waiters++;
        green__outside_work_begin(hub);
        green__park(hub, &waiter->wait);
        green__outside_work_end(hub);
        hub->io_waiters--;
    }
    green__signals_leave(hub);
    green__timer_cancel(&hub->timers, &waiter->timer);
    return outcome(waiter);
}

void green__parking_lot_deliver(green_hub *hub) {
    if (hub->current->interrupts)
        (void)green__interrupt_deliver(hub->current);
}
