/* Kills of all threads of a pool, a pile or an array. */
#include "pools.h"

static int seven = 7, three = 3;

TEST(pool, "a kill of all threads of a pool ends those that run, drops those that have not begun, and no other") {
    green_pool *pool = make_pool(3);
    green_thread *other = start(nap, NULL);
    green_thread *members[] = {spawn_in(pool, nap, NULL), spawn_in(pool, nap, NULL)};
    let_run();
    green_thread *unbegun = NULL;
    green_spawn_options options = {.discard = discard_mark};
    CHECK(green_pool_spawn(pool, &unbegun, &options, mark_it, "d", GREEN_FOREVER), ==, 0);
    CHECK(green_pool_kill_all(pool), ==, 0);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    check_counts(pool, 0, 3, 0);
    CHECK_TEXT(marks(), "d");
    CHECK(finish(members[0]), ==, -ECANCELED);
    CHECK(finish(members[1]), ==, -ECANCELED);
    CHECK(finish(unbegun), ==, -ECANCELED);
    CHECK(!green_thread_is_finished(other));
    CHECK(kill_and_finish(other), ==, -ECANCELED);
    CHECK(green_pool_kill_all(pool), ==, 0); /* there is nothing to kill */
    green_pool_free(pool);
}

static int kill_from_inside(void *pool) {
    CHECK(green_pool_kill_all(pool), ==, 0);
    return green_yield();
}

TEST(inside, "a thread of a pool that kills all is not killed itself") {
    green_pool *pool = make_pool(2);
    green_thread *other = spawn_in(pool, nap, NULL), *killer = spawn_in(pool, kill_from_inside, pool);
    CHECK(finish(killer), ==, 0);
    CHECK(finish(other), ==, -ECANCELED);
    green_pool_free(pool);
}

static int spawn_and_wait(void *pool) {
    return finish(spawn_in(pool, give, &seven));
}

TEST(waiting, "a spawn that waits for room proceeds after all threads were killed") {
    green_pool *pool = make_pool(1);
    green_thread *member = spawn_in(pool, nap, NULL), *spawner = start(spawn_and_wait, pool);
    let_run();
    CHECK(green_pool_waiting(pool), ==, 1);
    CHECK(green_pool_kill_all(pool), ==, 0);
    CHECK(finish(member), ==, -ECANCELED);
    CHECK(finish(spawner), ==, 7);
    green_pool_free(pool);
}

TEST(pile, "a kill of all threads of a pile leaves the results, in their order") {
    green_pool *pool = make_pool(3);
    green_pile *pile = NULL;
    int result = 0;
    CHECK(green_pile_make(&pile, pool), ==, 0);
    CHECK(green_pile_spawn(pile, NULL, give, &seven, GREEN_FOREVER), ==, 0);
    CHECK(green_pile_spawn(pile, NULL, nap, NULL, GREEN_FOREVER), ==, 0);
    let_run();
    CHECK(green_pile_add(pile, NULL, NULL), ==, 0);
    CHECK(green_pile_kill_all(pile), ==, 0);
    int expected[] = {7, -ECANCELED, 0};
    for (int i = 0; i < 3; i++) {
        CHECK(green_pile_next(pile, &result, GREEN_FOREVER), ==, 1);
        CHECK(result, ==, expected[i]);
    }
    CHECK(green_pile_next(pile, &result, GREEN_FOREVER), ==, 0);
    green_pile_free(pile);
    green_pool_free(pool);
}

TEST(array, "a kill of an array of threads spares the caller and what has finished") {
    green_thread *threads[] = {start(nap, NULL), start(give, &three), green_thread_retain(green_current())};
    let_run();
    CHECK(green_kill_all(threads, 3), ==, 0);
    CHECK(green_kill_all(threads, 0), ==, 0);
    CHECK(finish(threads[0]), ==, -ECANCELED);
    CHECK(finish(threads[1]), ==, 3);
    CHECK(green_yield(), ==, 0);
    green_thread_release(threads[2]);
}

/* Kills that wait ---------------------------------------------------------------- */

static int refuse(void *argument) {
    int yields = *(int *)argument;
    CHECK(nap(NULL), ==, -ECANCELED);
    while (yields-- > 0)
        CHECK(green_yield(), ==, 0);
    mark('r');
    return 0;
}

TEST(pool_and_wait, "a kill of a pool waits for the ends of its threads, however long they take") {
    int yields = 20;
    green_pool *pool = make_pool(3);
    green_thread *other = start(nap, NULL), *member = spawn_in(pool, refuse, &yields);
    let_run();
    green_spawn_options options = {.discard = discard_mark};
    CHECK(green_pool_spawn(pool, NULL, &options, mark_it, "d", GREEN_FOREVER), ==, 0);
    CHECK(green_pool_kill_all_and_wait(pool, GREEN_FOREVER), ==, 0);
    CHECK_TEXT(marks(), "dr");
    check_counts(pool, 0, 3, 0);
    CHECK(finish(member), ==, 0);
    CHECK(green_pool_kill_all_and_wait(pool, 0), ==, 0); /* there is nothing to kill */
    CHECK(kill_and_finish(other), ==, -ECANCELED);
    green_pool_free(pool);
}

