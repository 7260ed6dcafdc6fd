/* The end of hub pools: closes with and without a limit, releases, lost hubs and forks. */
#include "helpers.h"
#include "other_hub.h"

#include <pthread.h>
#include <sys/wait.h>

static green_hub_pool *pool_of(size_t count) {
    green_hub_pool *pool = NULL;
    CHECK(green_hub_pool_make(&pool, &(green_hub_pool_options){.count = count}), ==, 0);
    return pool;
}

TEST(ends, "a close ends the OS threads and the hubs, and a second one returns 0") {
    green_hub_pool *pool = pool_of(3);
    green_hub *hub = green_hub_retain(green_hub_pool_hub(pool, 1));
    CHECK(os_threads_named("hub-"), ==, 3);
    CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    UNTIL(os_threads_named("hub-") == 0);
    CHECK(green_hub_pool_close(pool, 0), ==, 0);
    CHECK(green_hub_spawn(hub, NULL, NULL, nap, NULL), ==, -ESRCH);
    green_hub_pool_release(pool);
    green_hub_release(hub);
}

/* Ends when the gate opens. */
struct gate {
    bool begun, open; /* atomic */
    int result;
};

static int wait_at_gate(void *argument) {
    struct gate *gate = argument;
    __atomic_store_n(&gate->begun, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&gate->open, __ATOMIC_ACQUIRE)) {
        int error = green_sleep(GREEN_MILLISECOND);
        if (error < 0)
            return error;
    }
    return gate->result;
}

static int close_forever(void *pool) {
    return green_hub_pool_close(pool, GREEN_FOREVER);
}

static int yield_once(void *unused) {
    (void)unused;
    return green_yield();
}

TEST(waits, "a close without a limit waits for the threads of all hubs, and for those they spawn") {
    struct gate gates[3] = {{.result = 1}, {.result = 2}, {.result = 3}};
    green_remote_thread *threads[3];
    green_hub_pool *pool = pool_of(2);
    for (int i = 0; i < 3; i++)
        threads[i] = spawn_on(green_hub_pool_next(pool), wait_at_gate, &gates[i]);
    green_thread *closer = start(close_forever, pool);
    let_run();
    CHECK(on_hub(green_hub_pool_hub(pool, 0), yield_once, NULL), ==, 0); /* it still starts threads */
    for (int i = 0; i < 3; i++) {
        CHECK(green_thread_is_finished(closer), ==, false);
        __atomic_store_n(&gates[i].open, true, __ATOMIC_RELEASE);
        CHECK(remote_end(threads[i]), ==, i + 1);
    }
    CHECK(finish(closer), ==, 0);
    green_hub_pool_release(pool);
}

TEST(kills, "a close kills the threads that have not finished within its limit, and returns their number") {
    struct gate gate = {.result = 8, .open = true};
    green_remote_thread *threads[5], *finished;
    green_hub_pool *pool = pool_of(2);
    finished = spawn_on(green_hub_pool_hub(pool, 0), wait_at_gate, &gate);
    CHECK(remote_end(finished), ==, 8);
    for (int i = 0; i < 5; i++)
        threads[i] = spawn_on(green_hub_pool_next(pool), nap, NULL);
    CHECK(green_hub_pool_close(pool, GREEN_MILLISECOND), ==, 5);
    for (int i = 0; i < 5; i++)
        CHECK(remote_end(threads[i]), ==, -ECANCELED);
    CHECK(green_hub_pool_close(pool, GREEN_MILLISECOND), ==, 0);
    green_hub_pool_release(pool);
}

static int discards; /* atomic */

static void count_discard(void *unused) {
    (void)unused;
    __atomic_fetch_add(&discards, 1, __ATOMIC_RELAXED);
}

TEST(kills_delayed, "a close with a limit of 0 kills at once, also threads that wait for their delay") {
    green_spawn_options options = {.delay = 3600 * GREEN_SECOND, .discard = count_discard};
    green_hub_pool *pool = pool_of(1);
    for (int i = 0; i < 3; i++)
        CHECK(green_hub_spawn(green_hub_pool_hub(pool, 0), NULL, &options, nap, NULL), ==, 0);
    CHECK(green_hub_pool_close(pool, 0), ==, 3);
    CHECK(__atomic_load_n(&discards, __ATOMIC_RELAXED), ==, 3);
    green_hub_pool_release(pool);
}

/* Handles its kill, and then spawns a thread. */
static int spawn_when_killed(void *generations) {
    int error = nap(NULL);
    if (error != -ECANCELED)
        return -EPROTO;
    if (--*(int *)generations > 0)
        CHECK(green_detach(spawn_when_killed, generations), ==, 0);
    return 0;
}

