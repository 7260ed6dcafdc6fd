/* Piles: results in the order of the spawns, errors at their items, waits that
 * end early. */
#include "pools.h"

#include <pthread.h>

static green_pile *make_pile(green_pool *pool) {
    green_pile *pile = NULL;
    CHECK(green_pile_make(&pile, pool), ==, 0);
    CHECK(pile != NULL);
    return pile;
}

static void pile_up(green_pile *pile, green_function *function, void *argument) {
    CHECK(green_pile_spawn(pile, NULL, function, argument, GREEN_FOREVER), ==, 0);
}

static int next_of(green_pile *pile) {
    int result = INT_MAX;
    CHECK(green_pile_next(pile, &result, GREEN_FOREVER), ==, 1);
    CHECK(result, !=, INT_MAX);
    return result;
}

static void check_empty(green_pile *pile) {
    int result = 77;
    CHECK(green_pile_count(pile), ==, 0);
    CHECK(green_pile_next(pile, &result, GREEN_FOREVER), ==, 0);
    CHECK(green_pile_next(pile, &result, 0), ==, 0);
    CHECK(result, ==, 77);
}

static void free_both(green_pile *pile, green_pool *pool) {
    green_pile_free(pile);
    green_pool_free(pool);
}

TEST(empty, "an empty pile is an empty sequence, and does not block") {
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    check_empty(pile);
    free_both(pile, pool);
    green_pile_free(NULL);
}

/* A task that ends after a while with its number. */
struct task {
    int64_t nap;
    int result;
};

static int do_task(void *argument) {
    struct task *task = argument;
    int error = green_sleep(task->nap);
    return error < 0 ? error : task->result;
}

TEST(order, "results are in the order of the spawns, in whatever order the threads finish") {
    static const int64_t naps[] = {4, 0, 3, 1, 2};
    struct task tasks[5];
    green_pool *pool = make_pool(5);
    green_pile *pile = make_pile(pool);
    for (int i = 0; i < 5; i++) {
        tasks[i] = (struct task){naps[i] * GREEN_MILLISECOND, i};
        pile_up(pile, do_task, &tasks[i]);
    }
    CHECK(green_pile_count(pile), ==, 5);
    for (int i = 0; i < 5; i++) {
        CHECK(next_of(pile), ==, i);
        CHECK(green_pile_count(pile), ==, 4 - i);
    }
    check_empty(pile);
    free_both(pile, pool);
}

TEST(errors, "an error is the result of its item, is not reported, and later results follow") {
    int results[] = {1, -EPROTO, 3, -ECANCELED, -EIO, 6};
    green_pool *pool = make_pool(2);
    green_pile *pile = make_pile(pool);
    capture_begin();
    for (int i = 0; i < 6; i++)
        pile_up(pile, give, &results[i]);
    for (int i = 0; i < 6; i++)
        CHECK(next_of(pile), ==, results[i]);
    CHECK_TEXT(capture_end(), "");
    check_empty(pile);
    free_both(pile, pool);
}

/* A task that ends when the door opens. */
struct visitor {
    struct door *door;
    int result;
};

static int visit(void *argument) {
    struct visitor *visitor = argument;
    int error = wait_at(visitor->door);
    return error < 0 ? error : visitor->result;
}

