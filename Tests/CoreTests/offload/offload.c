/* Offloaded calls: how many run at once, what interrupts do, and the life of workers. */
#include "helpers.h"

#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A call that blocks its worker until the test lets it return. */
struct call {
    green_offload_pool *pool;
    int64_t timeout;
    sem_t begun, go;
    atomic_int runs, abandoned;
    int result; /* of the function */
};

static atomic_int running, most_running;

static struct call *new_call(green_offload_pool *pool) {
    struct call *call = calloc(1, sizeof *call);
    call->pool = pool;
    call->timeout = GREEN_FOREVER;
    call->result = -7; /* not an error of green_offload() */
    sem_init(&call->begun, 0, 0);
    sem_init(&call->go, 0, 0);
    return call;
}

static int block(void *argument) {
    struct call *call = argument;
    int now = atomic_fetch_add(&running, 1) + 1, most = atomic_load(&most_running);
    while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
        ;
    atomic_fetch_add(&call->runs, 1);
    sem_post(&call->begun);
    sem_wait(&call->go);
    atomic_fetch_sub(&running, 1);
    return call->result;
}

static void abandon(void *argument) {
    atomic_fetch_add(&((struct call *)argument)->abandoned, 1);
}

static int offload(void *argument) {
    struct call *call = argument;
    int result = 0, error = green_offload(call->pool, block, call, abandon, &result, call->timeout);
    if (error == 0)
        CHECK(result, ==, call->result);
    return error;
}

static bool has_begun(struct call *call) {
    return sem_trywait(&call->begun) == 0;
}

static green_offload_pool *pool_of(green_offload_options options) {
    green_offload_pool *pool;
    CHECK(green_offload_pool_make(&pool, &options), ==, 0);
    return pool;
}

static void *return_at_once(void *argument) {
    return argument;
}

/* An upper bound: a joined thread may still be in the list, and ThreadSanitizer adds a
 * thread of its own. */
static size_t threads_so_far(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, return_at_once, NULL), ==, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    return os_threads();
}

TEST(others_run, "an offloaded call blocks only its caller, which gets the function's return value") {
    struct call *call = new_call(NULL);
    green_thread *caller = start(offload, call);
    UNTIL(has_begun(call));
    CHECK(!green_thread_is_finished(caller));
    sem_post(&call->go);
    CHECK(finish(caller), ==, 0);
    CHECK(call->runs, ==, 1);
    CHECK(call->abandoned, ==, 0);
    free(call);
}

TEST(side_by_side, "as many calls run at once as the pool has workers, and the others wait in order") {
    enum { CALLS = 20, THREADS = 3 };
    green_offload_pool *pool = pool_of((green_offload_options){.threads = THREADS});
    struct call *calls[CALLS];
    green_thread *callers[CALLS];
    for (int i = 0; i < CALLS; i++)
        callers[i] = start(offload, calls[i] = new_call(pool));
    for (int i = 0; i < THREADS; i++)
        UNTIL(has_begun(calls[i]));
    for (int i = 0; i < CALLS; i++) {
        CHECK(calls[i]->runs, ==, i < THREADS);
        if (i >= THREADS)
            sem_post(&calls[i]->go);
    }
    for (int i = 0; i < THREADS; i++)
        sem_post(&calls[i]->go);
    for (int i = 0; i < CALLS; i++) {
        CHECK(finish(callers[i]), ==, 0);
        CHECK(calls[i]->runs, ==, 1);
        free(calls[i]);
    }
    CHECK(most_running, ==, THREADS);
    green_offload_pool_free(pool);
}

TEST(full, "a call that exceeds the queue limit is -EAGAIN at once, and its argument is abandoned") {
    green_offload_pool *pool = pool_of((green_offload_options){.threads = 1, .queue_limit = 2, .name = "tiny"});
    struct call *calls[4];
    green_thread *callers[3];
    for (int i = 0; i < 4; i++)
        calls[i] = new_call(pool);
    callers[0] = start(offload, calls[0]);
    UNTIL(has_begun(calls[0]));
    for (int i = 1; i < 3; i++)
        callers[i] = start(offload, calls[i]);
    let_run();
    CHECK(offload(calls[3]), ==, -EAGAIN);
    CHECK_CONTAINS(green_explain(-EAGAIN), "the queue of 'tiny' is full (2 calls wait for 1 OS threads)");
    CHECK(calls[3]->abandoned, ==, 1);
    for (int i = 0; i < 3; i++)
        sem_post(&calls[i]->go);
    for (int i = 0; i < 3; i++)
        CHECK(finish(callers[i]), ==, 0);
    sem_post(&calls[3]->go);
    CHECK(offload(calls[3]), ==, 0);
    for (int i = 0; i < 4; i++)
        free(calls[i]);
    green_offload_pool_free(pool);
}

