/* Locks that spin for a moment and then wait in the kernel. */
#include "../../../csrc/base/short_lock.h"
#include "helpers.h"
#include "os_threads.h"

#include <pthread.h>
#include <sched.h>

enum { OS_THREADS = 4, ROUNDS = SCALED(200000) };

static struct {
    green_short_lock lock;
    long count; /* guarded by the lock */
    bool yields;
} shared;

static int add(void *argument) {
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        green__short_lock(&shared.lock);
        long count = shared.count;
        if (shared.yields && i % 64 == 0)
            sched_yield(); /* as if the holder lost its processor: the others wait in the kernel */
        shared.count = count + 1;
        green__short_unlock(&shared.lock);
    }
    return 0;
}

static void add_together(bool yields) {
    struct os_thread threads[OS_THREADS];
    shared.count = 0;
    shared.yields = yields;
    for (int i = 0; i < OS_THREADS; i++)
        os_thread_start(&threads[i], add, NULL);
    for (int i = 0; i < OS_THREADS; i++)
        CHECK(os_thread_finish(&threads[i]), ==, 0);
    CHECK(shared.count, ==, (long)OS_THREADS * ROUNDS);
    CHECK(shared.lock.state, ==, GREEN_SHORT_LOCK_FREE);
}

TEST(excludes, "one OS thread at a time holds a short lock, also if it loses its processor meanwhile") {
    add_together(false);
    add_together(true);
}

static int take_and_give(void *argument) {
    errno = EPROTO;
    green__short_lock(argument);
    green__short_unlock(argument);
    CHECK(errno, ==, EPROTO);
    return 0;
}

TEST(waits, "an OS thread that does not get a short lock waits in the kernel, and errno stays") {
    enum { WAITERS = 3 };
    struct os_thread waiters[WAITERS];
    green_short_lock lock = {0};
    green__short_lock(&lock);
    CHECK(!green__short_lock_try(&lock));
    for (int i = 0; i < WAITERS; i++)
        os_thread_start(&waiters[i], take_and_give, &lock);
    UNTIL(__atomic_load_n(&lock.state, __ATOMIC_RELAXED) == GREEN_SHORT_LOCK_CONTENDED);
    green__short_unlock(&lock);
    for (int i = 0; i < WAITERS; i++)
        CHECK(os_thread_finish(&waiters[i]), ==, 0);
}
