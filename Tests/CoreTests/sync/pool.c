/* Pools: room, the order of waiting spawns, waiting for all, resizing, freeing. */
#include "pools.h"

#include <pthread.h>

/* A thread that spawns into a pool, and its result. */
struct spawner {
    green_pool *pool;
    const char *letter; /* marked by the function */
    int64_t timeout;
    const green_spawn_options *options;
    green_thread *thread, *made;
    int error;
};

static int spawn_once(void *argument) {
    struct spawner *spawner = argument;
    green_thread *none = green_current();
    spawner->made = none;
    spawner->error = green_pool_spawn(spawner->pool, &spawner->made, spawner->options, mark_it, (void *)spawner->letter,
                                      spawner->timeout);
    CHECK(spawner->made != none);
    return 0;
}

static struct spawner spawner_of(green_pool *pool, const char *letter) {
    return (struct spawner){.pool = pool, .letter = letter, .timeout = GREEN_FOREVER};
}

static void start_spawner(struct spawner *spawner) {
    spawner->thread = start(spawn_once, spawner);
    let_run();
}

/* The result of its spawn. If it is 0, the function has run when this returns. */
static int end_spawner(struct spawner *spawner) {
    CHECK(finish(spawner->thread), ==, 0);
    CHECK((spawner->error == 0) == (spawner->made != NULL));
    if (spawner->made)
        CHECK(finish(spawner->made), ==, 0);
    return spawner->error;
}

/* Size, spawn ---------------------------------------------------------------- */

TEST(size, "a pool has its size, and a negative one is refused") {
    green_pool *pool = make_pool(1000);
    check_counts(pool, 0, 1000, 0);
    CHECK(!green_pool_is_inside(pool));
    green_pool_free(pool);
    pool = make_pool(0);
    check_counts(pool, 0, 0, 0);
    green_pool_free(pool);
    pool = NULL;
    CHECK(green_pool_make(&pool, -1), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "-1");
    CHECK(pool == NULL);
    green_pool_free(NULL);
}

TEST(spawn, "a pool's thread starts at the next yield, and hands out its result") {
    green_pool *pool = make_pool(2);
    int values[] = {7, -EPROTO};
    green_thread *first = spawn_in(pool, give, &values[0]), *second = spawn_in(pool, give, &values[1]);
    check_counts(pool, 2, 0, 0);
    CHECK(!green_thread_is_finished(first));
    CHECK(finish(first), ==, 7);
    CHECK(finish(second), ==, -EPROTO);
    check_counts(pool, 0, 2, 0);
    green_pool_free(pool);
}

TEST(options, "a spawn has the options of green_spawn_with, and needs no handle") {
    green_pool *pool = make_pool(1);
    green_spawn_options options = {.name = "swimmer", .stack_size = 64 * 1024};
    green_thread *thread = NULL;
    CHECK(green_pool_spawn(pool, &thread, &options, mark_it, "a", 0), ==, 0);
    CHECK_TEXT(green_thread_name(thread), "swimmer");
    CHECK(green_thread_stack_size(thread), ==, 64 * 1024);
    CHECK(finish(thread), ==, 0);
    CHECK(green_pool_spawn(pool, NULL, NULL, mark_it, "b", 0), ==, 0);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    CHECK_TEXT(marks(), "ab");
    green_pool_free(pool);
}

TEST(failed_spawn, "a spawn that fails takes no slot") {
    green_pool *pool = make_pool(1);
    green_thread *thread = green_current();
    green_spawn_options small = {.stack_size = 1}, huge = {.stack_size = (size_t)1 << 60};
    CHECK(green_pool_spawn(pool, &thread, &small, mark_it, "a", 0), ==, -EINVAL);
    CHECK(green_pool_spawn(pool, &thread, &huge, mark_it, "b", 0), ==, -ENOMEM);
    CHECK(thread == NULL);
    check_counts(pool, 0, 1, 0);
    CHECK(finish(spawn_in(pool, mark_it, "c")), ==, 0);
    CHECK_TEXT(marks(), "c");
    green_pool_free(pool);
}

