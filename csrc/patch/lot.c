#include "bell.h"

#include "../base/lock.h"

#include <stdio.h>
#include <string.h>

/* How often whoever waits for a lock tries it all the same: it may be unlocked by
 * an object that is not patched, or by another process. And how often it looks
 * whether it has been woken where there is no bell. */
static const int64_t LOOK_FIRST = 1000 * 1000, LOOK_LAST = 50 * 1000 * 1000;

static void in_child(green_lock *lock);

static green_lock lock = GREEN_LOCK_INITIALIZER(in_child);
static green_wait_list lot[GREEN_LOT_BUCKETS]; /* by address, first come first */
uint32_t green__lot_population[GREEN_LOT_BUCKETS];

static green_wait_list *bucket(const void *address) {
    green_wait_list *list = &lot[green__lot_bucket(address)];
    if (!list->next)
        green__list_init(list);
    return list;
}

/* All who are in it are of other OS threads, or of a hub that has been given up. */
static void in_child(green_lock *unused) {
    (void)unused;
    for (size_t i = 0; i < GREEN_LOT_BUCKETS; i++)
        green__list_init(&lot[i]);
    memset(green__lot_population, 0, sizeof green__lot_population);
}

static void enter(green_parked *parked) {
    green__lock(&lock);
    green__list_append(bucket(parked->address), &parked->wait);
    __atomic_add_fetch(&green__lot_population[green__lot_bucket(parked->address)], 1, __ATOMIC_RELAXED);
    green__unlock(&lock);
    green__full_fence();
}

bool green__lot_leave(green_parked *parked) {
    green__lock(&lock);
    green__list_remove(&parked->wait);
    __atomic_sub_fetch(&green__lot_population[green__lot_bucket(parked->address)], 1, __ATOMIC_RELAXED);
    green__unlock(&lock);
    if (parked->bell)
        green__bell_leave(parked->bell);
    return parked->woken;
}

void green__lot_enter(green_hub *hub, green_parked *parked, const void *address, const char *what) {
    *parked = (green_parked){.hub = hub, .address = address, .what = what, .bell = green__bell_join(hub)};
    enter(parked);
}

int green__lot_enroll(void) {
    return green__lock_enroll(&lock);
}

/* Waking ---------------------------------------------------------------------- */

static green_parked *next_of(const green_wait_list *list, const void *address, const green_wait_link *link) {
    for (link = link->next; link != list; link = link->next) {
        green_parked *parked = GREEN_CONTAINER(link, green_parked, wait.link);
        if (parked->address == address)
            return parked;
    }
    return NULL;
}

static void wake(green_parked *parked, void (*ring)(green_bell *bell, green_parked *sleeper)) {
    bool was_sleeping = parked->sleeping;
    parked->woken = true;
    if (!was_sleeping || !parked->bell)
        return;
    parked->sleeping = false;
    ring(parked->bell, parked);
}

static void search(const void *address, bool all, void (*ring)(green_bell *bell, green_parked *sleeper)) {
    const green_wait_list *list = bucket(address);
    for (green_parked *parked = next_of(list, address, list); parked;
         parked = next_of(list, address, &parked->wait.link))
        if (!parked->woken) {
            wake(parked, ring);
            if (!all)
                break;
        }
}

/* In the middle of a fork the lot is closed: who waits for a lock looks again. */
void green__lot_search(const void *address, bool all) {
    if (green__is_forking())
        return;
    green__lock(&lock);
    search(address, all, green__bell_ring);
    green__unlock(&lock);
}

void green__lot_wake_from_handler(const void *address) {
    green__full_fence();
    if (green__lot_is_empty(address))
        return;
    if (green__real.pthread_mutex_trylock(&lock.mutex) != 0)
        return;
    search(address, false, green__bell_ring_from_afar);
    green__unlock(&lock);
}

void green__lot_clear(void) {
    green__lock(&lock);
    for (size_t i = 0; i < GREEN_LOT_BUCKETS; i++)
        for (green_wait_link *link = lot[i].next; link && link != &lot[i]; link = link->next) {
            green_parked *parked = GREEN_CONTAINER(link, green_parked, wait.link);
            if (!parked->woken)
                wake(parked, green__bell_ring);
        }
    green__unlock(&lock);
}

/* In the middle of a fork, or between vfork() and exec. */
static bool cannot_park(const green_hub *hub) {
    return green__is_forking() || green__is_vfork_child(hub);
}

