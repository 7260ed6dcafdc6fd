/* Locks that are biased to a hub until another OS thread uses them. */
#include "../../../csrc/sync/biased_lock.h"
#include "../../../csrc/base/feature.h"
#include "helpers.h"
#include "os_threads.h"

#include <sys/wait.h>

enum { MANY = 10 * GREEN_BIASED_LOCK_REPEATS };

static struct {
    green_biased_lock lock;
    long count; /* guarded by the lock */
    bool go;    /* atomic */
} shared;

static void add(int rounds) {
    for (int i = 0; i < rounds; i++) {
        bool as_owner = green__biased_lock(&shared.lock);
        shared.count++;
        green__biased_unlock(&shared.lock, as_owner);
    }
}

static void reset(void) {
    shared.lock = GREEN_BIASED_LOCK_INITIALIZER;
    shared.count = 0;
    shared.go = false;
}

/* Makes the hub of the caller the owner, where that is possible. */
static void bias(void) {
    CHECK(green_yield(), ==, 0);
    add(MANY);
    bool possible = !SANITIZED_THREADS && !green__feature_is_disabled(GREEN_FEATURE_MEMBARRIER);
    CHECK(shared.lock.owner, ==, possible ? (uintptr_t)green__hub : (uintptr_t)GREEN_BIASED_LOCK_SHARED);
}

static int add_some(void *rounds) {
    while (!__atomic_load_n(&shared.go, __ATOMIC_ACQUIRE))
        continue;
    add(*(int *)rounds);
    return 0;
}

TEST(short_life, "a lock is not biased before its hub has acquired it many times in a row") {
    reset();
    CHECK(green_yield(), ==, 0);
    add(GREEN_BIASED_LOCK_REPEATS);
    CHECK(shared.lock.owner, ==, GREEN_BIASED_LOCK_UNBIASED);
}

TEST(no_hub, "a lock is never biased to an OS thread without a hub") {
    reset();
    add(MANY);
    CHECK(shared.lock.owner, ==, GREEN_BIASED_LOCK_SHARED);
    CHECK(shared.count, ==, MANY);
}

TEST(excludes, "the owner and the OS thread that ends the bias exclude each other") {
    int rounds = 100;
    for (int i = 0; i < SCALED(2000); i++) {
        struct os_thread other;
        reset();
        bias();
        os_thread_start(&other, add_some, &rounds);
        __atomic_store_n(&shared.go, true, __ATOMIC_RELEASE);
        long before = MANY;
        while (!__atomic_load_n(&other.ended, __ATOMIC_ACQUIRE)) {
            add(50);
            before += 50;
        }
        CHECK(os_thread_finish(&other), ==, 0);
        CHECK(shared.lock.owner, ==, GREEN_BIASED_LOCK_SHARED);
        CHECK(shared.count, ==, before + rounds);
    }
}

static int enter_once(void *argument) {
    (void)argument;
    add(1);
    return 0;
}

TEST(waits_for_owner, "an OS thread that ends the bias waits until the owner has left") {
    reset();
    bias();
    struct os_thread other;
    bool as_owner = green__biased_lock(&shared.lock);
    os_thread_start(&other, enter_once, NULL);
    UNTIL(__atomic_load_n(&shared.lock.owner, __ATOMIC_RELAXED) == GREEN_BIASED_LOCK_SHARED);
    CHECK(!__atomic_load_n(&other.ended, __ATOMIC_ACQUIRE));
    CHECK(shared.count, ==, MANY);
    green__biased_unlock(&shared.lock, as_owner);
    CHECK(os_thread_finish(&other), ==, 0);
    CHECK(shared.count, ==, MANY + 1);
}

static void bias_in_child(void) {
    if (!threads_after_fork())
        _exit(0);
    reset();
    bias();
    struct os_thread other;
    os_thread_start(&other, enter_once, NULL);
    CHECK(os_thread_finish(&other), ==, 0);
    CHECK(shared.count, ==, MANY + 1);
    _exit(0);
}

TEST(in_child, "a lock of a forked child can be biased, and another OS thread can end that") {
    reset();
    bias();
    pid_t child = fork();
    if (child == 0)
        bias_in_child();
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
}