TEST(unreported, "a pool's thread that fails is reported like any other, once") {
    green_pool *pool = make_pool(1);
    int failure = -EPROTO;
    green_spawn_options options = {.name = "careless"};
    capture_begin();
    CHECK(green_pool_spawn(pool, NULL, &options, give, &failure, 0), ==, 0);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    CHECK(finish(spawn_in(pool, give, &failure)), ==, -EPROTO);
    const char *text = capture_end();
    CHECK_CONTAINS(text, "careless");
    CHECK(strchr(text, '\n') - text + 1, ==, strlen(text));
    green_pool_free(pool);
}

TEST(unstarted, "a thread that is killed before it ran releases its slot") {
    green_pool *pool = make_pool(1);
    green_spawn_options options = {.delay = 3600 * GREEN_SECOND, .discard = discard_mark};
    green_thread *thread = NULL;
    CHECK(green_pool_spawn(pool, &thread, &options, mark_it, "d", 0), ==, 0);
    let_run();
    check_counts(pool, 1, 0, 0);
    CHECK(green_thread_cancel(thread), ==, 1);
    CHECK(finish(thread), ==, -ECANCELED);
    check_counts(pool, 0, 1, 0);
    CHECK(kill_and_finish(spawn_in(pool, mark_it, "x")), ==, -ECANCELED);
    check_counts(pool, 0, 1, 0);
    CHECK_TEXT(marks(), "d");
    green_pool_free(pool);
}

/* A full pool ---------------------------------------------------------------- */

TEST(blocks, "a spawn waits while the pool is full") {
    green_pool *pool = make_pool(1);
    green_thread *first = spawn_in(pool, nap, NULL);
    struct spawner spawner = spawner_of(pool, "a");
    start_spawner(&spawner);
    check_counts(pool, 1, 0, 1);
    CHECK_TEXT(marks(), "");
    CHECK(kill_and_finish(first), ==, -ECANCELED);
    CHECK(end_spawner(&spawner), ==, 0);
    CHECK_TEXT(marks(), "a");
    check_counts(pool, 0, 1, 0);
    green_pool_free(pool);
}

TEST(in_order, "spawns that wait for room are served first come, first served") {
    static const char *const letters = "abcdefgh";
    green_pool *pool = make_pool(1);
    green_thread *first = spawn_in(pool, nap, NULL);
    struct spawner spawners[8];
    for (int i = 0; i < 8; i++) {
        spawners[i] = spawner_of(pool, &letters[i]);
        start_spawner(&spawners[i]);
    }
    check_counts(pool, 1, 0, 8);
    CHECK(kill_and_finish(first), ==, -ECANCELED);
    for (int i = 0; i < 8; i++)
        CHECK(end_spawner(&spawners[i]), ==, 0);
    CHECK_TEXT(marks(), letters);
    green_pool_free(pool);
}

TEST(no_barging, "a released slot belongs to the first waiter before it runs") {
    green_pool *pool = make_pool(1);
    green_thread *first = spawn_in(pool, nap, NULL);
    struct spawner spawner = spawner_of(pool, "a");
    start_spawner(&spawner);
    CHECK(green_thread_kill(first), ==, 0);
    CHECK(green_yield(), ==, 0); /* it has ended; the waiter is ready */
    CHECK(green_thread_is_finished(first));
    check_counts(pool, 1, 0, 0);
    CHECK(green_pool_spawn(pool, NULL, NULL, mark_it, "b", 0), ==, -ETIMEDOUT);
    CHECK(green_thread_kill(spawner.thread), ==, 0); /* too late: it has its slot */
    CHECK(end_spawner(&spawner), ==, 0);
    CHECK_TEXT(marks(), "a");
    green_thread_release(first);
    green_pool_free(pool);
}

