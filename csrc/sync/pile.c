/* Piles: the results of threads in the order they were spawned. */
#include "hub_affinity.h"

#include <green/pile.h>

#include <stdio.h>
#include <stdlib.h>

/* A place in the pile, taken before its thread is spawned: the order is that of
 * the spawns also where one waits for room, or calls its function in place. */
struct item {
    green_exit_observer exit_observer;
    green_pile *pile;     /* NULL: freed, while a spawn was under way */
    green_thread *thread; /* retained; NULL: the spawn is under way */
    green_thread *caller; /* of the spawn */
    struct item *next, **place;
};

/* Nobody waits while the first has finished: its result goes straight to the
 * first waiter. */
struct green_pile {
    green_hub *home;
    green_pool *pool;
    struct item *first, **last;
    size_t count;
    green_wait_list waiters;
};

/* A waiter is woken with a result, or with none when the pile is empty, and does
 * not look at the pile again, which may be gone by then. */
struct next {
    green_wait wait;
    const green_pile *pile;
    bool given;
    int result;
};

static void describe_next(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "waiting for the first of %zu green threads of a pile",
             GREEN_CONTAINER(wait, const struct next, wait)->pile->count);
}

static const green_wait_kind awaiting_next = {green__wait_leave_list, describe_next};

static void item_append(green_pile *pile, struct item *item) {
    item->next = NULL;
    item->place = pile->last;
    *pile->last = item;
    pile->last = &item->next;
    pile->count++;
}

static void item_remove(green_pile *pile, struct item *item) {
    *item->place = item->next;
    if (item->next)
        item->next->place = item->place;
    else
        pile->last = item->place;
    pile->count--;
}

static bool has_finished(const struct item *item) {
    return item->thread && item->thread->state == GREEN_DONE;
}

/* Removes the first item, which has finished, and gives its result to a thread. */
static int take_first(green_pile *pile, green_thread *taker) {
    struct item *item = pile->first;
    green_thread *thread = item->thread;
    int result = green__thread_take_result(thread, taker);
    green__exit_observer_remove(&item->exit_observer);
    item_remove(pile, item);
    free(item);
    green_thread_release(thread);
    return result;
}

/* Hands out what can be, after a change: an item that has finished or gone. */
static void settle(green_pile *pile) {
    while (!green__wait_list_is_empty(&pile->waiters) && (!pile->first || has_finished(pile->first))) {
        struct next *next = GREEN_CONTAINER(green__wait_list_take(&pile->waiters), struct next, wait);
        next->given = pile->first != NULL;
        if (next->given)
            next->result = take_first(pile, next->wait.thread);
        green__ready(next->wait.thread);
    }
}

static void item_exited(green_exit_observer *exit_observer, green_thread *thread) {
    (void)thread;
    settle(GREEN_CONTAINER(exit_observer, struct item, exit_observer)->pile);
}

int green_pile_make(green_pile **made, green_pool *pool) {
    green_pile *pile = malloc(sizeof *pile);
    if (!pile)
        return green__fail(-ENOMEM, "making a pile");
    *pile = (green_pile){.pool = pool, .last = &pile->first};
    green__wait_list_init(&pile->waiters);
    *made = pile;
    return 0;
}

static void item_drop(struct item *item) {
    item->pile = NULL;
    if (!item->thread)
        return; /* its spawn sees that there is no pile */
    green__exit_observer_remove(&item->exit_observer);
    green_thread_release(item->thread);
    free(item);
}

void green_pile_free(green_pile *pile) {
    if (!pile)
        return;
    green__wait_list_end(&pile->waiters, -EBADF);
    for (struct item *item = pile->first, *next; item; item = next) {
        next = item->next;
        item_drop(item);
    }
    free(pile);
}

/* A spawn is over; thread is NULL when it has failed. */
static void item_spawned(struct item *item, green_thread *thread) {
    green_pile *pile = item->pile;
    if (!pile || !thread) {
        if (pile) {
            item_remove(pile, item);
            settle(pile);
        }
        green_thread_release(thread);
        free(item);
        return;
    }
    item->thread = thread;
    if (thread->state == GREEN_DONE)
        settle(pile);
    else
        green__exit_observer_add(thread, &item->exit_observer);
}

int green_pile_spawn(green_pile *pile, const green_spawn_options *options, green_function *function, void *argument,
                     int64_t timeout) {
    int error = green__hub_affinity_check(&pile->home, "pile");
    if (error < 0)
        return error;
    struct item *item = malloc(sizeof *item);
    if (!item)
        return green__fail(-ENOMEM, "spawn: no memory for another green thread of a pile");
    *item = (struct item){.exit_observer.ended = item_exited, .pile = pile, .caller = pile->home->current};
    item_append(pile, item);
    green_thread *thread = NULL;
    error = green_pool_spawn(pile->pool, &thread, options, function, argument, timeout);
    item_spawned(item, thread);
    return error;
}

/* Whether what a new waiter waits for, items in their order up to the one that
 * it would get, is among others the caller itself, or is called in place by it. */
static bool awaits_itself(const green_pile *pile) {
    const green_thread *self = pile->home->current;
    size_t ahead = green__wait_list_count(&pile->waiters);
    for (const struct item *item = pile->first; item; item = item->next) {
        if ((item->thread ? item->thread : item->caller) == self)
            return true;
        if (ahead-- == 0)
            return false;
    }
    return false;
}

static int wait_for_next(green_pile *pile, int64_t timeout, int *result) {
    green_hub *hub = pile->home;
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    struct next next = {.pile = pile};
    green__wait_init(hub, &next.wait, &awaiting_next);
    green__wait_list_append(&pile->waiters, &next.wait);
    error = green__wait(hub, &next.wait, timeout);
    if (error == 0 && next.given) {
        *result = next.result;
        return 1;
    }
    if (error < 0 && next.wait.cause == -EBADF)
        green__fail(error, "the pile was freed while a green thread waited for it");
    else if (error < 0 && next.wait.cause == -ETIMEDOUT)
        green__fail(error, "waiting for the first green thread of a pile");
    return error;
}

int green_pile_next(green_pile *pile, int *result, int64_t timeout) {
    int error = green__hub_affinity_check(&pile->home, "pile");
    if (error < 0 || (error = green__check_interrupt(pile->home)) < 0)
        return error;
    if (!pile->first)
        return 0;
    if (has_finished(pile->first)) {
        *result = take_first(pile, green__hub->current);
        return 1;
    }
    if (awaits_itself(pile))
        return green__fail(-EDEADLK, "a green thread of a pile waits for its own result");
    if (timeout == 0)
        return green__fail(-ETIMEDOUT, "the first of %zu green threads of a pile has not finished", pile->count);
    return wait_for_next(pile, timeout, result);
}

size_t green_pile_count(const green_pile *pile) {
    return pile->count;
}
