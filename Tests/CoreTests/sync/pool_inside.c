/* Spawns from inside a full pool: the function is called in place. */
#include "pools.h"

static green_pool *the_pool;

static int is_inside(void *argument) {
    return green_pool_is_inside(argument);
}

TEST(inside, "a thread is inside the pool that it runs in, and inside no other") {
    green_pool *one = make_pool(1), *other = make_pool(1);
    CHECK(finish(spawn_in(one, is_inside, one)), ==, 1);
    CHECK(finish(spawn_in(one, is_inside, other)), ==, 0);
    CHECK(finish(start(is_inside, one)), ==, 0);
    green_pool_free(one);
    green_pool_free(other);
}

static int spawn_in_full(void *argument) {
    int values[] = {5, -EPROTO};
    CHECK(green_pool_available(the_pool), ==, 0);
    for (int i = 0; i < 2; i++) {
        green_thread *thread = NULL;
        CHECK(green_pool_spawn(the_pool, &thread, argument, give, &values[i], 0), ==, 0);
        CHECK(green_thread_is_finished(thread)); /* without a yield */
        CHECK_TEXT(green_thread_name(thread), "here");
        CHECK(green_thread_id(thread), !=, green_thread_id(green_current()));
        CHECK(finish(thread), ==, values[i]);
    }
    check_counts(the_pool, 1, 0, 0);
    return 3;
}

TEST(in_place, "a spawn by a full pool's own thread calls the function in place, and the wait returns its error") {
    the_pool = make_pool(1);
    green_spawn_options options = {.name = "here", .discard = discard_mark};
    capture_begin();
    CHECK(finish(spawn_in(the_pool, spawn_in_full, &options)), ==, 3);
    CHECK_TEXT(capture_end(), "");
    CHECK_TEXT(marks(), "");
    green_pool_free(the_pool);
}

static int spawn_failing(void *argument) {
    int failure = -EPROTO;
    CHECK(green_pool_spawn(the_pool, NULL, argument, give, &failure, GREEN_FOREVER), ==, 0);
    return 0;
}

TEST(in_place_unreported, "the error of a function that was called in place without a handle is reported") {
    the_pool = make_pool(1);
    green_spawn_options options = {.name = "here"};
    capture_begin();
    CHECK(finish(spawn_in(the_pool, spawn_failing, &options)), ==, 0);
    CHECK_CONTAINS(capture_end(), "here");
    green_pool_free(the_pool);
}

static int spawn_with_room(void *argument) {
    green_thread *thread = spawn_in(the_pool, give, argument);
    CHECK(!green_thread_is_finished(thread));
    check_counts(the_pool, 2, 0, 0);
    return finish(thread);
}

TEST(inside_with_room, "while there is room, a pool's own thread spawns like any other thread") {
    the_pool = make_pool(2);
    int value = 4;
    CHECK(finish(spawn_in(the_pool, spawn_with_room, &value)), ==, 4);
    green_pool_free(the_pool);
}

static int recurse(void *argument) {
    int depth = *(int *)argument - 1, result = 0;
    if (depth == 0)
        return 1;
    CHECK(green_yield(), ==, 0);
    green_thread *threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = spawn_in(the_pool, recurse, &depth);
    for (int i = 0; i < 2; i++)
        result += finish(threads[i]);
    return result;
}

TEST(recursion, "a tree of spawns that is far larger than the pool completes") {
    for (int size = 1; size <= 8; size++) {
        int depth = 8;
        the_pool = make_pool(size);
        CHECK(finish(spawn_in(the_pool, recurse, &depth)), ==, 128);
        check_counts(the_pool, 0, size, 0);
        green_pool_free(the_pool);
    }
}

struct nest {
    green_pool *own, *other;
    int error, result;
    bool handle;
};

static int spawn_in_other(void *argument) {
    struct nest *nest = argument;
    CHECK(green_pool_is_inside(nest->own) && !green_pool_is_inside(nest->other));
    green_thread *thread = NULL;
    nest->error = green_pool_spawn(nest->other, &thread, NULL, is_inside, nest->own, GREEN_FOREVER);
    CHECK(thread != NULL);
    return finish(thread);
}

TEST(nested_pools, "a thread of one pool waits for room in another one") {
    struct nest nest = {.own = make_pool(1), .other = make_pool(1)};
    green_thread *occupant = spawn_in(nest.other, nap, NULL), *thread = spawn_in(nest.own, spawn_in_other, &nest);
    let_run();
    check_counts(nest.own, 1, 0, 0);
    check_counts(nest.other, 1, 0, 1);
    CHECK(kill_and_finish(occupant), ==, -ECANCELED);
    CHECK(finish(thread), ==, 0); /* a thread of the other pool is not inside the first */
    CHECK(nest.error, ==, 0);
    green_pool_free(nest.own);
    green_pool_free(nest.other);
}

/* Spawns argument, a nest, into its own full pool. */
static int spawn_nap(void *argument) {
    struct nest *nest = argument;
    green_thread *thread = NULL;
    green_spawn_options options = {.discard = discard_mark};
    nest->error = green_pool_spawn(nest->own, nest->handle ? &thread : NULL, &options, nap, nest->other, GREEN_FOREVER);
    if (thread)
        nest->result = finish(thread);
    return 0;
}

TEST(in_place_interrupted, "an interrupt that ends a function called in place also ends the spawn") {
    struct nest nest = {.own = make_pool(1), .handle = true};
    capture_begin();
    for (int i = 0; i < 2; i++, nest.handle = false) {
        green_thread *thread = spawn_in(nest.own, spawn_nap, &nest);
        let_run();
        CHECK(kill_and_finish(thread), ==, 0);
        CHECK(nest.error, ==, -ECANCELED);
        CHECK(nest.result, ==, -ECANCELED);
    }
    CHECK_TEXT(capture_end(), "");
    CHECK_TEXT(marks(), "");
    green_pool_free(nest.own);
}