TEST(timeouts, "a spawn that times out calls nothing and takes no slot") {
    green_pool *pool = make_pool(1);
    green_thread *first = spawn_in(pool, nap, NULL), *made = first;
    CHECK(green_pool_spawn(pool, &made, NULL, mark_it, "a", 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "full");
    CHECK(made == NULL);
    CHECK(green_pool_spawn(pool, NULL, NULL, mark_it, "b", GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "cannot spawn: the pool had no room within 1 ms (ETIMEDOUT)");
    check_counts(pool, 1, 0, 0);
    CHECK(kill_and_finish(first), ==, -ECANCELED);
    CHECK(finish(spawn_in(pool, mark_it, "c")), ==, 0);
    CHECK_TEXT(marks(), "c");
    green_pool_free(pool);
}

TEST(killed_spawner, "a killed spawner leaves nothing behind, and the next one gets the slot") {
    green_pool *pool = make_pool(1);
    green_thread *first = spawn_in(pool, nap, NULL);
    struct spawner spawners[] = {spawner_of(pool, "a"), spawner_of(pool, "b"), spawner_of(pool, "c")};
    for (int i = 0; i < 3; i++)
        start_spawner(&spawners[i]);
    CHECK(green_thread_kill(spawners[0].thread), ==, 0);
    check_counts(pool, 1, 0, 2);
    CHECK(green_thread_kill(first), ==, 0);
    CHECK(green_thread_kill(spawners[2].thread), ==, 0);
    CHECK(end_spawner(&spawners[0]), ==, -ECANCELED);
    CHECK(end_spawner(&spawners[1]), ==, 0);
    CHECK(end_spawner(&spawners[2]), ==, -ECANCELED);
    CHECK(finish(first), ==, -ECANCELED);
    CHECK_TEXT(marks(), "b");
    check_counts(pool, 0, 1, 0);
    green_pool_free(pool);
}

TEST(failed_waiter, "a waiter that then cannot make its thread leaves the slot to the next") {
    green_pool *pool = make_pool(1);
    green_thread *first = spawn_in(pool, nap, NULL);
    green_spawn_options huge = {.stack_size = (size_t)1 << 60}, small = {.stack_size = 1};
    struct spawner spawners[] = {spawner_of(pool, "a"), spawner_of(pool, "b"), spawner_of(pool, "c")};
    spawners[0].options = &huge;
    spawners[1].options = &small;
    for (int i = 0; i < 3; i++)
        start_spawner(&spawners[i]);
    CHECK(kill_and_finish(first), ==, -ECANCELED);
    CHECK(end_spawner(&spawners[0]), ==, -ENOMEM);
    CHECK(end_spawner(&spawners[1]), ==, -EINVAL);
    CHECK(end_spawner(&spawners[2]), ==, 0);
    CHECK_TEXT(marks(), "c");
    check_counts(pool, 0, 1, 0);
    green_pool_free(pool);
}

TEST(deadlock, "if no thread can make room, a spawn is -EDEADLK, and the message names the pool") {
    green_pool *pool = make_pool(0);
    capture_begin();
    CHECK(green_pool_spawn(pool, NULL, NULL, mark_it, "a", GREEN_FOREVER), ==, -EDEADLK);
    CHECK_CONTAINS(capture_end(), "waiting for room in a pool of 0");
    check_counts(pool, 0, 0, 0);
    CHECK_TEXT(marks(), "");
    green_pool_free(pool);
}

/* Waiting for all ------------------------------------------------------------ */

struct waiter {
    green_pool *pool;
    int64_t timeout;
    green_thread *thread;
    int error;
};

static int wait_for_all(void *argument) {
    struct waiter *waiter = argument;
    waiter->error = green_pool_wait(waiter->pool, waiter->timeout);
    if (waiter->error == -EBADF)
        CHECK_CONTAINS(green_explain(-EBADF), "freed");
    return 0;
}

static struct waiter start_waiter(struct waiter *waiter, green_pool *pool) {
    *waiter = (struct waiter){.pool = pool, .timeout = GREEN_FOREVER, .error = 1};
    waiter->thread = start(wait_for_all, waiter);
    let_run();
    return *waiter;
}

TEST(wait, "a wait ends when no thread of the pool runs and none waits for room, whatever their results") {
    green_pool *pool = make_pool(1);
    int failure = -EPROTO;
    CHECK(green_pool_wait(pool, 0), ==, 0); /* returns at once if idle */
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    green_thread *first = spawn_in(pool, nap, NULL), *failing;
    struct spawner spawners[] = {spawner_of(pool, "a"), spawner_of(pool, "b")};
    struct waiter waiters[2];
    for (int i = 0; i < 2; i++) {
        start_spawner(&spawners[i]);
        start_waiter(&waiters[i], pool);
    }
    CHECK(kill_and_finish(first), ==, -ECANCELED);
    for (int i = 0; i < 2; i++) {
        CHECK(finish(waiters[i].thread), ==, 0);
        CHECK(waiters[i].error, ==, 0);
    }
    CHECK_TEXT(marks(), "ab");
    for (int i = 0; i < 2; i++)
        CHECK(end_spawner(&spawners[i]), ==, 0);
    failing = spawn_in(pool, give, &failure);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    CHECK(finish(failing), ==, failure);
    green_pool_free(pool);
}

TEST(wait_for_leaving, "a wait also ends when the last waiting spawner gives up") {
    green_pool *pool = make_pool(0);
    struct spawner spawners[] = {spawner_of(pool, "a"), spawner_of(pool, "b")};
    spawners[1].timeout = PATIENTLY(20 * GREEN_MILLISECOND);
    for (int i = 0; i < 2; i++)
        start_spawner(&spawners[i]);
    struct waiter waiter;
    start_waiter(&waiter, pool);
    CHECK(green_thread_kill(spawners[0].thread), ==, 0);
    let_run();
    CHECK(waiter.error, ==, 1);
    CHECK(end_spawner(&spawners[1]), ==, -ETIMEDOUT);
    CHECK(finish(waiter.thread), ==, 0);
    CHECK(waiter.error, ==, 0);
    CHECK(end_spawner(&spawners[0]), ==, -ECANCELED);
    green_pool_free(pool);
}

TEST(wait_interrupted, "a wait that times out or is killed leaves the pool as it was") {
    green_pool *pool = make_pool(1);
    green_thread *thread = spawn_in(pool, nap, NULL);
    CHECK(green_pool_wait(pool, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "1 green threads of the pool run");
    CHECK(green_pool_wait(pool, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "pool");
    struct waiter waiter;
    start_waiter(&waiter, pool);
    CHECK(kill_and_finish(waiter.thread), ==, 0);
    CHECK(waiter.error, ==, -ECANCELED);
    check_counts(pool, 1, 0, 0);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    green_pool_free(pool);
}

/* Resizing ------------------------------------------------------------------- */

TEST(grow, "after growing, waiting spawners proceed at once while there is room") {
    static const char *const letters = "abcde";
    green_pool *pool = make_pool(0);
    struct spawner spawners[5];
    for (int i = 0; i < 5; i++) {
        spawners[i] = spawner_of(pool, &letters[i]);
        start_spawner(&spawners[i]);
    }
    CHECK(green_pool_resize(pool, 3), ==, 0);
    check_counts(pool, 3, 0, 2); /* without a yield */
    CHECK(green_pool_spawn(pool, NULL, NULL, mark_it, "x", 0), ==, -ETIMEDOUT);
    for (int i = 0; i < 5; i++)
        CHECK(end_spawner(&spawners[i]), ==, 0);
    CHECK_TEXT(marks(), letters);
    check_counts(pool, 0, 3, 0);
    green_pool_free(pool);
}

TEST(shrink, "after shrinking, running threads continue, and none starts until fewer threads run") {
    green_pool *pool = make_pool(3);
    green_thread *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = spawn_in(pool, nap, NULL);
    struct spawner spawner = spawner_of(pool, "a");
    start_spawner(&spawner);
    CHECK(green_pool_resize(pool, 1), ==, 0);
    check_counts(pool, 3, -2, 1);
    for (int i = 0; i < 2; i++) {
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
        check_counts(pool, 2 - i, i - 1, 1);
    }
    CHECK_TEXT(marks(), "");
    CHECK(kill_and_finish(threads[2]), ==, -ECANCELED);
    CHECK(end_spawner(&spawner), ==, 0);
    CHECK_TEXT(marks(), "a");
    check_counts(pool, 0, 1, 0);
    green_pool_free(pool);
}

TEST(resize_refused, "a negative size is refused, and the pool keeps its own") {
    green_pool *pool = make_pool(2);
    CHECK(green_pool_resize(pool, -1), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "-1");
    check_counts(pool, 0, 2, 0);
    CHECK(green_pool_resize(pool, INT64_MAX), ==, 0);
    CHECK(finish(spawn_in(pool, mark_it, "a")), ==, 0);
    CHECK(green_pool_resize(pool, 0), ==, 0);
    CHECK(green_pool_spawn(pool, NULL, NULL, mark_it, "b", 0), ==, -ETIMEDOUT);
    CHECK_TEXT(marks(), "a");
    green_pool_free(pool);
}

/* Freeing, and other OS threads ---------------------------------------------- */

TEST(free_with_waiters, "threads that wait for a freed pool get -EBADF") {
    green_pool *pool = make_pool(0);
    struct spawner spawners[] = {spawner_of(pool, "a"), spawner_of(pool, "b")};
    struct waiter waiter;
    start_spawner(&spawners[0]);
    start_waiter(&waiter, pool);
    start_spawner(&spawners[1]);
    green_pool_free(pool);
    for (int i = 0; i < 2; i++)
        CHECK(end_spawner(&spawners[i]), ==, -EBADF);
    CHECK(finish(waiter.thread), ==, 0);
    CHECK(waiter.error, ==, -EBADF);
    CHECK_TEXT(marks(), "");
}

TEST(free_with_members, "threads of a freed pool keep running") {
    green_pool *pool = make_pool(4);
    green_thread *threads[3];
    int value = 5;
    for (int i = 0; i < 2; i++)
        threads[i] = spawn_in(pool, nap, NULL);
    let_run();
    threads[2] = spawn_in(pool, give, &value);
    green_pool_free(pool);
    CHECK(finish(threads[2]), ==, 5);
    for (int i = 0; i < 2; i++) {
        CHECK(!green_thread_is_finished(threads[i]));
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
    }
}

TEST(free_after_grant, "a spawner that was given its slot before the pool was freed proceeds") {
    green_pool *pool = make_pool(0);
    green_spawn_options small = {.stack_size = 1};
    struct spawner spawners[] = {spawner_of(pool, "a"), spawner_of(pool, "b"), spawner_of(pool, "c")};
    spawners[1].options = &small;
    for (int i = 0; i < 3; i++)
        start_spawner(&spawners[i]);
    CHECK(green_pool_resize(pool, 2), ==, 0);
    green_pool_free(pool);
    CHECK(end_spawner(&spawners[0]), ==, 0);
    CHECK(end_spawner(&spawners[1]), ==, -EINVAL);
    CHECK(end_spawner(&spawners[2]), ==, -EBADF);
    CHECK_TEXT(marks(), "a");
}

static void *use_foreign(void *argument) {
    green_thread *thread = green_current();
    CHECK(green_pool_spawn(argument, &thread, NULL, mark_it, "x", 0), ==, -EXDEV);
    CHECK(thread == NULL);
    CHECK_CONTAINS(green_explain(-EXDEV), "pool");
    CHECK(green_pool_wait(argument, 0), ==, -EXDEV);
    CHECK(green_pool_resize(argument, 5), ==, -EXDEV);
    CHECK(!green_pool_is_inside(argument));
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static void *use_first(void *argument) {
    CHECK(finish(spawn_in(argument, mark_it, "f")), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static void run_elsewhere(void *(*function)(void *), void *argument) {
    pthread_t other;
    CHECK(pthread_create(&other, NULL, function, argument), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
}

TEST(foreign, "a pool belongs to the OS thread that first uses it") {
    green_pool *ours = make_pool(2), *theirs = make_pool(1);
    green_thread *thread = spawn_in(ours, nap, NULL);
    run_elsewhere(use_foreign, ours);
    check_counts(ours, 1, 1, 0);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    run_elsewhere(use_first, theirs);
    CHECK(green_pool_spawn(theirs, NULL, NULL, mark_it, "x", 0), ==, -EXDEV);
    CHECK_TEXT(marks(), "f");
    green_pool_free(ours);
    green_pool_free(theirs);
}
