/* Waiting for any, and for all, of several threads. */
#include "sleepers.h"

/* Any ------------------------------------------------------------------------- */

enum { MANY = 100 }; /* more than there are nodes on the stack */

static void any_of(int count) {
    struct sleeper sleepers[MANY];
    green_thread *threads[MANY];
    start_sleepers(sleepers, count);
    for (int i = 0; i < count; i++)
        threads[i] = sleepers[i].thread;
    int first = count / 2;
    wake_sleeper(&sleepers[first]);
    if (count > 1)
        wake_sleeper(&sleepers[0]); /* finishes later */
    CHECK(green_wait_any(threads, (size_t)count, GREEN_FOREVER), ==, first);
    let_run();
    CHECK(green_wait_any(threads, (size_t)count, 0), ==, 0); /* the lowest index of the finished ones */
    end_sleepers(sleepers, count);
}

TEST(any, "waiting for any of several threads returns the index of the first that finishes") {
    static const int counts[] = {1, 2, 15, 16, 17, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        any_of(counts[i]);
}

TEST(any_of_none, "waiting for any of no threads is refused") {
    CHECK(green_wait_any(NULL, 0, GREEN_FOREVER), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "no green threads are given");
}

TEST(any_timeouts, "waiting for any times out, and does not affect the threads") {
    struct sleeper sleepers[20];
    green_thread *threads[20];
    start_sleepers(sleepers, 20);
    for (int i = 0; i < 20; i++)
        threads[i] = sleepers[i].thread;
    for (size_t count = 2; count <= 20; count += 18) {
        CHECK(green_wait_any(threads, count, 0), ==, -ETIMEDOUT);
        CHECK(green_wait_any(threads, count, GREEN_MILLISECOND), ==, -ETIMEDOUT);
        CHECK_CONTAINS(green_explain(-ETIMEDOUT), "green threads has finished within 1 ms (ETIMEDOUT)");
    }
    end_sleepers(sleepers, 20);
}

TEST(any_twice, "a thread that is named more than once counts by its lowest index") {
    struct sleeper sleepers[2];
    start_sleepers(sleepers, 2);
    green_thread *threads[] = {sleepers[0].thread, sleepers[1].thread, sleepers[1].thread, sleepers[1].thread};
    wake_sleeper(&sleepers[1]);
    CHECK(green_wait_any(threads, 4, GREEN_FOREVER), ==, 1);
    CHECK(green_wait_any(threads, 4, GREEN_FOREVER), ==, 1);
    end_sleepers(sleepers, 2);
}

static int wait_any_and_self(void *argument) {
    struct sleeper *sleeper = argument;
    green_thread *self = green_current(), *both[] = {self, sleeper->thread, self}, *own[] = {self, self};
    CHECK(green_wait_any(own, 1, GREEN_FOREVER), ==, -EDEADLK);
    CHECK(green_wait_any(own, 2, 0), ==, -EDEADLK);
    CHECK(green_wait_all(own, 1, GREEN_FOREVER), ==, -EDEADLK);
    CHECK(green_wait_all(both, 3, GREEN_FOREVER), ==, -EDEADLK);
    CHECK(green_wait_any(both, 3, GREEN_FOREVER), ==, 1);
    CHECK(green_wait_all(both, 2, GREEN_FOREVER), ==, -EDEADLK);
    return 0;
}

TEST(self, "a thread may wait for any of several threads that include itself, but not for all of them") {
    struct sleeper sleeper;
    start_sleepers(&sleeper, 1);
    green_thread *thread = start(wait_any_and_self, &sleeper);
    let_run();
    wake_sleeper(&sleeper);
    CHECK(finish(thread), ==, 0);
    end_sleepers(&sleeper, 1);
}

static void wait_in_link(green_thread *thread, void *argument) {
    int *results = argument;
    results[0] = (int)green_wait_any(&thread, 1, GREEN_FOREVER);
    results[1] = green_wait_all(&thread, 1, GREEN_FOREVER);
}

TEST(self_finished, "in a link, the thread itself has finished") {
    int results[2] = {1, 1};
    struct sleeper sleeper;
    start_sleepers(&sleeper, 1);
    CHECK(green_thread_link(sleeper.thread, NULL, wait_in_link, results), ==, 0);
    end_sleepers(&sleeper, 1);
    CHECK(results[0], ==, 0);
    CHECK(results[1], ==, 0);
}

/* All ------------------------------------------------------------------------- */

TEST(all, "waiting for all of several threads ends when the last one has finished") {
    static const int counts[] = {1, 2, 15, 16, 17, MANY};
    int64_t naps[MANY];
    green_thread *threads[MANY];
    CHECK(green_wait_all(NULL, 0, GREEN_FOREVER), ==, 0);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int count = counts[i];
        for (int k = 0; k < count; k++) {
            naps[k] = (k % 3) * GREEN_MILLISECOND;
            threads[k] = start(nap, &naps[k]);
        }
        CHECK(green_wait_all(threads, (size_t)count, 0), ==, -ETIMEDOUT);
        CHECK(green_wait_all(threads, (size_t)count, GREEN_FOREVER), ==, 0);
        for (int k = 0; k < count; k++)
            CHECK(green_thread_is_finished(threads[k]));
        CHECK(green_wait_all(threads, (size_t)count, 0), ==, 0);
        for (int k = 0; k < count; k++)
            green_thread_release(threads[k]);
    }
}

