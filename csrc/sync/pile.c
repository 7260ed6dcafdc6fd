/* Piles: groups whose items are taken in the order in which they were added. */
#include "../core/exit_observer.h"
#include "../core/fork.h"
#include "../core/thread.h"
#include "kill_and_wait.h"
#include "takers.h"

#include <green/pile.h>

#include <stdlib.h>

enum { CAPACITY_MIN = 8, CAPACITY_KEPT = 1024 };

/* An item is added before its thread is spawned. So the order is that of the spawns
 * even if a spawn waits for room or calls its function in place. */
struct item {
    green_thread *thread;    /* retained; NULL if reserved, or finished without a thread */
    green_pile_place *place; /* of a reserved item; NULL once it is filled */
    void *context;
};

struct green_pile {
    green_takers takers;
    green_pool *pool;
    struct item *items;                 /* a ring buffer */
    size_t capacity;                    /* of items: a power of two, or 0 */
    size_t first, end;                  /* the numbers of the first item and of the next one */
    green_exit_observer first_observer; /* of the first thread, while takers wait */
    void (*discard)(void *context);     /* called with those of the items that are left; NULL: none */
    green_foreign_release foreign_release;
};

static struct item *item_at(const green_pile *pile, size_t number) {
    return &pile->items[number & (pile->capacity - 1)];
}

static bool grow(green_pile *pile) {
    size_t capacity = pile->capacity > 0 ? 2 * pile->capacity : CAPACITY_MIN;
    struct item *items = calloc(capacity, sizeof *items);
    if (!items)
        return false;
    for (size_t number = pile->first; number != pile->end; number++)
        items[number & (capacity - 1)] = *item_at(pile, number);
    free(pile->items);
    pile->items = items;
    pile->capacity = capacity;
    return true;
}

static void shrink(green_pile *pile) {
    if (pile->capacity <= CAPACITY_KEPT)
        return;
    free(pile->items);
    pile->items = NULL;
    pile->capacity = 0;
}

static struct item item_take_first(green_pile *pile) {
    struct item item = *item_at(pile, pile->first++);
    if (pile->first_observer.place)
        green__exit_observer_remove(&pile->first_observer);
    if (--pile->takers.count == 0)
        shrink(pile);
    return item;
}

static bool has_finished(const struct item *item) {
    return !item->place && (!item->thread || item->thread->state == GREEN_DONE);
}

/* Removes the first item, which has finished, and passes its result to taker. */
static inline green_taken result_take(green_pile *pile, green_thread *taker) {
    struct item item = item_take_first(pile);
    green_taken taken = {.item = item.context,
                         .result = item.thread ? green__thread_take_result(item.thread, taker) : 0};
    green_thread_release(item.thread);
    return taken;
}

/* Serves the takers when the first thread ends. */
static void watch_first(green_pile *pile) {
    const struct item *first = item_at(pile, pile->first);
    if (!first->place && !pile->first_observer.place)
        green__exit_observer_add(first->thread, &pile->first_observer);
}

/* Passes finished items to takers, and watches the first unfinished one. */
static __attribute__((noinline)) void serve_takers(green_pile *pile) {
    green_takers *takers = &pile->takers;
    green__takers_check_empty(takers);
    for (green_thread *taker; (taker = green__takers_first(takers));) {
        if (!has_finished(item_at(pile, pile->first))) {
            watch_first(pile);
            return;
        }
        green__takers_give(takers, result_take(pile, taker));
    }
}

static inline void settle(green_pile *pile) {
    if (GREEN_UNLIKELY(green__takers_first(&pile->takers) != NULL))
        serve_takers(pile);
}

static void first_exited(green_exit_observer *observer, green_thread *thread) {
    (void)thread;
    settle(GREEN_CONTAINER(observer, green_pile, first_observer));
}

int green_pile_make(green_pile **made, green_pool *pool) {
    green_pile *pile = malloc(sizeof *pile);
    if (!pile)
        return green__fail(-ENOMEM, "cannot create a pile");
    *pile = (green_pile){
        .takers = {.object = "pile", .which = "first"}, .pool = pool, .first_observer.exited = first_exited};
    green__wait_list_init(&pile->takers.waiting);
    *made = pile;
    return 0;
}

static void destroy(green_pile *pile) {
    for (size_t number = pile->first; number != pile->end; number++) {
        struct item item = *item_at(pile, number);
        if (item.place)
            item.place->pile = NULL;
        if (pile->discard)
            pile->discard(item.context);
        green_thread_release(item.thread);
    }
    free(pile->items);
    free(pile);
}

static void foreign_released(green_post *post, int error) {
    green_pile *pile = GREEN_CONTAINER(post, green_pile, foreign_release.post);
    if (error < 0)
        destroy(pile);
    else
        green_pile_free(pile);
}

void green_pile_free(green_pile *pile) {
    if (!pile)
        return;
    if (green__hub_affinity_is_foreign(pile->takers.hub)) {
        if (green__foreign_release(pile->takers.hub, &pile->foreign_release, foreign_released) > 0)
            destroy(pile); /* its threads never exit */
        return;
    }
    green__wait_list_end(&pile->takers.waiting, -EBADF);
    green__exit_observer_remove(&pile->first_observer);
    destroy(pile);
}

void green_pile_free_with(green_pile *pile, void (*discard)(void *context)) {
    if (!pile)
        return;
    pile->discard = discard;
    green_pile_free(pile);
}

