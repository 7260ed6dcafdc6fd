/* Offload pools that are resized and emptied. */
#include "helpers.h"
#include "other_hub.h"

#include <semaphore.h>
#include <stdatomic.h>

enum { CALLS_MAX = 8 };

/* A call that blocks its worker until the test lets it return. */
struct call {
    green_offload_pool *pool;
    sem_t go;
    atomic_bool begun;
    atomic_int abandoned;
    green_thread *caller;
};

static int block(void *argument) {
    struct call *call = argument;
    atomic_store(&call->begun, true);
    sem_wait(&call->go);
    return 0;
}

static void abandon(void *argument) {
    atomic_fetch_add(&((struct call *)argument)->abandoned, 1);
}

static int offload(void *argument) {
    struct call *call = argument;
    return green_offload(call->pool, block, call, abandon, NULL, GREEN_FOREVER);
}

static green_offload_pool *pool;
static struct call calls[CALLS_MAX];

static void make(unsigned threads) {
    green_offload_options options = {.threads = threads, .idle = GREEN_FOREVER};
    CHECK(green_offload_pool_make(&pool, &options), ==, 0);
}

static void begin(int first, int end) {
    for (int i = first; i < end; i++) {
        calls[i].pool = pool;
        atomic_store(&calls[i].begun, false);
        sem_init(&calls[i].go, 0, 0);
        calls[i].caller = start(offload, &calls[i]);
    }
    let_run();
}

static void end(int first, int end) {
    for (int i = first; i < end; i++) {
        sem_post(&calls[i].go);
        CHECK(finish(calls[i].caller), ==, 0);
    }
}

static int running(void) {
    int count = 0;
    for (int i = 0; i < CALLS_MAX; i++)
        count += atomic_load(&calls[i].begun);
    return count;
}

static int wait_for_pool(void *timeout) {
    return green_offload_pool_wait(pool, *(int64_t *)timeout);
}

static int empty_pool(void *timeout) {
    return green_offload_pool_empty(pool, *(int64_t *)timeout);
}

static int64_t forever = GREEN_FOREVER;

/* Resizing ----------------------------------------------------------------- */

TEST(grow, "a pool that grows starts workers for the calls that wait") {
    make(1);
    begin(0, 4);
    UNTIL(running() == 1);
    CHECK(green_offload_pool_waiting(pool), ==, 3);
    CHECK(green_offload_pool_resize(pool, 3), ==, 0);
    CHECK(green_offload_pool_size(pool), ==, 3);
    CHECK(green_offload_pool_workers(pool), ==, 3);
    UNTIL(running() == 3);
    CHECK(green_offload_pool_waiting(pool), ==, 1);
    end(0, 4);
    CHECK(green_offload_pool_workers(pool), ==, 3);
    green_offload_pool_free(pool);
}

TEST(shrink_idle, "idle workers of a pool that shrinks end at once, whatever their idle time") {
    make(4);
    begin(0, 4);
    UNTIL(running() == 4);
    end(0, 4);
    CHECK(green_offload_pool_workers(pool), ==, 4);
    CHECK(green_offload_pool_resize(pool, 1), ==, 0);
    UNTIL(green_offload_pool_workers(pool) == 1);
    begin(0, 2);
    UNTIL(green_offload_pool_running(pool) == 1 && green_offload_pool_waiting(pool) == 1);
    CHECK(green_offload_pool_workers(pool), ==, 1);
    end(0, 2);
    green_offload_pool_free(pool);
}

TEST(shrink_busy, "busy workers of a pool that shrinks end after their call, and the calls that wait are run") {
    make(3);
    begin(0, 6);
    UNTIL(running() == 3);
    CHECK(green_offload_pool_resize(pool, 1), ==, 0);
    CHECK(green_offload_pool_workers(pool), ==, 3);
    end(0, 2);
    UNTIL(green_offload_pool_workers(pool) == 1);
    CHECK(running(), ==, 3);
    CHECK(green_offload_pool_running(pool), ==, 1);
    end(2, 6);
    CHECK(running(), ==, 6);
    green_offload_pool_free(pool);
}

