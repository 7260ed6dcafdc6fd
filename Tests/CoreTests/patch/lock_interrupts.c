/* Locks and condition variables of a patched library where a wait ends early or cannot begin:
 * forks, withdrawn interrupts, destructors. */
#include "locks.h"

#include <stdatomic.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int tickets;

static int take_ticket(void *unused) {
    (void)unused;
    CHECK(lib->mutex_lock(&mutex), ==, 0);
    while (tickets == 0)
        CHECK(lib->cond_wait(&condition, &mutex), ==, 0);
    tickets--;
    CHECK(lib->mutex_unlock(&mutex), ==, 0);
    return 1;
}

static void give_tickets(int count) {
    CHECK(lib->mutex_lock(&mutex), ==, 0);
    tickets += count;
    CHECK(lib->mutex_unlock(&mutex), ==, 0);
}

/* Forks ------------------------------------------------------------------------------ */

static void lock_mutex(void) {
    CHECK(lib->mutex_lock(&mutex), ==, 0);
}

static void unlock_mutex(void) {
    CHECK(lib->mutex_unlock(&mutex), ==, 0);
}

static int lock_once(void *unused) {
    (void)unused;
    lock_mutex();
    unlock_mutex();
    return 0;
}

TEST(fork_lock, "a library may lock its mutex in a fork handler while other threads wait for it") {
    CHECK(pthread_atfork(lock_mutex, unlock_mutex, unlock_mutex), ==, 0); /* before Green's, so that it runs after it */
    begin();
    let_run();
    lock_mutex();
    green_thread *thread = start(lock_once, NULL);
    let_run();
    unlock_mutex(); /* wakes the other thread, which has not run yet */
    fork_and_wait();
    CHECK(finish(thread), ==, 0);
    end();
}

static void resume(void) {
    give_tickets(1);
    CHECK(lib->cond_broadcast(&condition), ==, 0);
}

TEST(fork_signal, "a library that signals its threads after a fork wakes green threads, too") {
    CHECK(pthread_atfork(NULL, resume, NULL), ==, 0);
    begin();
    green_thread *thread = start(take_ticket, NULL);
    let_run();
    fork_and_wait();
    CHECK(finish(thread), ==, 1);
    end();
}

static pthread_t worker;
static atomic_bool forks, holds;

static void *stop_on_request(void *unused) {
    (void)unused;
    while (!forks)
        usleep(100);
    usleep(5000);
    give_tickets(1);
    CHECK(lib->cond_signal(&condition), ==, 0);
    return NULL;
}

static void join_worker(void) {
    forks = true;
    CHECK(lib->join(worker, NULL), ==, 0);
}

static void wait_for_worker(void) {
    forks = true;
    (void)take_ticket(NULL);
}

static void fork_with_worker(void (*prepare)(void)) {
    CHECK(pthread_atfork(prepare, NULL, NULL), ==, 0);
    begin();
    let_run();
    CHECK(pthread_create(&worker, NULL, stop_on_request, NULL), ==, 0);
    fork_and_wait();
    end();
}

TEST(fork_join, "a library may join its OS thread in a fork handler") {
    fork_with_worker(join_worker);
}

TEST(fork_wait, "a library may wait for its OS thread in a fork handler") {
    if (SANITIZED_THREADS)
        skip("ThreadSanitizer takes the thread for a leak of the child's");
    fork_with_worker(wait_for_worker);
    CHECK(pthread_join(worker, NULL), ==, 0);
}

static void lock_for_fork(void) {
    forks = true;
    lock_mutex();
}

static void *signal_inside(void *unused) {
    (void)unused;
    lock_mutex();
    holds = true;
    while (!forks)
        usleep(100);
    usleep(5000);
    tickets++;
    CHECK(lib->cond_signal(&condition), ==, 0);
    unlock_mutex();
    return NULL;
}

TEST(fork_order, "an OS thread may signal while it holds a lock that a fork handler waits for") {
    CHECK(pthread_atfork(lock_for_fork, unlock_mutex, unlock_mutex), ==, 0);
    begin();
    green_thread *thread = start(take_ticket, NULL);
    let_run();
    CHECK(pthread_create(&worker, NULL, signal_inside, NULL), ==, 0);
    while (!holds)
        usleep(100);
    fork_and_wait();
    CHECK(finish(thread), ==, 1);
    CHECK(lib->join(worker, NULL), ==, 0);
    end();
}

/* Signals ---------------------------------------------------------------------------- */

static atomic_int round_begun;
static atomic_bool is_over;

/* Two signals, with a short time in between that varies. */
static void *signal_twice(void *unused) {
    (void)unused;
    for (int round = 0; !is_over;) {
        if (round_begun == round)
            continue;
        round = round_begun;
        give_tickets(2);
        CHECK(lib->cond_signal(&condition), ==, 0);
        for (volatile uint32_t i = (uint32_t)round * 2654435761u >> 20; i > 0; i--)
            ;
        CHECK(lib->cond_signal(&condition), ==, 0);
    }
    return NULL;
}

