#include "../../base/lock.h"
#include "notifier.h"

#include <stdio.h>
#include <string.h>

/* How often a sleeper that has no bell looks whether it has been woken. */
static const int64_t LOOK = 1000 * 1000;

static void in_child(green_lock *lock);

/* A fork does not wait for it: the lock may be wanted by an OS thread that has one
 * of somebody else's, which a handler of the fork waits for. */
static green_lock lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .forked = in_child, .not_held_at_fork = true};
static green_wait_list lot[GREEN_PARKING_LOT_BUCKETS]; /* by address, first come first */
static bool missed;                                    /* a handler has found the lock taken; atomic */
uint32_t green__parking_lot_population[GREEN_PARKING_LOT_BUCKETS];

static green_wait_list *bucket(const void *address) {
    green_wait_list *list = &lot[green__parking_lot_bucket(address)];
    if (!list->next)
        green__wait_list_init(list);
    return list;
}

/* All who are in it are of other OS threads, or of a hub that has been given up. */
static void in_child(green_lock *unused) {
    (void)unused;
    for (size_t i = 0; i < GREEN_PARKING_LOT_BUCKETS; i++)
        green__wait_list_init(&lot[i]);
    memset(green__parking_lot_population, 0, sizeof green__parking_lot_population);
    green__notifiers_forked();
}

int green__parking_lot_register_lock(void) {
    return green__lock_register(&lock);
}

/* Waking ---------------------------------------------------------------------- */

typedef void ring_function(green_notifier *bell, green_parking_lot_waiter *sleeper);

static void wake(green_parking_lot_waiter *parked, ring_function *ring) {
    bool was_sleeping = parked->sleeping;
    parked->woken = true;
    if (!was_sleeping || !parked->bell)
        return;
    parked->sleeping = false;
    ring(parked->bell, parked);
}

static void wake_everybody(ring_function *ring) {
    for (size_t i = 0; i < GREEN_PARKING_LOT_BUCKETS; i++)
        for (green_wait_link *link = lot[i].next; link && link != &lot[i]; link = link->next) {
            green_parking_lot_waiter *parked = GREEN_CONTAINER(link, green_parking_lot_waiter, wait.link);
            if (!parked->woken)
                wake(parked, ring);
        }
}

/* Nobody knows whom the handler would have woken. It is by the bell, since the
 * caller may be about to sleep itself. */
static void unlock(void) {
    green__unlock(&lock);
    green__full_fence();
    while (GREEN_UNLIKELY(__atomic_load_n(&missed, __ATOMIC_RELAXED)) &&
           green__real.pthread_mutex_trylock(&lock.mutex) == 0) {
        __atomic_store_n(&missed, false, __ATOMIC_RELAXED);
        wake_everybody(green__notifier_wake_by_eventfd);
        green__unlock(&lock);
        green__full_fence();
    }
}

static green_parking_lot_waiter *next_of(const green_wait_list *list, const void *address,
                                         const green_wait_link *link) {
    for (link = link->next; link != list; link = link->next) {
        green_parking_lot_waiter *parked = GREEN_CONTAINER(link, green_parking_lot_waiter, wait.link);
        if (parked->address == address)
            return parked;
    }
    return NULL;
}

static void search(const void *address, bool all, ring_function *ring) {
    const green_wait_list *list = bucket(address);
    for (green_parking_lot_waiter *parked = next_of(list, address, list); parked;
         parked = next_of(list, address, &parked->wait.link))
        if (!parked->woken) {
            wake(parked, ring);
            if (!all)
                break;
        }
}

void green__parking_lot_search(const void *address, bool all) {
    if (GREEN_UNLIKELY(green__in_forked_child()))
        return; /* those who wait are the parent's */
    green__lock(&lock);
    search(address, all, green__notifier_wake);
    unlock();
}

void green__parking_lot_wake_from_handler(const void *address) {
    green__full_fence();
    if (green__parking_lot_is_empty(address))
        return;
    if (green__real.pthread_mutex_trylock(&lock.mutex) != 0) {
        __atomic_store_n(&missed, true, __ATOMIC_RELAXED);
        green__full_fence();
        if (green__real.pthread_mutex_trylock(&lock.mutex) != 0)
            return; /* whoever has it sees to it */
    }
    search(address, false, green__notifier_wake_by_eventfd);
    unlock();
}