TEST(resize_bad, "a size of 0 is -EINVAL, and a huge one starts no worker without a call") {
    make(2);
    CHECK(green_offload_pool_resize(pool, 0), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "cannot resize an offload pool to 0 OS threads");
    CHECK(green_offload_pool_size(pool), ==, 2);
    CHECK(green_offload_pool_resize(pool, UINT32_MAX), ==, 0);
    CHECK(green_offload_pool_size(pool), ==, UINT32_MAX);
    CHECK(green_offload_pool_workers(pool), ==, 0);
    begin(0, 1);
    end(0, 1);
    CHECK(green_offload_pool_workers(pool), ==, 1);
    green_offload_pool_free(pool);
}

TEST(shared, "the shared pool is resized, waited for and emptied as NULL") {
    CHECK(green_offload_pool_size(NULL), ==, 16);
    CHECK(green_offload_pool_resize(NULL, 1), ==, 0);
    begin(0, 2);
    UNTIL(running() == 1 && green_offload_pool_waiting(NULL) == 1);
    CHECK(green_offload_pool_wait(NULL, 0), ==, -ETIMEDOUT);
    CHECK(green_offload_pool_resize(NULL, 16), ==, 0);
    UNTIL(running() == 2);
    end(0, 2);
    CHECK(green_offload_pool_wait(NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_offload_pool_empty(NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_offload_pool_workers(NULL), ==, 0);
    CHECK(green_offload_pool_running(NULL), ==, 0);
}

/* Waiting ------------------------------------------------------------------ */

TEST(wait, "a wait for a pool returns when no call waits or runs, also one whose caller has left") {
    make(1);
    CHECK(green_offload_pool_wait(pool, 0), ==, 0);
    begin(0, 2);
    UNTIL(running() == 1);
    green_thread *waiter = start(wait_for_pool, &forever);
    CHECK(kill_and_finish(calls[0].caller), ==, -ECANCELED);
    let_run();
    CHECK(!green_thread_is_finished(waiter));
    CHECK(kill_and_finish(calls[1].caller), ==, -ECANCELED);
    let_run();
    CHECK(!green_thread_is_finished(waiter));
    sem_post(&calls[0].go);
    CHECK(finish(waiter), ==, 0);
    CHECK(running(), ==, 1);
    CHECK(green_offload_pool_workers(pool), ==, 1);
    green_offload_pool_free(pool);
}

TEST(wait_taken_back, "a wait returns if the last call is withdrawn before a worker has taken it") {
    for (int i = 0; i < SCALED(300); i++) {
        make(1);
        begin(0, 1);
        UNTIL(running() == 1);
        sem_post(&calls[0].go);
        begin(1, 2);
        green_thread *waiter = start(wait_for_pool, &forever);
        let_run();
        sem_post(&calls[1].go);
        int error = kill_and_finish(calls[1].caller);
        CHECK(error == 0 || error == -ECANCELED);
        CHECK(finish(waiter), ==, 0);
        CHECK(finish(calls[0].caller), ==, 0);
        CHECK(green_offload_pool_empty(pool, GREEN_FOREVER), ==, 0);
        green_offload_pool_free(pool);
        atomic_store(&calls[1].begun, false);
    }
}

TEST(empty, "a pool is empty when its calls have ended and its workers too, and can be used again") {
    make(3);
    CHECK(green_offload_pool_empty(pool, 0), ==, 0);
    begin(0, 5);
    UNTIL(running() == 3);
    green_thread *waiters[2];
    for (int i = 0; i < 2; i++)
        waiters[i] = start(empty_pool, &forever);
    let_run();
    end(0, 4);
    CHECK(!green_thread_is_finished(waiters[0]));
    end(4, 5);
    for (int i = 0; i < 2; i++)
        CHECK(finish(waiters[i]), ==, 0);
    CHECK(green_offload_pool_workers(pool), ==, 0);
    begin(0, 1);
    end(0, 1);
    CHECK(green_offload_pool_workers(pool), ==, 1); /* workers stay again */
    green_offload_pool_free(pool);
}

TEST(empty_new_calls, "calls that begin while a pool is emptied are run") {
    make(2);
    begin(0, 1);
    UNTIL(running() == 1);
    green_thread *waiter = start(empty_pool, &forever);
    let_run();
    begin(1, 3);
    UNTIL(running() == 2);
    end(0, 1);
    UNTIL(running() == 3);
    CHECK(!green_thread_is_finished(waiter));
    end(1, 3);
    CHECK(finish(waiter), ==, 0);
    CHECK(green_offload_pool_workers(pool), ==, 0);
    green_offload_pool_free(pool);
}

TEST(interrupted, "a timeout and a kill end the waits, and the pool keeps its workers from then on") {
    int64_t soon = GREEN_MILLISECOND;
    make(2);
    begin(0, 1);
    UNTIL(running() == 1);
    CHECK(empty_pool(&soon), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "the workers of an offload pool have not ended within 1 ms (ETIMEDOUT)");
    CHECK(wait_for_pool(&soon), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "the calls of an offload pool have not ended within 1 ms (ETIMEDOUT)");
    green_thread *emptying = start(empty_pool, &forever), *waiting = start(wait_for_pool, &forever);
    let_run();
    CHECK(kill_and_finish(emptying), ==, -ECANCELED);
    CHECK(kill_and_finish(waiting), ==, -ECANCELED);
    end(0, 1);
    CHECK(green_offload_pool_workers(pool), ==, 1);
    green_offload_pool_free(pool);
}

static void in_link(green_thread *thread, void *result) {
    (void)thread;
    *(int *)result = green_offload_pool_empty(pool, GREEN_FOREVER);
}

TEST(link, "in a link the waits are -EWOULDBLOCK") {
    int result = 0, given = 0;
    make(1);
    green_thread *thread = start(give, &given);
    CHECK(green_thread_link(thread, NULL, in_link, &result), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(result, ==, -EWOULDBLOCK);
    green_offload_pool_free(pool);
}

TEST(other_os_threads, "other hubs wait for a pool and empty it, too") {
    struct other_hub other;
    other_hub_start(&other);
    make(2);
    begin(0, 2);
    UNTIL(running() == 2);
    green_remote_thread *waiter = spawn_on(other.hub, wait_for_pool, &forever);
    green_remote_thread *emptying = spawn_on(other.hub, empty_pool, &forever);
    end(0, 2);
    CHECK(remote_end(waiter), ==, 0);
    CHECK(remote_end(emptying), ==, 0);
    CHECK(green_offload_pool_workers(pool), ==, 0);
    other_hub_close(&other);
    other_hub_release(&other);
    green_offload_pool_free(pool);
}

static int do_nothing(void *unused) {
    (void)unused;
    return 0;
}

static int offload_many(void *unused) {
    (void)unused;
    for (int i = 0; i < SCALED(500); i++)
        CHECK(green_offload(pool, do_nothing, NULL, NULL, NULL, GREEN_FOREVER), ==, 0);
    return 0;
}

static int resize_often(void *unused) {
    (void)unused;
    for (int i = 0; i < SCALED(300); i++) {
        CHECK(green_offload_pool_resize(pool, 1 + random_below(6)), ==, 0);
        if (i % 3 == 0)
            (void)!green_offload_pool_empty(pool, random_below(100000));
        CHECK(green_yield(), ==, 0);
    }
    return 0;
}

TEST(stress, "calls of several threads all end while the pool is resized and emptied at random") {
    green_thread *threads[6];
    make(3);
    for (int i = 0; i < 6; i++)
        threads[i] = start(i < 4 ? offload_many : resize_often, NULL);
    for (int i = 0; i < 6; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(green_offload_pool_empty(pool, GREEN_FOREVER), ==, 0);
    CHECK(green_offload_pool_workers(pool), ==, 0);
    green_offload_pool_free(pool);
}

TEST(forked, "a forked child has the pool without its parent's workers and waits") {
    make(2);
    begin(0, 1);
    UNTIL(running() == 1);
    green_thread *waiter = start(empty_pool, &forever);
    let_run();
    fork_and_wait();
    end(0, 1);
    CHECK(finish(waiter), ==, 0);
    green_offload_pool_free(pool);
}