static int fail_when_killed(void *argument) {
    int error = nap(NULL);
    return error == -ECANCELED ? *(int *)argument : 0;
}

struct catcher {
    green_pool *pool;
    int value, error, result;
};

static int spawn_catcher(void *argument) {
    struct catcher *catcher = argument;
    green_thread *thread = NULL;
    catcher->error = green_pool_spawn(catcher->pool, &thread, NULL, fail_when_killed, &catcher->value, GREEN_FOREVER);
    CHECK(thread != NULL);
    catcher->result = catcher->error == 0 ? finish(thread) : catcher->value;
    if (catcher->error < 0)
        green_thread_release(thread); /* its error was returned */
    return 0;
}

TEST(in_place_caught, "a function called in place may catch the interrupt, or end with an error of its own") {
    struct catcher catcher = {.pool = make_pool(1)};
    int values[] = {6, -EPROTO};
    capture_begin();
    for (int i = 0; i < 2; i++) {
        catcher.value = values[i];
        green_thread *thread = spawn_in(catcher.pool, spawn_catcher, &catcher);
        let_run();
        CHECK(kill_and_finish(thread), ==, 0);
        CHECK(catcher.error, ==, values[i] < 0 ? values[i] : 0);
        CHECK(catcher.result, ==, values[i]);
    }
    CHECK_TEXT(capture_end(), "");
    green_pool_free(catcher.pool);
}

struct late {
    green_pool *pool;
    green_thread *gate;
    int error;
};

static int spawn_late(void *argument) {
    struct late *late = argument;
    green_thread *thread = green_current();
    CHECK(green_thread_wait(late->gate, NULL, GREEN_FOREVER), ==, 0);
    late->error = green_pool_spawn(late->pool, &thread, NULL, mark_it, "x", GREEN_FOREVER);
    CHECK(thread == NULL);
    return 0;
}

TEST(in_place_pending, "a pending interrupt is delivered and the function is not called in place") {
    struct late late = {.pool = make_pool(1), .gate = start(nap, NULL)};
    green_thread *thread = spawn_in(late.pool, spawn_late, &late);
    let_run();
    CHECK(green_thread_kill(late.gate), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(kill_and_finish(thread), ==, 0); /* its wait has succeeded by now */
    CHECK(late.error, ==, -ECANCELED);
    CHECK_TEXT(marks(), "");
    CHECK(finish(late.gate), ==, -ECANCELED);
    green_pool_free(late.pool);
}

static int spawn_delayed(void *argument) {
    green_spawn_options options = {.delay = 5 * GREEN_MILLISECOND};
    int64_t begin = green_now();
    CHECK(green_pool_spawn(argument, NULL, &options, mark_it, "d", GREEN_FOREVER), ==, 0);
    CHECK(green_now() - begin, >=, options.delay);
    CHECK_TEXT(marks(), "d");
    return 0;
}

TEST(in_place_delayed, "a delayed function that is called in place is called after its delay") {
    green_pool *pool = make_pool(1);
    CHECK(finish(spawn_in(pool, spawn_delayed, pool)), ==, 0);
    green_pool_free(pool);
}

static void spawn_from_link(green_thread *thread, void *argument) {
    (void)thread;
    *(int *)argument = green_pool_spawn(the_pool, NULL, NULL, mark_it, "l", GREEN_FOREVER);
}

TEST(from_link, "a spawn in a link succeeds if there is room, and is refused if it would block") {
    int with_room = 1, without = 1;
    green_thread *threads[2];
    the_pool = make_pool(2);
    for (int i = 0; i < 2; i++)
        threads[i] = spawn_in(the_pool, nap, NULL);
    CHECK(green_thread_link(threads[0], NULL, spawn_from_link, &without), ==, 0);
    CHECK(kill_and_finish(threads[0]), ==, -ECANCELED); /* its links run while it has its slot */
    CHECK(without, ==, -EWOULDBLOCK);
    CHECK(green_thread_link(threads[1], NULL, spawn_from_link, &with_room), ==, 0);
    CHECK(kill_and_finish(threads[1]), ==, -ECANCELED);
    CHECK(with_room, ==, 0);
    CHECK(green_pool_wait(the_pool, GREEN_FOREVER), ==, 0);
    CHECK_TEXT(marks(), "l");
    green_pool_free(the_pool);
}

static int wait_inside(void *argument) {
    return green_pool_wait(argument, 0);
}

static int wait_inside_in_place(void *argument) {
    green_thread *thread = spawn_in(argument, wait_inside, argument);
    CHECK(finish(thread), ==, -EDEADLK);
    return green_pool_wait(argument, GREEN_FOREVER);
}

TEST(wait_from_inside, "a thread that waits for its own pool gets -EDEADLK") {
    green_pool *pool = make_pool(1);
    CHECK(finish(spawn_in(pool, wait_inside_in_place, pool)), ==, -EDEADLK);
    CHECK_CONTAINS(green_explain(-EDEADLK), "waits for all threads of the pool");
    green_pool_free(pool);
}

static int free_it(void *argument) {
    green_pool_free(argument);
    return 0;
}

static int spawn_the_end(void *argument) {
    return finish(spawn_in(argument, free_it, argument));
}

TEST(free_from_inside, "a pool may be freed by one of its threads, also in a function called in place") {
    green_pool *pool = make_pool(1);
    CHECK(finish(spawn_in(pool, free_it, pool)), ==, 0);
    pool = make_pool(1);
    CHECK(finish(spawn_in(pool, spawn_the_end, pool)), ==, 0);
}