void green__parking_lot_wake_all(void) {
    green__lock(&lock);
    wake_everybody(green__notifier_wake);
    unlock();
}

bool green__parking_lot_has_pending_wakeup(const green_hub *hub, const void *address) {
    if (green__parking_lot_is_empty(address) || green__cannot_park(hub))
        return false;
    green__lock(&lock);
    const green_wait_list *list = bucket(address);
    const green_parking_lot_waiter *parked = next_of(list, address, list);
    while (parked && !(parked->woken && parked->hub == hub))
        parked = next_of(list, address, &parked->wait.link);
    unlock();
    return parked;
}

/* Being in it ------------------------------------------------------------------- */

void green__parking_lot_enter(green_hub *hub, green_parking_lot_waiter *parked, const void *address, const char *what) {
    *parked = (green_parking_lot_waiter){
        .hub = hub, .address = address, .what = what, .bell = green__notifier_subscribe(hub)};
    green__lock(&lock);
    green__wait_list_append(bucket(address), &parked->wait);
    __atomic_add_fetch(&green__parking_lot_population[green__parking_lot_bucket(address)], 1, __ATOMIC_RELAXED);
    unlock();
}

bool green__parking_lot_leave(green_parking_lot_waiter *parked) {
    green__lock(&lock);
    green__wait_list_remove(&parked->wait);
    __atomic_sub_fetch(&green__parking_lot_population[green__parking_lot_bucket(parked->address)], 1, __ATOMIC_RELAXED);
    unlock();
    if (parked->bell)
        green__notifier_unsubscribe(parked->bell);
    return parked->woken;
}

static void end_sleep(green_parking_lot_waiter *parked, int error) {
    green__lock(&lock);
    bool was_sleeping = parked->sleeping;
    if (was_sleeping) {
        parked->sleeping = false;
        parked->ended = error;
    }
    unlock();
    if (was_sleeping)
        green__ready(parked->wait.thread);
}

static void cancel(green_wait *wait) {
    end_sleep(GREEN_CONTAINER(wait, green_parking_lot_waiter, wait), -EINTR);
}

static void expire(green_timer *timer) {
    end_sleep(GREEN_CONTAINER(timer, green_parking_lot_waiter, timer), -ETIMEDOUT);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_parking_lot_waiter *parked = GREEN_CONTAINER(wait, const green_parking_lot_waiter, wait);
    snprintf(text, size, "in a patched call, waiting for %s", parked->what);
}

static const green_wait_kind heedful = {cancel, describe};
static const green_wait_kind heedless = {NULL, describe};

static bool begin_sleep(green_parking_lot_waiter *parked) {
    green__lock(&lock);
    bool sleeps = parked->sleeping = !parked->woken;
    parked->ended = 0;
    unlock();
    return sleeps;
}

static int outcome(green_parking_lot_waiter *parked) {
    green__lock(&lock);
    int ended = parked->woken ? 0 : parked->ended;
    parked->woken = false;
    unlock();
    return ended;
}

int green__parking_lot_sleep(green_hub *hub, green_parking_lot_waiter *parked, int64_t deadline, bool heeds) {
    if (heeds && hub->current->interrupts)
        return -EINTR;
    if (!parked->bell)
        deadline = green__deadline_earlier(deadline, green__deadline_after(LOOK));
    parked->timer = (green_timer){.fire = expire};
    if (deadline != GREEN_NEVER && green__timer_start(&hub->timers, &parked->timer, deadline) < 0) {
        green__yield(hub); /* without memory for a timer it looks all the time */
        return outcome(parked);
    }
    green__wait_init(hub, &parked->wait, heeds ? &heedful : &heedless);
    if (begin_sleep(parked)) {
        hub->io_waiters++;
        green__park(hub, &parked->wait);
        hub->io_waiters--;
    }
    green__timer_cancel(&hub->timers, &parked->timer);
    return outcome(parked);
}

void green__parking_lot_deliver(green_hub *hub) {
    if (hub->current->interrupts)
        (void)green__interrupt_deliver(hub->current);
}