TEST(killed, "a kill ends the wait at once; a function that has begun runs to its end, others are never called") {
    green_offload_pool *pool = pool_of((green_offload_options){.threads = 1});
    struct call *begun = new_call(pool), *waiting = new_call(pool), *later = new_call(pool);
    green_thread *first = start(offload, begun), *second = start(offload, waiting), *third = start(offload, later);
    UNTIL(has_begun(begun));
    CHECK(kill_and_finish(second), ==, -ECANCELED);
    CHECK(waiting->abandoned, ==, 1);
    CHECK(kill_and_finish(first), ==, -ECANCELED);
    CHECK(begun->abandoned, ==, 0); /* the function still uses it */
    sem_post(&begun->go);
    UNTIL(begun->abandoned == 1);
    sem_post(&later->go);
    CHECK(finish(third), ==, 0);
    CHECK(waiting->runs, ==, 0);
    CHECK(later->abandoned, ==, 0);
    free(begun);
    free(waiting);
    free(later);
    green_offload_pool_free(pool);
}

static atomic_int quick_runs;

static int return_soon(void *unused) {
    (void)unused;
    return atomic_fetch_add(&quick_runs, 1) >= 0 ? 0 : -1;
}

static int offload_quickly(void *taken) {
    int result = -1, error = green_offload(NULL, return_soon, NULL, NULL, &result, GREEN_FOREVER);
    *(int *)taken += error == 0;
    CHECK(result, ==, error == 0 ? 0 : -1);
    return error;
}

TEST(killed_at_end, "a kill at any moment of a call ends it or comes after it, and the call ends once") {
    int ended = 0, taken = 0;
    for (int i = 0; i < SCALED(3000); i++) {
        green_thread *thread = start(offload_quickly, &taken);
        for (int yields = 0; yields < i % 64; yields++)
            CHECK(green_yield(), ==, 0);
        int error = kill_and_finish(thread);
        CHECK(error == 0 || error == -ECANCELED);
        ended += error == 0;
    }
    CHECK(taken, >=, ended);
    CHECK(quick_runs, >=, taken);
}

TEST(no_descriptor, "an offloaded call needs no descriptor") {
    struct rlimit before;
    green_thread *callers[20];
    int taken = 0;
    CHECK(offload_quickly(&taken), ==, 0); /* makes the hub and a worker */
    CHECK(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){1, before.rlim_max}), ==, 0);
    for (int i = 0; i < 20; i++)
        callers[i] = start(offload_quickly, &taken);
    for (int i = 0; i < 20; i++)
        CHECK(finish(callers[i]), ==, 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
    CHECK(taken, ==, 21);
}

static atomic_bool parent_returns;

/* In the child, the only OS thread is the worker. It ends the job, and itself, because it is
 * idle, and so the process. */
static int fork_here(void *unused) {
    (void)unused;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        return 0;
    CHECK(waitpid(child, NULL, 0) == child);
    atomic_store(&parent_returns, true);
    return 0;
}

TEST(forked, "a worker of a forked child ends its job, and wakes no thread of the parent") {
    green_offload_pool *pool = pool_of((green_offload_options){.idle = 1});
    CHECK(green_offload(pool, fork_here, NULL, NULL, NULL, GREEN_FOREVER), ==, 0);
    CHECK(atomic_load(&parent_returns));
    green_offload_pool_free(pool);
}

TEST(killed_last, "a call that is queued after the last queued one was withdrawn still runs") {
    green_offload_pool *pool = pool_of((green_offload_options){.threads = 1});
    struct call *begun = new_call(pool), *waiting = new_call(pool), *later = new_call(pool);
    green_thread *first = start(offload, begun), *second = start(offload, waiting);
    UNTIL(has_begun(begun));
    CHECK(kill_and_finish(second), ==, -ECANCELED);
    green_thread *third = start(offload, later);
    let_run();
    sem_post(&begun->go);
    sem_post(&later->go);
    CHECK(finish(first), ==, 0);
    CHECK(finish(third), ==, 0);
    free(begun);
    free(waiting);
    free(later);
    green_offload_pool_free(pool);
}