TEST(kills_younger, "threads that killed threads spawn are killed, too") {
    int generations = 4;
    green_hub_pool *pool = pool_of(1);
    CHECK(green_hub_spawn(green_hub_pool_hub(pool, 0), NULL, NULL, spawn_when_killed, &generations), ==, 0);
    CHECK(on_hub(green_hub_pool_hub(pool, 0), yield_once, NULL), ==, 0); /* it has begun */
    CHECK(green_hub_pool_close(pool, 0), ==, 4);
    CHECK(generations, ==, 0);
    green_hub_pool_release(pool);
}

static int close_from_inside(void *pool) {
    int error = green_hub_pool_close(pool, GREEN_FOREVER);
    CHECK_CONTAINS(green_explain(error), "by a thread of the pool");
    return error;
}

TEST(from_inside, "a thread of the pool cannot close it: -EDEADLK, and the pool continues") {
    green_hub_pool *pool = pool_of(2);
    CHECK(on_hub(green_hub_pool_hub(pool, 1), close_from_inside, pool), ==, -EDEADLK);
    CHECK(on_hub(green_hub_pool_hub(pool, 0), yield_once, NULL), ==, 0);
    CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(pool);
}

TEST(interrupted, "after a close that is interrupted the hubs end; another close waits again") {
    struct gate gate = {.result = 0};
    green_hub_pool *pool = pool_of(1);
    green_hub *hub = green_hub_retain(green_hub_pool_hub(pool, 0));
    green_remote_thread *thread = spawn_on(hub, wait_at_gate, &gate);
    green_thread *closer = start(close_forever, pool);
    let_run();
    CHECK(kill_and_finish(closer), ==, -ECANCELED);
    CHECK(green_remote_thread_is_finished(thread), ==, false); /* the interrupt has not killed it */
    __atomic_store_n(&gate.open, true, __ATOMIC_RELEASE);
    CHECK(remote_end(thread), ==, 0);
    UNTIL(green_hub_spawn(hub, NULL, NULL, yield_once, NULL) == -ESRCH);
    CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(pool);
    green_hub_release(hub);
}

struct closing {
    green_hub_pool *pool;
    int64_t timeout;
};

static int close_within(void *argument) {
    const struct closing *closing = argument;
    return green_hub_pool_close(closing->pool, closing->timeout);
}

TEST(several_closes, "of several closes on several OS threads, all wait, and the shortest limit counts") {
    struct closing patient = {pool_of(2), GREEN_FOREVER}, impatient = {patient.pool, GREEN_MILLISECOND};
    struct os_thread os_threads[2];
    green_remote_thread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = spawn_on(green_hub_pool_next(patient.pool), nap, NULL);
    green_thread *closer = start(close_within, &patient);
    os_thread_start(&os_threads[0], close_within, &patient);
    let_run();
    CHECK(green_thread_is_finished(closer), ==, false);
    os_thread_start(&os_threads[1], close_within, &impatient);
    int killed = finish(closer) + os_thread_finish(&os_threads[0]) + os_thread_finish(&os_threads[1]);
    CHECK(killed, ==, 4); /* one of them returned the number */
    for (int i = 0; i < 4; i++)
        CHECK(remote_end(threads[i]), ==, -ECANCELED);
    green_hub_pool_release(patient.pool);
}

TEST(released, "after the last release each hub ends when its last thread has finished") {
    struct gate gate = {.result = 6};
    green_hub_pool *pool = pool_of(3);
    green_hub *hub = green_hub_retain(green_hub_pool_hub(pool, 2));
    green_remote_thread *thread = spawn_on(hub, wait_at_gate, &gate);
    green_hub_pool_release(pool);
    UNTIL(os_threads_named("hub-") == 1);
    CHECK(green_remote_thread_is_finished(thread), ==, false);
    CHECK(on_hub(hub, yield_once, NULL), ==, 0);
    __atomic_store_n(&gate.open, true, __ATOMIC_RELEASE);
    CHECK(remote_end(thread), ==, 6);
    UNTIL(os_threads_named("hub-") == 0);
    CHECK(green_hub_spawn(hub, NULL, NULL, yield_once, NULL), ==, -ESRCH);
    green_hub_release(hub);
}

static int release_it(void *pool) {
    green_hub_pool_release(pool);
    return green_yield();
}

TEST(released_inside, "a thread of the pool may release it last") {
    green_hub_pool *pool = pool_of(2);
    green_hub *hub = green_hub_retain(green_hub_pool_hub(pool, 0));
    CHECK(on_hub(hub, release_it, pool), ==, 0);
    UNTIL(os_threads_named("hub-") == 0);
    green_hub_release(hub);
}

TEST(released_during_close, "another owner may release the pool during a close") {
    struct gate gate = {.result = 0};
    green_hub_pool *pool = pool_of(1);
    green_remote_thread *thread = spawn_on(green_hub_pool_hub(pool, 0), wait_at_gate, &gate);
    green_thread *closer = start(close_forever, pool);
    let_run();
    green_hub_pool_release(pool);
    __atomic_store_n(&gate.open, true, __ATOMIC_RELEASE);
    CHECK(finish(closer), ==, 0);
    CHECK(remote_end(thread), ==, 0);
}