bool green__lot_owes(const green_hub *hub, const void *address) {
    if (green__lot_is_empty(address) || cannot_park(hub))
        return false;
    green__lock(&lock);
    const green_wait_list *list = bucket(address);
    const green_parked *parked = next_of(list, address, list);
    while (parked && !(parked->woken && parked->hub == hub))
        parked = next_of(list, address, &parked->wait.link);
    green__unlock(&lock);
    return parked;
}

/* Sleeping -------------------------------------------------------------------- */

static void end_sleep(green_parked *parked, int error) {
    green__lock(&lock);
    bool was_sleeping = parked->sleeping;
    if (was_sleeping) {
        parked->sleeping = false;
        parked->ended = error;
    }
    green__unlock(&lock);
    if (was_sleeping)
        green__ready(parked->wait.thread);
}

static void cancel(green_wait *wait) {
    end_sleep(GREEN_CONTAINER(wait, green_parked, wait), -EINTR);
}

static void expire(green_timer *timer) {
    end_sleep(GREEN_CONTAINER(timer, green_parked, timer), -ETIMEDOUT);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_parked *parked = GREEN_CONTAINER(wait, const green_parked, wait);
    snprintf(text, size, "in a patched call, waiting for %s", parked->what);
}

static const green_wait_kind heedful = {cancel, describe};
static const green_wait_kind heedless = {NULL, describe};

static bool begin_sleep(green_parked *parked) {
    green__lock(&lock);
    bool sleeps = parked->sleeping = !parked->woken;
    parked->ended = 0;
    green__unlock(&lock);
    return sleeps;
}

static int outcome(green_parked *parked) {
    green__lock(&lock);
    int ended = parked->woken ? 0 : parked->ended;
    parked->woken = false;
    green__unlock(&lock);
    return ended;
}

static int64_t sooner(int64_t one, int64_t other) {
    return other == GREEN_NEVER || (one != GREEN_NEVER && one < other) ? one : other;
}

int green__lot_sleep(green_hub *hub, green_parked *parked, int64_t deadline, bool heeds) {
    if (heeds && hub->current->interrupts)
        return -EINTR;
    if (!parked->bell)
        deadline = sooner(deadline, green__moment(LOOK_FIRST));
    parked->timer = (green_timer){.fire = expire};
    if (deadline != GREEN_NEVER && green__timer_start(&hub->timers, &parked->timer, deadline) < 0) {
        green__give_way(hub); /* without memory for a timer it looks all the time */
        return outcome(parked);
    }
    green__wait_init(hub, &parked->wait, heeds ? &heedful : &heedless);
    if (begin_sleep(parked)) {
        hub->awaited++;
        green__park(hub, &parked->wait);
        hub->awaited--;
    }
    green__timer_cancel(&hub->timers, &parked->timer);
    return outcome(parked);
}

/* Locks ----------------------------------------------------------------------- */

static bool is_over(const green_until *until) {
    return until && green__left_until(until) <= 0;
}

static int wait_and_try(green_hub *hub, green_parked *parked, green_attempt *attempt, const green_until *until) {
    void *address = (void *)parked->address;
    int64_t pause = LOOK_FIRST;
    for (int error, ended = 0;;) {
        if ((error = attempt(address)) != EBUSY || ended == -EINTR || is_over(until))
            return error;
        int64_t look = green__moment(pause);
        ended = green__lot_sleep(hub, parked, until ? sooner(look, green__next_look(until)) : look, until != NULL);
        pause = pause * 2 < LOOK_LAST ? pause * 2 : LOOK_LAST;
    }
}

static int try_in_place(void *address, green_attempt *attempt, const green_until *until) {
    int error;
    while ((error = attempt(address)) == EBUSY && !is_over(until))
        (void)green__wait_in_place(GREEN_NEVER);
    return error == EBUSY ? ETIMEDOUT : error;
}

int green__acquire(green_hub *hub, void *address, green_attempt *attempt, const green_until *until) {
    green_parked parked;
    /* Whoever has been woken would be late for ever where its last owner takes it
     * again at once. Those of other OS threads have a chance of their own. */
    while (green__lot_owes(hub, address))
        green__give_way(hub);
    int error = attempt(address);
    if (error != EBUSY)
        return error;
    if (GREEN_UNLIKELY(cannot_park(hub)))
        return try_in_place(address, attempt, until);
    green__lot_enter(hub, &parked, address, "a lock");
    error = wait_and_try(hub, &parked, attempt, until);
    /* A wake-up that comes too late is nobody's, unless it is made use of. */
    if (green__lot_leave(&parked) && error == EBUSY)
        error = attempt(address);
    if (error != EBUSY)
        return error;
    if (hub->current->interrupts)
        (void)green__deliver(hub->current);
    return ETIMEDOUT;
}