TEST(timeouts, "a next that times out loses nothing") {
    struct door door = {0};
    struct visitor visitor = {&door, 5};
    int value = 6, result = 77;
    green_pool *pool = make_pool(2);
    green_pile *pile = make_pile(pool);
    pile_up(pile, visit, &visitor);
    pile_up(pile, give, &value);
    CHECK(green_pile_next(pile, &result, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "first of 2");
    for (int i = 0; i < 3; i++) {
        CHECK(green_pile_next(pile, &result, GREEN_MILLISECOND), ==, -ETIMEDOUT);
        CHECK_CONTAINS(green_explain(-ETIMEDOUT), "pile");
    }
    CHECK(result, ==, 77);
    CHECK(green_pile_count(pile), ==, 2);
    door.is_open = true;
    CHECK(next_of(pile), ==, 5);
    CHECK(next_of(pile), ==, 6);
    check_empty(pile);
    free_both(pile, pool);
}

/* A thread that asks for the next result. */
struct waiter {
    green_pile *pile;
    green_thread *thread;
    int error, result;
};

static int wait_next(void *argument) {
    struct waiter *waiter = argument;
    waiter->error = green_pile_next(waiter->pile, &waiter->result, 3600 * GREEN_SECOND);
    if (waiter->error == -EBADF)
        CHECK_CONTAINS(green_explain(-EBADF), "freed");
    return 0;
}

static void start_waiters(struct waiter *waiters, int count, green_pile *pile) {
    for (int i = 0; i < count; i++) {
        waiters[i] = (struct waiter){pile, NULL, INT_MAX, INT_MAX};
        waiters[i].thread = start(wait_next, &waiters[i]);
    }
    let_run();
}

static void end_waiter(struct waiter *waiter, int error, int result) {
    CHECK(finish(waiter->thread), ==, 0);
    CHECK(waiter->error, ==, error);
    CHECK(waiter->result, ==, result);
}

TEST(waiters, "several waiters get one result each, in order; those without one learn that the pile is empty") {
    struct door first = {0}, others = {0};
    struct visitor visitors[] = {{&first, 0}, {&others, 1}, {&others, 2}};
    struct waiter waiters[5];
    green_pool *pool = make_pool(3);
    green_pile *pile = make_pile(pool);
    for (int i = 0; i < 3; i++)
        pile_up(pile, visit, &visitors[i]);
    start_waiters(waiters, 5, pile);
    others.is_open = true;
    UNTIL(green_pool_running(pool) == 1);
    CHECK(green_pile_count(pile), ==, 3); /* those wait for the first */
    CHECK(green_thread_kill(waiters[1].thread), ==, 0);
    first.is_open = true;
    end_waiter(&waiters[0], 1, 0);
    end_waiter(&waiters[1], -ECANCELED, INT_MAX);
    end_waiter(&waiters[2], 1, 1);
    end_waiter(&waiters[3], 1, 2);
    end_waiter(&waiters[4], 0, INT_MAX);
    check_empty(pile);
    free_both(pile, pool);
}

static int nap_for(void *argument) {
    green_thread **self = argument;
    *self = green_current();
    CHECK(nap(NULL), ==, -ECANCELED);
    return 4;
}

TEST(given, "a waiter that is killed after it was given its result keeps it") {
    green_thread *napping = NULL;
    struct waiter waiter;
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    pile_up(pile, nap_for, &napping);
    start_waiters(&waiter, 1, pile);
    CHECK(green_thread_kill(napping), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(green_pile_count(pile), ==, 0);
    CHECK(waiter.error, ==, INT_MAX); /* it is ready, and has not run */
    CHECK(green_thread_kill(waiter.thread), ==, 0);
    end_waiter(&waiter, 1, 4);
    free_both(pile, pool);
}

/* Spawns that wait, fail or are killed ----------------------------------------- */

struct spawner {
    green_pile *pile;
    int value, error;
    green_thread *thread;
};

static int spawn_one(void *argument) {
    struct spawner *spawner = argument;
    spawner->error = green_pile_spawn(spawner->pile, NULL, give, &spawner->value, 3600 * GREEN_SECOND);
    return 0;
}

static void start_spawners(struct spawner *spawners, int count, green_pile *pile) {
    for (int i = 0; i < count; i++) {
        spawners[i] = (struct spawner){.pile = pile, .value = i, .error = INT_MAX};
        spawners[i].thread = start(spawn_one, &spawners[i]);
    }
    let_run();
}

TEST(full_pool, "a spawn waits while the pool is full, and a next waits for its result") {
    struct spawner spawners[4];
    struct waiter waiters[4];
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    green_thread *occupant = spawn_in(pool, nap, NULL);
    start_spawners(spawners, 4, pile);
    check_counts(pool, 1, 0, 4);
    start_waiters(waiters, 4, pile);
    CHECK(kill_and_finish(occupant), ==, -ECANCELED);
    for (int i = 0; i < 4; i++)
        end_waiter(&waiters[i], 1, i);
    for (int i = 0; i < 4; i++) {
        CHECK(finish(spawners[i].thread), ==, 0);
        CHECK(spawners[i].error, ==, 0);
    }
    check_empty(pile);
    free_both(pile, pool);
}

TEST(spawn_refused, "a spawn that times out or fails leaves the pile as it was") {
    int value = 3;
    green_spawn_options small = {.stack_size = 1};
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    CHECK(green_pile_spawn(pile, &small, give, &value, 0), ==, -EINVAL);
    green_thread *occupant = spawn_in(pool, nap, NULL);
    CHECK(green_pile_spawn(pile, NULL, give, &value, 0), ==, -ETIMEDOUT);
    CHECK(green_pile_spawn(pile, NULL, give, &value, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    check_empty(pile);
    CHECK(kill_and_finish(occupant), ==, -ECANCELED);
    pile_up(pile, give, &value);
    CHECK(next_of(pile), ==, 3);
    free_both(pile, pool);
}

TEST(spawn_killed, "a killed spawn removes its place, and later places move up") {
    struct spawner spawners[3];
    struct waiter waiters[3];
    green_pool *pool = make_pool(0);
    green_pile *pile = make_pile(pool);
    start_spawners(spawners, 3, pile);
    start_waiters(waiters, 3, pile);
    for (int i = 0; i < 3; i += 2) {
        CHECK(kill_and_finish(spawners[i].thread), ==, 0);
        CHECK(spawners[i].error, ==, -ECANCELED);
    }
    CHECK(green_pile_count(pile), ==, 1);
    CHECK(green_pool_resize(pool, 1), ==, 0);
    CHECK(finish(spawners[1].thread), ==, 0);
    end_waiter(&waiters[0], 1, 1);
    end_waiter(&waiters[1], 0, INT_MAX);
    end_waiter(&waiters[2], 0, INT_MAX);
    free_both(pile, pool);
}

TEST(spawns_killed, "when the last spawn is killed, waiters learn that the pile is empty") {
    struct spawner spawners[2];
    struct waiter waiters[2];
    green_pool *pool = make_pool(0);
    green_pile *pile = make_pile(pool);
    start_spawners(spawners, 2, pile);
    start_waiters(waiters, 2, pile);
    for (int i = 0; i < 2; i++)
        CHECK(kill_and_finish(spawners[i].thread), ==, 0);
    for (int i = 0; i < 2; i++)
        end_waiter(&waiters[i], 0, INT_MAX);
    check_empty(pile);
    free_both(pile, pool);
}

/* Spawns from functions of the pile ----------------------------------------------- */

struct nest {
    green_pile *pile;
    int depth, error, result;
};

static int pile_up_more(void *argument) {
    struct nest *nest = argument;
    int depth = nest->depth--;
    if (depth > 1)
        pile_up(nest->pile, pile_up_more, nest);
    return depth;
}

TEST(in_place_order, "results are in the order of the spawns even if functions are called in place") {
    for (int size = 1; size <= 4; size++) {
        green_pool *pool = make_pool(size);
        struct nest nest = {.pile = make_pile(pool), .depth = 5};
        pile_up(nest.pile, pile_up_more, &nest);
        for (int depth = 5; depth > 0; depth--)
            CHECK(next_of(nest.pile), ==, depth);
        check_empty(nest.pile);
        free_both(nest.pile, pool);
    }
}

static int wait_for_own(void *argument) {
    int result = 0;
    int error = green_pile_next(argument, &result, GREEN_FOREVER);
    CHECK(error, ==, -EDEADLK);
    CHECK_CONTAINS(green_explain(error), "its own result");
    return green_pile_next(argument, &result, 0);
}

static int wait_for_own_in_place(void *argument) {
    int result = 0;
    pile_up(argument, wait_for_own, argument); /* in place: the first of the pile waits for this one */
    CHECK(green_pile_next(argument, &result, 0), ==, -EDEADLK);
    return 9;
}

static int spawn_wait_for_own(void *argument) {
    pile_up(argument, wait_for_own, argument);
    return next_of(argument);
}

TEST(own_result, "a thread that waits for its own result gets -EDEADLK") {
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    pile_up(pile, wait_for_own, pile);
    CHECK(next_of(pile), ==, -EDEADLK);
    pile_up(pile, wait_for_own_in_place, pile);
    CHECK(next_of(pile), ==, 9);
    CHECK(next_of(pile), ==, -EDEADLK);
    CHECK(finish(spawn_in(pool, spawn_wait_for_own, pile)), ==, -EDEADLK);
    check_empty(pile);
    free_both(pile, pool);
}

struct host {
    green_pile *pile;
    struct visitor visitor;
};

static int visit_in_place(void *argument) {
    struct host *host = argument;
    pile_up(host->pile, visit, &host->visitor);
    return 0;
}

TEST(in_place_awaited, "others can wait for a function while it is called in place") {
    struct door door = {0};
    struct waiter waiter;
    green_pool *pool = make_pool(1);
    struct host host = {make_pile(pool), {&door, 8}};
    green_thread *thread = spawn_in(pool, visit_in_place, &host);
    let_run();
    start_waiters(&waiter, 1, host.pile);
    door.is_open = true;
    end_waiter(&waiter, 1, 8);
    CHECK(finish(thread), ==, 0);
    free_both(host.pile, pool);
}

static int pile_up_nap(void *argument) {
    struct nest *nest = argument;
    nest->error = green_pile_spawn(nest->pile, NULL, nap, NULL, GREEN_FOREVER);
    return 0;
}

TEST(in_place_interrupted, "an interrupt of a function that is called in place is its result, and that of the spawn") {
    green_pool *pool = make_pool(1);
    struct nest nest = {.pile = make_pile(pool)};
    green_thread *thread = spawn_in(pool, pile_up_nap, &nest);
    let_run();
    CHECK(green_pile_count(nest.pile), ==, 1);
    CHECK(kill_and_finish(thread), ==, 0);
    CHECK(nest.error, ==, -ECANCELED);
    CHECK(next_of(nest.pile), ==, -ECANCELED);
    check_empty(nest.pile);
    free_both(nest.pile, pool);
}

/* Many, freeing, other OS threads -------------------------------------------------- */

static int64_t running, most;

static int work(void *argument) {
    most = ++running > most ? running : most;
    int error = do_task(argument);
    running--;
    return error;
}

TEST(many_piles, "many piles share a pool and its limit, and each has its own order") {
    enum { PILES = 20, TASKS = 50 };
    static struct task tasks[PILES][TASKS];
    green_pile *piles[PILES];
    green_pool *pool = make_pool(7);
    for (int i = 0; i < PILES; i++)
        piles[i] = make_pile(pool);
    for (int k = 0; k < TASKS; k++)
        for (int i = 0; i < PILES; i++) {
            tasks[i][k] = (struct task){random_below(4) * 10 * GREEN_MICROSECOND, i * TASKS + k};
            pile_up(piles[i], work, &tasks[i][k]);
        }
    for (int i = 0; i < PILES; i++) {
        for (int k = 0; k < TASKS; k++)
            CHECK(next_of(piles[i]), ==, i * TASKS + k);
        check_empty(piles[i]);
        green_pile_free(piles[i]);
    }
    CHECK(most, ==, 7);
    green_pool_free(pool);
}

TEST(freed, "threads of a freed pile keep running, waiters get -EBADF, and dropped errors are reported") {
    int failure = -EPROTO, value = 1;
    struct door door = {0};
    struct visitor visitor = {&door, 1};
    struct waiter waiters[2];
    green_spawn_options options = {.name = "dropped"};
    green_pool *pool = make_pool(3);
    green_pile *pile = make_pile(pool);
    pile_up(pile, visit, &visitor);
    CHECK(green_pile_spawn(pile, &options, give, &failure, 0), ==, 0);
    pile_up(pile, give, &value);
    start_waiters(waiters, 2, pile);
    capture_begin();
    green_pile_free(pile);
    CHECK_CONTAINS(capture_end(), "dropped");
    for (int i = 0; i < 2; i++)
        end_waiter(&waiters[i], -EBADF, INT_MAX);
    CHECK(green_pool_running(pool), ==, 1);
    door.is_open = true;
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    green_pool_free(pool);
}

static int free_pile(void *argument) {
    green_pile_free(argument);
    return 0;
}

static int pile_up_the_end(void *argument) {
    return green_pile_spawn(argument, NULL, free_pile, argument, GREEN_FOREVER);
}

TEST(freed_while_spawning, "a pile may be freed while spawns wait for room, and by a function called in place") {
    struct spawner spawners[3];
    green_pool *pool = make_pool(0);
    green_pile *pile = make_pile(pool);
    start_spawners(spawners, 3, pile);
    green_pile_free(pile);
    CHECK(green_thread_kill(spawners[1].thread), ==, 0);
    CHECK(green_pool_resize(pool, 1), ==, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(finish(spawners[i].thread), ==, 0);
        CHECK(spawners[i].error, ==, i == 1 ? -ECANCELED : 0);
    }
    CHECK(finish(spawn_in(pool, pile_up_the_end, make_pile(pool))), ==, 0);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    green_pool_free(pool);
}

static int dump(void *argument) {
    (void)argument;
    green_dump(STDERR_FILENO);
    return 0;
}

TEST(dumped, "a dump says that a thread waits for a pile") {
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    pile_up(pile, dump, NULL);
    capture_begin();
    CHECK(next_of(pile), ==, 0);
    CHECK_CONTAINS(capture_end(), "waiting for the first of 1 green threads of a pile");
    free_both(pile, pool);
}

static void *use_foreign(void *argument) {
    int value = 0;
    CHECK(green_pile_spawn(argument, NULL, give, &value, 0), ==, -EXDEV);
    CHECK(green_pile_next(argument, &value, 0), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "pile");
    return NULL;
}

static void *use_unused(void *argument) {
    int value = 0;
    CHECK(green_pile_spawn(argument, NULL, give, &value, 0), ==, -EXDEV); /* the pool is elsewhere */
    CHECK(green_pile_count(argument), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static void *add_foreign(void *argument) {
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    CHECK(green_pile_add(pile, argument, NULL), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "another OS thread");
    check_empty(pile);
    free_both(pile, pool);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static void run_elsewhere(void *(*function)(void *), void *argument) {
    pthread_t other;
    CHECK(pthread_create(&other, NULL, function, argument), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
}

TEST(foreign, "a pile belongs to the OS thread that first uses it, and so does its pool") {
    int value = 2;
    green_pool *pool = make_pool(1);
    green_pile *used = make_pile(pool), *unused = make_pile(pool);
    pile_up(used, give, &value);
    run_elsewhere(use_foreign, used);
    run_elsewhere(use_unused, unused);
    CHECK(next_of(used), ==, 2);
    green_pile_free(used);
    free_both(unused, pool);
}

TEST(foreign_thread, "a thread of another OS thread cannot be added to a pile") {
    green_thread *napping = start(nap, NULL);
    run_elsewhere(add_foreign, napping);
    CHECK(kill_and_finish(napping), ==, -ECANCELED);
}

/* Places ------------------------------------------------------------------- */

static void reserve(green_pile *pile, green_pile_place *place, int *context) {
    CHECK(green_pile_reserve(pile, place, context), ==, 0);
}

static void check_next(green_pile *pile, int result, const int *context) {
    int found = INT_MAX;
    void *with = NULL;
    CHECK(green_pile_next_with(pile, &found, &with, GREEN_FOREVER), ==, 1);
    CHECK(found, ==, result);
    CHECK(with == context);
}

TEST(places, "threads that fill reserved places are taken in the order of the places, with their contexts") {
    enum { COUNT = 20 };
    int values[COUNT];
    green_pile_place places[COUNT];
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    for (int i = 0; i < COUNT; i++) {
        values[i] = i;
        reserve(pile, &places[i], &values[i]);
    }
    CHECK(green_pile_count(pile), ==, COUNT);
    for (int i = COUNT - 1; i >= 0; i--) {
        green_thread *thread = i % 3 > 0 ? start(give, &values[i]) : NULL;
        CHECK(green_pile_fill(&places[i], thread));
        green_thread_release(thread);
    }
    for (int i = 0; i < COUNT; i++)
        check_next(pile, i % 3 > 0 ? i : 0, &values[i]);
    pile_up(pile, give, &values[7]);
    check_next(pile, 7, &values[7]);
    check_empty(pile);
    free_both(pile, pool);
}

TEST(added, "running threads, and items without a thread, are added at the end") {
    int values[] = {1, 2, 3};
    struct waiter waiters[4];
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    green_thread *finished = start(give, &values[0]), *napping = start(nap, NULL);
    let_run();
    start_waiters(waiters, 1, pile);
    end_waiter(&waiters[0], 0, INT_MAX); /* the pile is empty */
    CHECK(green_pile_add(pile, napping, &values[1]), ==, 0);
    CHECK(green_pile_add(pile, finished, &values[0]), ==, 0);
    CHECK(green_pile_add(pile, NULL, &values[2]), ==, 0);
    start_waiters(waiters, 4, pile);
    CHECK(kill_and_finish(napping), ==, -ECANCELED);
    end_waiter(&waiters[0], 1, -ECANCELED);
    end_waiter(&waiters[1], 1, 1);
    end_waiter(&waiters[2], 1, 0);
    end_waiter(&waiters[3], 0, INT_MAX);
    CHECK(finish(finished), ==, 1);
    check_empty(pile);
    free_both(pile, pool);
}

TEST(places_cancelled, "cancelled places are skipped, wherever they are") {
    enum { COUNT = 5 };
    for (int mask = 0; mask < 1 << COUNT; mask++) {
        int values[COUNT], left = 0;
        green_pile_place places[COUNT];
        struct waiter waiters[COUNT];
        green_pool *pool = make_pool(1);
        green_pile *pile = make_pile(pool);
        for (int i = 0; i < COUNT; i++) {
            values[i] = i;
            reserve(pile, &places[i], &values[i]);
        }
        start_waiters(waiters, COUNT, pile);
        for (int i = 0; i < COUNT; i++)
            if (mask & 1 << i)
                green_pile_cancel(&places[i]);
        for (int i = COUNT - 1; i >= 0; i--)
            if (!(mask & 1 << i)) {
                green_thread *thread = start(give, &values[i]);
                CHECK(green_pile_fill(&places[i], thread));
                green_thread_release(thread);
            }
        for (int i = 0; i < COUNT; i++)
            if (!(mask & 1 << i))
                end_waiter(&waiters[left++], 1, i);
        while (left < COUNT)
            end_waiter(&waiters[left++], 0, INT_MAX);
        check_empty(pile);
        free_both(pile, pool);
    }
}

TEST(places_freed, "a pile that was freed takes no thread") {
    int value = 1;
    green_pile_place filled, cancelled;
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    reserve(pile, &filled, &value);
    reserve(pile, &cancelled, &value);
    free_both(pile, pool);
    CHECK(!green_pile_fill(&filled, NULL));
    green_pile_cancel(&cancelled);
}

static void *reserve_foreign(void *argument) {
    green_pile_place place;
    CHECK(green_pile_reserve(argument, &place, NULL), ==, -EXDEV);
    CHECK(!green_pile_fill(&place, NULL));
    green_pile_cancel(&place);
    return NULL;
}

TEST(places_once, "a place is filled or cancelled once, and only if it was reserved") {
    int value = 1;
    green_pile_place filled, cancelled;
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    reserve(pile, &filled, &value);
    reserve(pile, &cancelled, &value);
    CHECK(green_pile_fill(&filled, NULL));
    CHECK(!green_pile_fill(&filled, NULL));
    green_pile_cancel(&filled);
    green_pile_cancel(&cancelled);
    green_pile_cancel(&cancelled);
    CHECK(!green_pile_fill(&cancelled, NULL));
    run_elsewhere(reserve_foreign, pile);
    check_next(pile, 0, &value);
    check_empty(pile);
    free_both(pile, pool);
}

TEST(removed, "a removed thread continues to run, and a reserved place is not removed") {
    int value = 1;
    void *context = NULL;
    struct door door = {0};
    struct visitor visitor = {&door, 3};
    green_pile_place place;
    green_pool *pool = make_pool(1);
    green_pile *pile = make_pile(pool);
    CHECK(!green_pile_remove(pile, &context));
    pile_up(pile, visit, &visitor);
    reserve(pile, &place, &value);
    CHECK(green_pile_remove(pile, &context));
    CHECK(context == &visitor);
    CHECK(!green_pile_remove(pile, &context));
    CHECK(green_pool_running(pool), ==, 1);
    CHECK(green_pile_fill(&place, NULL));
    CHECK(green_pile_remove(pile, &context));
    CHECK(context == &value);
    check_empty(pile);
    door.is_open = true;
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    free_both(pile, pool);
}

static void take_in_link(green_thread *thread, void *argument) {
    (void)thread;
    CHECK(next_of(argument), ==, 5);
}

TEST(taken_in_link, "a link of the first thread may take its result, and waiters get the next ones") {
    struct door door = {0};
    struct visitor visitors[] = {{&door, 5}, {&door, 6}};
    struct waiter waiter;
    green_pile_place place;
    green_pool *pool = make_pool(2);
    green_pile *pile = make_pile(pool);
    green_thread *first = start(visit, &visitors[0]);
    CHECK(green_thread_link(first, NULL, take_in_link, pile), ==, 0);
    reserve(pile, &place, NULL);
    CHECK(green_pile_fill(&place, first));
    pile_up(pile, visit, &visitors[1]);
    start_waiters(&waiter, 1, pile);
    door.is_open = true;
    end_waiter(&waiter, 1, 6);
    CHECK(finish(first), ==, 5);
    check_empty(pile);
    free_both(pile, pool);
}