BIG_TEST(two_signals, "two signals wake two green threads, however close they are") {
    begin();
    CHECK(pthread_create(&worker, NULL, signal_twice, NULL), ==, 0);
    for (int i = 0; i < SCALED(60000); i++) {
        green_thread *one = start(take_ticket, NULL), *other = start(take_ticket, NULL);
        let_run();
        round_begun++;
        CHECK(finish(one), ==, 1);
        CHECK(finish(other), ==, 1);
    }
    is_over = true;
    CHECK(lib->join(worker, NULL), ==, 0);
    end();
}

/* Interrupts ------------------------------------------------------------------------- */

static green_timeout *limit;

static int wait_within_limit(void *unused) {
    struct timespec time = after(CLOCK_REALTIME, 3600 * GREEN_SECOND);
    (void)unused;
    CHECK(green_timeout_start(&limit, GREEN_MILLISECOND), ==, 0);
    lock_mutex();
    CHECK(lib->cond_timedwait(&condition, &mutex, &time), ==, ETIMEDOUT);
    unlock_mutex();
    return green_yield();
}

TEST(taken_back, "a timeout that has ended a wait may be cancelled before the mutex is free") {
    begin();
    green_thread *thread = start(wait_within_limit, NULL);
    let_run();
    lock_mutex();
    CHECK(green_sleep(10 * GREEN_MILLISECOND), ==, 0);
    green_timeout_free(limit);
    unlock_mutex();
    CHECK(finish(thread), ==, 0);
    end();
}

/* Destructors -------------------------------------------------------------------------- */

static pthread_mutex_t recursive;
static green_local *key;

static void make_recursive(void) {
    pthread_mutexattr_t attributes;
    CHECK(pthread_mutexattr_init(&attributes), ==, 0);
    CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE), ==, 0);
    CHECK(pthread_mutex_init(&recursive, &attributes), ==, 0);
}

static void lock_in_destructor(void *expected) {
    int error = *(int *)expected;
    CHECK(lib->mutex_lock(&recursive), ==, error);
    struct timespec time = after(CLOCK_REALTIME, GREEN_SECOND);
    CHECK(lib->mutex_timedlock(&recursive, &time), ==, error);
    CHECK(lib->mutex_trylock(&recursive), ==, error ? EBUSY : 0);
    for (int i = 0; i < 3 && !error; i++)
        CHECK(lib->mutex_unlock(&recursive), ==, 0);
}

static int have_destructor(void *expected) {
    CHECK(green_local_set(key, expected), ==, 0);
    return 0;
}

TEST(destructor, "a recursive mutex of another green thread is refused where the caller cannot wait") {
    int refused = EDEADLK, given = 0;
    begin();
    make_recursive();
    CHECK(green_local_make(&key, lock_in_destructor), ==, 0);
    let_run();
    CHECK(lib->mutex_lock(&recursive), ==, 0);
    CHECK(finish(start(have_destructor, &refused)), ==, 0);
    CHECK(lib->mutex_unlock(&recursive), ==, 0);
    CHECK(finish(start(have_destructor, &given)), ==, 0);
    CHECK(recursive.__data.__owner, ==, 0);
    green_local_free(key);
    end();
}

static int lock_in_the_past(void *unused) {
    (void)unused;
    CHECK(lib->mutex_timedlock(&recursive, &(struct timespec){-1, 0}), ==, ETIMEDOUT);
    CHECK(lib->mutex_timedlock(&recursive, &(struct timespec){0, GREEN_SECOND}), !=, 0);
    CHECK(lib->mutex_unlock(&recursive), ==, EPERM);
    return 0;
}

TEST(past, "a past or invalid deadline does not let a second green thread in") {
    begin();
    make_recursive();
    let_run();
    CHECK(lib->mutex_lock(&recursive), ==, 0);
    CHECK(finish(start(lock_in_the_past, NULL)), ==, 0);
    CHECK(lib->mutex_unlock(&recursive), ==, 0);
    CHECK(recursive.__data.__owner, ==, 0);
    end();
}

/* Joins -------------------------------------------------------------------------------- */

static void *wait_for_ticket(void *unused) {
    return (void *)(intptr_t)take_ticket(unused);
}

TEST(joins, "a thread that cannot be joined is refused, as by the C library") {
    pthread_t detached;
    struct timespec time = after(CLOCK_REALTIME, GREEN_SECOND);
    if (SANITIZED)
        skip("sanitizers do not let the C library refuse it");
    size_t before = os_threads();
    begin();
    let_run();
    CHECK(lib->join(pthread_self(), NULL), ==, EDEADLK);
    CHECK(lib->timedjoin(pthread_self(), NULL, &time), ==, EDEADLK);
    CHECK(pthread_create(&detached, NULL, wait_for_ticket, NULL), ==, 0);
    CHECK(pthread_detach(detached), ==, 0);
    CHECK(lib->join(detached, NULL), ==, EINVAL);
    give_tickets(1);
    CHECK(lib->cond_broadcast(&condition), ==, 0);
    while (os_threads() > before)
        usleep(1000);
    end();
}