TEST(timeouts, "the call's timeout and a timeout of the thread end the wait, each with its own error") {
    struct call *own = new_call(NULL), *around = new_call(NULL);
    green_timeout *limit;
    own->timeout = GREEN_MILLISECOND;
    CHECK(offload(own), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "an offloaded call has not ended within 1 ms (ETIMEDOUT)");
    CHECK(green_timeout_start(&limit, GREEN_MILLISECOND), ==, 0);
    CHECK(offload(around), ==, -ETIME);
    green_timeout_free(limit);
    sem_post(&own->go);
    sem_post(&around->go);
    UNTIL(own->abandoned + around->abandoned == own->runs + around->runs + (own->runs == 0) + (around->runs == 0));
    UNTIL(atomic_load(&running) == 0);
    free(own);
    free(around);
}

TEST(released, "a freed pool runs the functions of interrupted callers, and then its workers end") {
    size_t before = threads_so_far();
    green_offload_pool *pool = pool_of((green_offload_options){.threads = 2, .idle = GREEN_FOREVER});
    struct call *left = new_call(pool), *done = new_call(pool);
    green_thread *caller = start(offload, left);
    UNTIL(has_begun(left));
    sem_post(&done->go);
    CHECK(offload(done), ==, 0);
    CHECK(kill_and_finish(caller), ==, -ECANCELED);
    green_offload_pool_free(pool);
    CHECK(left->abandoned, ==, 0);
    sem_post(&left->go);
    UNTIL(left->abandoned == 1);
    UNTIL(os_threads() <= before);
    free(left);
    free(done);
}

/* More workers than threads_so_far() may be wrong by. */
TEST(idle_released, "idle workers end when their pool is freed, whatever their idle time") {
    enum { THREADS = 4 };
    size_t before = threads_so_far();
    green_offload_pool *pool = pool_of((green_offload_options){.threads = THREADS, .idle = GREEN_FOREVER});
    struct call *calls[THREADS];
    green_thread *callers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        calls[i] = new_call(pool);
        callers[i] = start(offload, calls[i]);
    }
    for (int i = 0; i < THREADS; i++)
        UNTIL(has_begun(calls[i]));
    for (int i = 0; i < THREADS; i++) {
        sem_post(&calls[i]->go);
        CHECK(finish(callers[i]), ==, 0);
        free(calls[i]);
    }
    green_offload_pool_free(pool);
    UNTIL(os_threads() <= before);
}

TEST(unused, "a pool without calls starts no worker") {
    size_t before = threads_so_far();
    green_offload_pool *pool;
    CHECK(green_offload_pool_make(&pool, NULL), ==, 0);
    CHECK(os_threads(), <=, before);
    green_offload_pool_free(pool);
    green_offload_pool_free(NULL);
}

TEST(idle, "idle workers end after the idle time, and are started again on demand") {
    size_t before = threads_so_far();
    green_offload_pool *pool = pool_of((green_offload_options){.idle = GREEN_MILLISECOND});
    struct call *call = new_call(pool);
    for (int i = 0; i < 5; i++) {
        sem_post(&call->go);
        CHECK(offload(call), ==, 0);
        UNTIL(os_threads() <= before);
    }
    CHECK(call->runs, ==, 5);
    free(call);
    green_offload_pool_free(pool);
}

/* Sets the date an hour ahead for this process. */
static atomic_bool date_is_set;

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
    int result = __real_clock_gettime(clock, time);
    if (clock == CLOCK_REALTIME && atomic_load(&date_is_set))
        time->tv_sec += 3600;
    return result;
}

TEST(date, "setting the system's date does not change the idle time of workers") {
    size_t before = threads_so_far();
    green_offload_pool *pool = pool_of((green_offload_options){.idle = GREEN_MILLISECOND});
    struct call *call = new_call(pool);
    atomic_store(&date_is_set, true);
    sem_post(&call->go);
    CHECK(offload(call), ==, 0);
    UNTIL(os_threads() <= before);
    free(call);
    green_offload_pool_free(pool);
}

/* Workers are detached and need no join. glibc keeps up to 40 MiB of stacks of ended
 * threads, which the first threads allocate. With one malloc arena, no thread allocates
 * another. */