TEST(pile_and_wait, "a kill of a pile waits for the ends, and the results are left") {
    int yields = 3, result = 0;
    green_pool *pool = make_pool(3);
    green_pile *pile = NULL;
    CHECK(green_pile_make(&pile, pool), ==, 0);
    CHECK(green_pile_spawn(pile, NULL, refuse, &yields, GREEN_FOREVER), ==, 0);
    CHECK(green_pile_spawn(pile, NULL, nap, NULL, GREEN_FOREVER), ==, 0);
    let_run();
    CHECK(green_pile_kill_all_and_wait(pile, GREEN_FOREVER), ==, 0);
    CHECK_TEXT(marks(), "r");
    CHECK(green_pile_next(pile, &result, 0), ==, 1);
    CHECK(result, ==, 0);
    CHECK(green_pile_next(pile, &result, 0), ==, 1);
    CHECK(result, ==, -ECANCELED);
    green_pile_free(pile);
    green_pool_free(pool);
}

TEST(group_and_wait, "a kill of a group that times out or is interrupted has killed the threads nevertheless") {
    int yields = 100;
    green_group *group = NULL;
    green_timeout *timeout = NULL;
    CHECK(green_group_make(&group), ==, 0);
    CHECK(green_group_spawn(group, NULL, NULL, refuse, &yields), ==, 0);
    CHECK(green_group_spawn(group, NULL, NULL, nap, NULL), ==, 0);
    let_run();
    CHECK(green_timeout_start(&timeout, 0), ==, 0);
    CHECK(green_group_kill_all_and_wait(group, GREEN_FOREVER), ==, -ETIME);
    green_timeout_free(timeout);
    CHECK(green_group_kill_all_and_wait(group, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "2 of 2 killed green threads have not finished");
    CHECK(green_group_kill_all_and_wait(group, GREEN_FOREVER), ==, -0);
    CHECK(green_group_finished(group), ==, 2);
    CHECK_TEXT(marks(), "r");
    green_group_free(group);
}

static int kill_and_wait_inside(void *group) {
    CHECK(green_group_kill_all_and_wait(group, GREEN_FOREVER), ==, 0);
    return 7;
}

TEST(inside_and_wait, "a thread of a group that kills all waits for the others") {
    green_group *group = NULL;
    green_thread *killer = NULL;
    CHECK(green_group_make(&group), ==, 0);
    CHECK(green_group_spawn(group, NULL, NULL, nap, NULL), ==, 0);
    let_run();
    CHECK(green_group_spawn(group, &killer, NULL, kill_and_wait_inside, group), ==, 0);
    CHECK(finish(killer), ==, 7);
    CHECK(green_group_finished(group), ==, 2);
    green_group_free(group);
}

struct freed_group {
    green_group *group;
    int result;
};

static int kill_and_wait_freed(void *argument) {
    struct freed_group *call = argument;
    call->result = green_group_kill_all_and_wait(call->group, GREEN_FOREVER);
    return 0;
}

TEST(freed_and_wait, "a group may be freed while a thread waits for its killed threads") {
    int yields = 20;
    struct freed_group call = {.result = 1};
    CHECK(green_group_make(&call.group), ==, 0);
    CHECK(green_group_spawn(call.group, NULL, NULL, refuse, &yields), ==, 0);
    let_run();
    green_thread *killer = start(kill_and_wait_freed, &call);
    CHECK(green_yield(), ==, 0);
    green_group_free(call.group);
    CHECK(finish(killer), ==, 0);
    CHECK(call.result, ==, 0);
    CHECK_TEXT(marks(), "r");
}

/* Threads that are dropped with their spawner ------------------------------------ */

struct tied {
    int64_t delay;
    green_thread *thread;
    bool outlives; /* the spawner ends after the thread has begun */
};

static int spawn_tied(void *argument) {
    struct tied *tied = argument;
    green_spawn_options options = {.delay = tied->delay, .dropped_with_spawner = true, .discard = discard_mark};
    CHECK(green_spawn_with(&tied->thread, &options, mark_it, "x"), ==, 0);
    return tied->outlives ? green_sleep(5 * GREEN_MILLISECOND) : 0;
}

TEST(dropped, "a thread that is dropped with its spawner never runs if the spawner ends first") {
    struct tied tied = {.delay = 3600 * GREEN_SECOND};
    CHECK(finish(start(spawn_tied, &tied)), ==, 0);
    CHECK(finish(tied.thread), ==, -ECANCELED);
    CHECK_TEXT(marks(), "x"); /* by its discard */
}

TEST(not_dropped, "it runs if it begins before its spawner ends") {
    struct tied tied = {.delay = GREEN_MILLISECOND, .outlives = true};
    CHECK(finish(start(spawn_tied, &tied)), ==, 0);
    CHECK(finish(tied.thread), ==, 0);
    CHECK_TEXT(marks(), "x");
}

TEST(dropped_at_once, "without a delay it is dropped if its spawner ends before it begins") {
    struct tied tied = {.delay = 0};
    CHECK(finish(start(spawn_tied, &tied)), ==, 0);
    CHECK(finish(tied.thread), ==, -ECANCELED);
}

TEST(dropped_cancelled, "it can be cancelled before, and its spawner ends later") {
    struct tied tied = {.delay = 3600 * GREEN_SECOND, .outlives = true};
    green_thread *spawner = start(spawn_tied, &tied);
    let_run();
    CHECK(green_thread_cancel(tied.thread), ==, 1);
    CHECK(finish(tied.thread), ==, -ECANCELED);
    CHECK(finish(spawner), ==, 0);
}