TEST(all_twice, "waiting for all counts a thread that is named twice or has finished once") {
    struct sleeper sleepers[3];
    start_sleepers(sleepers, 3);
    wake_sleeper(&sleepers[2]);
    let_run();
    green_thread *threads[] = {sleepers[0].thread, sleepers[1].thread, sleepers[0].thread, sleepers[2].thread};
    wake_sleeper(&sleepers[0]);
    CHECK(green_wait_all(threads, 4, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "1 of 4 green threads have not finished within 1 ms (ETIMEDOUT)");
    wake_sleeper(&sleepers[1]);
    CHECK(green_wait_all(threads, 4, GREEN_FOREVER), ==, 0);
    end_sleepers(sleepers, 3);
}

TEST(all_deadline, "the timeout of a wait for all limits the whole wait") {
    enum { STEPS = 10 };
    int64_t naps[STEPS], begin = green_now();
    green_thread *threads[STEPS];
    for (int i = 0; i < STEPS; i++) {
        naps[i] = (i + 1) * 20 * GREEN_MILLISECOND;
        threads[i] = start(nap, &naps[i]);
    }
    CHECK(green_wait_all(threads, STEPS, 70 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_now() - begin, >=, 70 * GREEN_MILLISECOND);
    CHECK(!green_thread_is_finished(threads[STEPS - 1]));
    for (int i = 0; i < STEPS; i++) {
        green_thread_kill(threads[i]);
        int result = finish(threads[i]);
        CHECK(result == 0 || result == -ECANCELED);
    }
}

struct several {
    green_thread **threads;
    size_t count;
    int error;
};

static int wait_several(void *argument) {
    struct several *several = argument;
    several->error = green_wait_all(several->threads, several->count, GREEN_FOREVER);
    return (int)green_wait_any(several->threads, several->count, GREEN_FOREVER);
}

TEST(killed, "a killed wait for any or all of few or many threads leaves nothing behind") {
    struct sleeper sleepers[20];
    green_thread *threads[20];
    start_sleepers(sleepers, 20);
    for (int i = 0; i < 20; i++)
        threads[i] = sleepers[i].thread;
    for (size_t count = 2; count <= 20; count += 18) {
        struct several several = {threads, count, 0};
        green_thread *thread = start(wait_several, &several);
        let_run();
        CHECK(green_thread_kill(thread), ==, 0);
        let_run();
        CHECK(several.error, ==, -ECANCELED);
        CHECK(kill_and_finish(thread), ==, -ECANCELED);
    }
    end_sleepers(sleepers, 20);
}

static void end_at_once(int order) {
    struct sleeper sleeper;
    start_sleepers(&sleeper, 1);
    struct several several = {&sleeper.thread, 1, 1};
    green_thread *waiter = start(wait_several, &several);
    let_run();
    if (order == 0)
        CHECK(green_thread_kill(waiter), ==, 0);
    wake_sleeper(&sleeper);
    if (order == 2)
        CHECK(green_yield(), ==, 0); /* the sleeper has ended and has woken the waiter */
    if (order > 0)
        CHECK(green_thread_kill(waiter), ==, 0);
    /* The second interrupt stays pending for the next call. */
    CHECK(finish(waiter), ==, order == 2 ? -ECANCELED : 0);
    CHECK(several.error, ==, order == 2 ? 0 : -ECANCELED);
    end_sleepers(&sleeper, 1);
}

TEST(killed_as_they_end, "if a kill of the waiter and the end of the thread coincide, the first one counts") {
    for (int order = 0; order < 3; order++)
        end_at_once(order);
}

TEST(released, "handles may be released while a thread waits for them") {
    green_thread *threads[3];
    struct several several = {threads, 3, 1};
    int64_t naps[] = {GREEN_MILLISECOND, 2 * GREEN_MILLISECOND, 3 * GREEN_MILLISECOND};
    for (int i = 0; i < 3; i++)
        threads[i] = start(nap, &naps[i]);
    green_thread *held = green_thread_retain(threads[0]), *waiter = start(wait_several, &several);
    let_run();
    for (int i = 0; i < 3; i++) {
        green_thread_release(threads[i]);
        threads[i] = held;
    }
    CHECK(finish(waiter), ==, 0);
    CHECK(several.error, ==, 0);
    green_thread_release(held);
}

TEST(several_reports, "an error that a wait for any or all has seen is not reported; others are") {
    int failure = -EPROTO;
    green_thread *threads[3];
    capture_begin();
    for (int i = 0; i < 2; i++)
        threads[i] = start(give, &failure);
    CHECK(green_wait_all(threads, 2, GREEN_FOREVER), ==, 0);
    for (int i = 0; i < 2; i++)
        green_thread_release(threads[i]);
    for (int i = 0; i < 2; i++)
        threads[i] = start(give, &failure);
    let_run();
    CHECK(green_wait_all(threads, 2, 0), ==, 0);
    for (int i = 0; i < 2; i++)
        green_thread_release(threads[i]);
    CHECK_TEXT(capture_end(), "");
    threads[0] = start_named("seen", give, &failure);
    threads[1] = start_named("unseen", give, &failure);
    CHECK(green_wait_any(threads, 2, GREEN_FOREVER), ==, 0);
    let_run();
    capture_begin();
    green_thread_release(threads[0]);
    CHECK_TEXT(capture_end(), "");
    capture_begin();
    green_thread_release(threads[1]);
    CHECK_CONTAINS(capture_end(), "unseen");
    threads[0] = start_named("waited for in vain", give, &failure);
    struct sleeper sleeper;
    sleeper.result = 0;
    threads[1] = sleeper.thread = start(sleep_on, &sleeper);
    CHECK(green_wait_all(threads, 2, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    capture_begin();
    green_thread_release(threads[0]);
    CHECK_CONTAINS(capture_end(), "in vain");
    end_sleepers(&sleeper, 1);
}