static inline int append(green_pile *pile, struct item item) {
    if (pile->takers.count == pile->capacity && !grow(pile))
        return green__fail(-ENOMEM, "cannot add a green thread to a pile");
    *item_at(pile, pile->end++) = item;
    pile->takers.count++;
    return 0;
}

int green_pile_add(green_pile *pile, green_thread *thread, void *context) {
    int error = thread ? green__thread_check_hub(thread, "cannot add to a pile") : 0;
    if (error == 0)
        error = green__hub_affinity_check(&pile->takers.hub, "pile");
    if (error < 0 || (error = append(pile, (struct item){.thread = thread, .context = context})) < 0)
        return error;
    if (thread)
        green_thread_retain(thread);
    settle(pile);
    return 0;
}

int green_pile_reserve(green_pile *pile, green_pile_place *place, void *context) {
    *place = (green_pile_place){0};
    int error = green__hub_affinity_check(&pile->takers.hub, "pile");
    if (error < 0)
        return error;
    size_t number = pile->end;
    error = append(pile, (struct item){.place = place, .context = context});
    if (error == 0)
        *place = (green_pile_place){pile, pile->takers.hub->current, number};
    return error;
}

bool green_pile_fill(green_pile_place *place, green_thread *thread) {
    green_pile *pile = place->pile;
    if (!pile)
        return false;
    place->pile = NULL;
    struct item *item = item_at(pile, place->number);
    item->place = NULL;
    item->thread = thread ? green_thread_retain(thread) : NULL;
    settle(pile);
    return true;
}

void green_pile_cancel(green_pile_place *place) {
    green_pile *pile = place->pile;
    if (!pile)
        return;
    place->pile = NULL;
    pile->takers.count--;
    pile->end--;
    for (size_t number = place->number; number != pile->end; number++) {
        struct item *item = item_at(pile, number);
        *item = *item_at(pile, number + 1);
        if (item->place)
            item->place->number = number;
    }
    settle(pile);
}

int green_pile_spawn(green_pile *pile, const green_spawn_options *options, green_function *function, void *argument,
                     int64_t timeout) {
    green_pile_place place;
    int error = green_pile_reserve(pile, &place, argument);
    if (error < 0)
        return error;
    green_thread *thread = NULL;
    error = green_pool_spawn(pile->pool, &thread, options, function, argument, timeout);
    if (thread)
        (void)green_pile_fill(&place, thread);
    else
        green_pile_cancel(&place);
    green_thread_release(thread);
    return error;
}

/* Whether the caller would wait for itself: it runs one of the items up to the one
 * that it would get. */
static bool awaits_itself(const green_pile *pile) {
    const green_thread *self = pile->takers.hub->current;
    size_t ahead = green__wait_list_count(&pile->takers.waiting);
    for (size_t number = pile->first; number != pile->end; number++) {
        const struct item *item = item_at(pile, number);
        if ((item->place ? item->place->caller : item->thread) == self)
            return true;
        if (ahead-- == 0)
            return false;
    }
    return false;
}

static int take(green_pile *pile, green_taken *taken, int64_t timeout) {
    green_takers *takers = &pile->takers;
    int error = green__hub_affinity_enter(&takers->hub, takers->object);
    if (error < 0 || takers->count == 0)
        return error;
    if (has_finished(item_at(pile, pile->first))) {
        *taken = result_take(pile, takers->hub->current);
        settle(pile); /* in a link of the first thread, takers may still wait */
        return 1;
    }
    if (awaits_itself(pile))
        return green__fail(-EDEADLK, "a green thread of a pile waits for its own result");
    if (timeout == 0)
        return green__fail_timed_out(0, "the first of %zu green threads of a pile has not finished", takers->count);
    watch_first(pile);
    return green__takers_wait(takers, taken, timeout);
}

int green_pile_next_with(green_pile *pile, int *result, void **context, int64_t timeout) {
    green_taken taken;
    int found = take(pile, &taken, timeout);
    if (found != 1)
        return found;
    if (result)
        *result = taken.result;
    if (context)
        *context = taken.item;
    return 1;
}

int green_pile_next(green_pile *pile, int *result, int64_t timeout) {
    return green_pile_next_with(pile, result, NULL, timeout);
}

int green_pile_kill_all(green_pile *pile) {
    int error = green__hub_affinity_check(&pile->takers.hub, "pile");
    for (size_t number = pile->first; error == 0 && number != pile->end; number++) {
        green_thread *thread = item_at(pile, number)->thread;
        if (thread)
            green__thread_kill_unless_current(thread);
    }
    return error;
}

static void each_thread(void *object, void (*visit)(green_thread *, void *), void *context) {
    const green_pile *pile = object;
    for (size_t number = pile->first; number != pile->end; number++) {
        green_thread *thread = item_at(pile, number)->thread;
        if (thread)
            visit(thread, context);
    }
}

int green_pile_kill_all_and_wait(green_pile *pile, int64_t timeout) {
    int error = green__hub_affinity_check(&pile->takers.hub, "pile");
    return error < 0 ? error : green__kill_and_wait(pile->takers.hub, each_thread, pile, timeout);
}

bool green_pile_remove(green_pile *pile, void **context) {
    if (pile->takers.count == 0 || item_at(pile, pile->first)->place)
        return false;
    struct item item = item_take_first(pile);
    *context = item.context;
    green_thread_release(item.thread);
    settle(pile);
    return true;
}

size_t green_pile_count(const green_pile *pile) {
    return pile->takers.count;
}