TEST(no_deadlock, "a hub whose threads wait for each other is not reported: other hubs may wake them") {
    green_hub_pool *pool = pool_of(1);
    capture_begin();
    green_remote_thread *thread = spawn_on(green_hub_pool_hub(pool, 0), nap, NULL);
    CHECK(on_hub(green_hub_pool_hub(pool, 0), yield_once, NULL), ==, 0);
    CHECK(green_hub_pool_close(pool, GREEN_MILLISECOND), ==, 1);
    CHECK(remote_end(thread), ==, -ECANCELED);
    green_hub_pool_release(pool);
    CHECK_TEXT(capture_end(), "");
}

/* Hubs that end in use --------------------------------------------------------- */

static green_thread *kept;

static int keep_handle(void *unused) {
    (void)unused;
    static int value = 1;
    CHECK(green_spawn(&kept, give, &value), ==, 0);
    return 0;
}

static void close_with_handle(void) {
    green_hub_pool *pool = pool_of(2);
    CHECK(on_hub(green_hub_pool_hub(pool, 1), keep_handle, NULL), ==, 0);
    CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(pool);
}

TEST(handles, "a handle that is left on a hub is reported when the pool is closed") {
    static struct child child;
    run_child(&child, close_with_handle);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub 'hub-1' was in use");
    CHECK_CONTAINS(child.output, "1 handles of finished ones");
    CHECK(strstr(child.output, "hub-0") == NULL);
    CHECK(child.status, ==, 0);
}

static int end_os_thread(void *unused) {
    (void)unused;
    pthread_exit(NULL);
}

static void lose_one(void) {
    green_hub_pool *pool = pool_of(2);
    green_remote_thread *thread = spawn_on(green_hub_pool_hub(pool, 0), end_os_thread, NULL);
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_FOREVER), ==, -ESRCH);
    green_remote_thread_release(thread);
    CHECK(on_hub(green_hub_pool_hub(pool, 1), yield_once, NULL), ==, 0);
    CHECK(green_hub_pool_close(pool, 0), ==, 0);
    UNTIL(os_threads_named("hub-") == 0);
    green_hub_pool_release(pool);
}

TEST(lost, "if a thread ends the OS thread of a hub, the other hubs and the close of the pool work") {
    static struct child child;
    needs_exit_of_os_thread();
    run_child(&child, lose_one);
    CHECK_CONTAINS(child.output, "an OS thread ended while its hub 'hub-0' was in use");
    CHECK(child.status, ==, 0);
}

/* Forks ------------------------------------------------------------------------ */

static int never_runs(void *unused) {
    (void)unused;
    check_failed(__FILE__, __LINE__, "a child ran a thread on a hub of its parent");
}

static void use_parents(green_hub_pool *pool) {
    for (size_t i = 0; i < green_hub_pool_count(pool); i++)
        CHECK(green_hub_spawn(green_hub_pool_hub(pool, i), NULL, NULL, never_runs, NULL), ==, -EXDEV);
    CHECK(green_hub_spawn(green_hub_pool_next(pool), NULL, NULL, never_runs, NULL), ==, -EXDEV);
    CHECK(green_hub_pool_close(pool, 0), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "belongs to the process before the fork");
    green_hub_pool_release(pool);
    if (!threads_after_fork())
        return;
    green_hub_pool *own = pool_of(2);
    CHECK(on_hub(green_hub_pool_hub(own, 1), yield_once, NULL), ==, 0);
    CHECK(green_hub_pool_close(own, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(own);
}

static pid_t forked(green_hub_pool *pool) {
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        alarm(30 * time_factor());
        use_parents(pool);
        _exit(0);
    }
    return pid;
}

static int fork_inside(void *pool) {
    return (int)forked(pool);
}

static void expect_success(pid_t pid) {
    int status = -1;
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(status, ==, 0);
}

TEST(forked, "a child cannot use its parent's pool, may release it and make its own; the parent is not affected") {
    struct gate gate = {.result = 5};
    green_hub_pool *pool = pool_of(3);
    green_remote_thread *thread = spawn_on(green_hub_pool_hub(pool, 0), wait_at_gate, &gate);
    expect_success(forked(pool));
    expect_success((pid_t)on_hub(green_hub_pool_hub(pool, 1), fork_inside, pool));
    __atomic_store_n(&gate.open, true, __ATOMIC_RELEASE);
    CHECK(remote_end(thread), ==, 5);
    CHECK(green_hub_pool_close(pool, GREEN_FOREVER), ==, 0);
    green_hub_pool_release(pool);
}