TEST(many_lives, "workers that have ended leave no memory behind") {
    enum { LIVES = 180, FIRST = 60 };
    if (SANITIZED)
        skip("sanitizers keep memory of threads for longer");
    needs_kernel();
    CHECK(mallopt(M_ARENA_MAX, 1), ==, 1);
    size_t before = threads_so_far(), space = 0;
    for (int i = 0; i < LIVES; i++) {
        if (i == FIRST)
            space = address_space_bytes();
        green_offload_pool *pool = pool_of((green_offload_options){.threads = 1});
        struct call *call = new_call(pool);
        sem_post(&call->go);
        CHECK(offload(call), ==, 0);
        green_offload_pool_free(pool);
        UNTIL(os_threads() <= before);
        free(call);
    }
    CHECK(address_space_bytes(), <, space + (LIVES - FIRST) / 2 * (1 << 20));
}

/* Freed memory is overwritten, so that a list that still contains it is detected. */
TEST(any_order, "pools freed in any order leave no fork handlers behind") {
    enum { POOLS = 6, SIZES = 64, EACH = 8 };
    static const int order[] = {2, 1, 4, 0, 5, 3};
    green_offload_pool *pools[POOLS];
    void *blocks[SIZES * EACH];
    for (int i = 0; i < POOLS; i++)
        pools[i] = pool_of((green_offload_options){.threads = 1});
    for (int i = 0; i < POOLS - 1; i++)
        green_offload_pool_free(pools[order[i]]);
    for (size_t i = 0; i < SIZES * EACH; i++) {
        size_t size = (i / EACH + 1) * 16;
        blocks[i] = malloc(size);
        memset(blocks[i], 0xff, size);
    }
    fork_and_wait();
    struct call *call = new_call(pools[order[POOLS - 1]]);
    sem_post(&call->go);
    CHECK(offload(call), ==, 0);
    free(call);
    green_offload_pool_free(pools[order[POOLS - 1]]);
    for (size_t i = 0; i < SIZES * EACH; i++)
        free(blocks[i]);
}

static atomic_int handled;

static void count_signal(int number) {
    (void)number;
    atomic_fetch_add(&handled, 1);
}

TEST(signals, "no OS thread of Green handles a signal of the process") {
    sigset_t set, pending;
    struct call *call = new_call(NULL);
    struct sigaction action = {.sa_handler = count_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL), ==, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    green_thread *caller = start(offload, call);
    UNTIL(has_begun(call));
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL), ==, 0);
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    sem_post(&call->go);
    CHECK(finish(caller), ==, 0);
    CHECK(sigpending(&pending), ==, 0);
    CHECK(sigismember(&pending, SIGUSR1), ==, 1);
    CHECK(handled, ==, 0);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL), ==, 0);
    CHECK(handled, ==, 1);
    free(call);
}

/* A hub of its own -------------------------------------------------------------- */

static int use_green(void *unused) {
    (void)unused;
    int value = 5;
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(finish(start(give, &value)), ==, 5);
    return -EINVAL;
}

TEST(green_inside, "a function may use Green on its worker, and the call returns its errors as results") {
    size_t before = threads_so_far();
    green_offload_pool *pool = pool_of((green_offload_options){0});
    int result = 0;
    CHECK(green_offload(pool, use_green, NULL, NULL, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, -EINVAL);
    CHECK(green_offload(pool, use_green, NULL, NULL, NULL, GREEN_FOREVER), ==, 0);
    green_offload_pool_free(pool);
    UNTIL(os_threads() <= before); /* and the worker's hub ends with it */
}

enum { HUBS = 3, CALLS_OF_A_HUB = 50 };

static int count_up(void *counter) {
    return atomic_fetch_add((atomic_int *)counter, 1);
}

static atomic_int counted;

static int offload_often(void *pool) {
    for (int i = 0; i < CALLS_OF_A_HUB; i++)
        CHECK(green_offload(pool, count_up, &counted, NULL, NULL, GREEN_FOREVER), ==, 0);
    return 0;
}

static void *run_hub(void *pool) {
    green_thread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start(offload_often, pool);
    for (int i = 0; i < 4; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(os_threads, "the hubs of several OS threads share a pool") {
    green_offload_pool *pool = pool_of((green_offload_options){.threads = 2});
    pthread_t others[HUBS];
    for (int i = 0; i < HUBS; i++)
        CHECK(pthread_create(&others[i], NULL, run_hub, pool), ==, 0);
    for (int i = 0; i < HUBS; i++)
        CHECK(pthread_join(others[i], NULL), ==, 0);
    CHECK(counted, ==, HUBS * 4 * CALLS_OF_A_HUB);
    green_offload_pool_free(pool);
}
