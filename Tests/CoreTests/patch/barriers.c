/* Barriers in a patched program. */
#include "patches.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { THREADS = 5, ROUNDS = 20 };

static green_patch *patch;
static pthread_barrier_t barrier;
static _Atomic int entered, serial;

/* The calls of the C library. */
static int (*volatile native_wait)(pthread_barrier_t *);
static int (*volatile native_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static void begin(void) {
    native_wait = pthread_barrier_wait; /* read now, before the slots are patched */
    native_create = pthread_create;
    CHECK(green_monkey_patch(&patch, GREEN_PATCH_ALL | GREEN_PATCH_THREAD), ==, 0);
    CHECK(green_yield(), ==, 0); /* makes the hub */
}

static void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

/* All threads of a round have entered it when the first one leaves it. */
static void take_part(int (*wait)(pthread_barrier_t *), int threads) {
    for (int round = 1; round <= ROUNDS; round++) {
        entered++;
        int result = wait(&barrier);
        CHECK(entered, >=, round * threads);
        CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
        serial += result == PTHREAD_BARRIER_SERIAL_THREAD;
    }
}

static int call_wait(pthread_barrier_t *used) {
    return pthread_barrier_wait(used);
}

static void *use_barrier(void *unused) {
    take_part(call_wait, THREADS);
    return unused;
}

static void join_all(const pthread_t *ids, int count) {
    for (int i = 0; i < count; i++)
        CHECK(pthread_join(ids[i], NULL), ==, 0);
    CHECK(entered, ==, THREADS * ROUNDS);
    CHECK(serial, ==, ROUNDS);
}

TEST(rounds, "green threads wait for each other in each round, and one of them is the serial one") {
    begin();
    pthread_t ids[THREADS];
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS), ==, 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&ids[i], NULL, use_barrier, NULL), ==, 0);
    join_all(ids, THREADS);
    CHECK(pthread_barrier_destroy(&barrier), ==, 0);
    end();
}

/* An OS thread without a hub. */
static void *use_barrier_natively(void *unused) {
    take_part(unused ? native_wait : call_wait, THREADS);
    return unused;
}

static void share_with_os_threads(bool patched) {
    begin();
    pthread_t ids[THREADS];
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS), ==, 0);
    for (int i = 0; i < THREADS; i++)
        if (i % 2)
            CHECK(native_create(&ids[i], NULL, use_barrier_natively, patched ? NULL : &barrier), ==, 0);
        else
            CHECK(pthread_create(&ids[i], NULL, use_barrier, NULL), ==, 0);
    join_all(ids, THREADS);
    CHECK(pthread_barrier_destroy(&barrier), ==, 0);
    end();
}

TEST(os_threads, "green threads and OS threads share a barrier") {
    share_with_os_threads(true);
}

TEST(unpatched, "green threads share a barrier with callers that are not patched") {
    share_with_os_threads(false);
}

static void *wait_once(void *unused) {
    (void)unused;
    return (void *)(intptr_t)pthread_barrier_wait(&barrier);
}

TEST(destroyed, "pthread_barrier_destroy waits until threads that are ready have left") {
    begin();
    pthread_t id;
    void *result;
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_barrier_init(&barrier, NULL, 2), ==, 0);
        CHECK(pthread_create(&id, NULL, wait_once, NULL), ==, 0);
        CHECK(sched_yield(), ==, 0);
        CHECK(pthread_barrier_wait(&barrier), ==, PTHREAD_BARRIER_SERIAL_THREAD);
        CHECK(pthread_barrier_destroy(&barrier), ==, 0);
        memset(&barrier, 0xff, sizeof barrier);
        CHECK(pthread_join(id, &result), ==, 0);
        CHECK((intptr_t)result, ==, 0);
    }
    end();
}

TEST(alone, "a barrier of one thread lets it through as the serial one") {
    begin();
    CHECK(pthread_barrier_init(&barrier, NULL, 0), ==, EINVAL);
    CHECK(pthread_barrier_init(&barrier, NULL, 1), ==, 0);
    for (int i = 0; i < ROUNDS; i++)
        CHECK(pthread_barrier_wait(&barrier), ==, PTHREAD_BARRIER_SERIAL_THREAD);
    CHECK(pthread_barrier_destroy(&barrier), ==, 0);
    end();
}

/* The first words of a barrier of the C library count the threads that have entered and left it. */
TEST(reset, "a barrier whose counters are about to overflow continues") {
    begin();
    pthread_t ids[THREADS];
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS), ==, 0);
    uint32_t words[5], late = INT32_MAX - INT32_MAX % THREADS - 3 * THREADS;
    memcpy(words, &barrier, sizeof words);
    words[0] = words[1] = words[4] = late;
    memcpy(&barrier, words, sizeof words);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&ids[i], NULL, use_barrier, NULL), ==, 0);
    join_all(ids, THREADS);
    CHECK(pthread_barrier_destroy(&barrier), ==, 0);
    end();
}

struct shared {
    pthread_barrier_t barrier;
    _Atomic int entered;
};

static void *pass_shared(void *argument) {
    struct shared *shared = argument;
    shared->entered++;
    (void)pthread_barrier_wait(&shared->barrier);
    CHECK(shared->entered, ==, 3);
    return NULL;
}

TEST(processes, "two green threads and another process share a barrier") {
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    pthread_barrierattr_t attributes;
    CHECK(pthread_barrierattr_init(&attributes), ==, 0);
    CHECK(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), ==, 0);
    CHECK(pthread_barrier_init(&shared->barrier, &attributes, 3), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        (void)pass_shared(shared);
        _exit(0);
    }
    begin();
    pthread_t ids[2];
    int status;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&ids[i], NULL, pass_shared, shared), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(ids[i], NULL), ==, 0);
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    CHECK(pthread_barrier_destroy(&shared->barrier), ==, 0);
    CHECK(munmap(shared, sizeof *shared), ==, 0);
    end();
}

static void in_link(green_thread *unused, void *used) {
    (void)unused;
    CHECK(pthread_barrier_wait(used), ==, PTHREAD_BARRIER_SERIAL_THREAD);
}

static int nothing(void *unused) {
    (void)unused;
    return 0;
}

TEST(links, "a barrier that has enough threads lets a link through") {
    begin();
    CHECK(pthread_barrier_init(&barrier, NULL, 1), ==, 0);
    green_thread *thread = start(nothing, NULL);
    CHECK(green_thread_link(thread, NULL, in_link, &barrier), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(pthread_barrier_destroy(&barrier), ==, 0);
    end();
}
