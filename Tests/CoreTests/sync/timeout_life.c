/* The life of timeouts: their reasons, and the ends of threads, hubs and handles. */
#include "helpers.h"
#include "os_threads.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static const int64_t LONG = 3600 * GREEN_SECOND;

static void mark_reason(void *reason) {
    mark(*(const char *)reason);
}

static green_timeout *limit_with(int64_t nanoseconds, char *reason) {
    green_timeout *timeout = NULL;
    CHECK(green_timeout_start_with(&timeout, nanoseconds, reason, reason ? mark_reason : NULL), ==, 0);
    return timeout;
}

static uint64_t timers(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.timers;
}

/* Reasons -------------------------------------------------------------------- */

TEST(reason_read, "the reason of a timeout that has ended a call is read once, and the reader owns it") {
    green_timeout *limit = limit_with(GREEN_MILLISECOND, "r");
    CHECK(green_reason() == NULL);
    CHECK(green_sleep(LONG), ==, -ETIME);
    const char *reason = green_reason();
    CHECK(reason != NULL);
    CHECK_TEXT(reason, "r");
    CHECK(green_reason() == NULL);
    green_timeout_free(limit);
    CHECK_TEXT(marks(), "");
}

TEST(reason_unread, "an unread reason is discarded once: when it is freed, at the next reason, or at the end") {
    green_timeout_free(limit_with(LONG, "a")); /* it never fired */
    CHECK_TEXT(marks(), "a");
    green_timeout_free(limit_with(0, "b")); /* it has fired, and ended no call */
    CHECK_TEXT(marks(), "ab");
    green_timeout *limit = limit_with(0, "c");
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(limit); /* the thread has it by now */
    CHECK_TEXT(marks(), "ab");
    limit = limit_with(0, NULL);
    CHECK(green_yield(), ==, -ETIME);
    CHECK_TEXT(marks(), "abc");
    CHECK(green_reason() == NULL);
    green_timeout_free(limit);
    limit = limit_with(0, "d");
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(limit);
    CHECK(green_hub_close(), ==, 0);
    CHECK_TEXT(marks(), "abcd");
}

TEST(reason_without_discard, "a reason may have no discard function") {
    int reason;
    green_timeout *limit = NULL;
    CHECK(green_timeout_start_with(&limit, 0, &reason, NULL), ==, 0);
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_reason() == &reason);
    green_timeout_free(limit);
    CHECK(green_timeout_start_with(&limit, LONG, &reason, NULL), ==, 0);
    green_timeout_free(limit);
}

TEST(refused, "a timeout that cannot be started has discarded its reason") {
    green_timeout *limit = NULL;
    CHECK(setenv("GREEN_ENGINE", "steam", 1), ==, 0);
    CHECK(green_timeout_start_with(&limit, LONG, "r", mark_reason), ==, -EINVAL);
    CHECK_TEXT(marks(), "r");
    CHECK(limit == NULL);
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
}

static green_timeout *cancelled_by_discard;

static void cancel_other(void *reason) {
    mark(*(const char *)reason);
    green_timeout_free(cancelled_by_discard);
}

TEST(discard_cancels, "a discard function may cancel the timeout that has just ended a call") {
    green_timeout *first = NULL;
    CHECK(green_timeout_start_with(&first, 0, "1", cancel_other), ==, 0);
    CHECK(green_yield(), ==, -ETIME);
    cancelled_by_discard = limit_with(0, "2");
    CHECK(green_yield(), ==, -ETIME);
    CHECK_TEXT(marks(), "1");
    CHECK_TEXT((const char *)green_reason(), "2");
    green_timeout_free(first);
}

/* The end of a thread --------------------------------------------------------- */

struct leaver {
    int64_t length;
    green_timeout *limit;
};

static int leave_pending(void *argument) {
    struct leaver *leaver = argument;
    leaver->limit = limit_with(leaver->length, "l");
    return 0;
}

TEST(outlives_thread, "a timeout that outlives its thread is dropped silently, and its handle stays valid") {
    static const int64_t lengths[] = {GREEN_MILLISECOND, 0, LONG, GREEN_FOREVER};
    int64_t time = 3 * GREEN_MILLISECOND;
    capture_begin();
    for (int i = 0; i < 4; i++) {
        struct leaver leaver = {.length = lengths[i]};
        CHECK(finish(start(leave_pending, &leaver)), ==, 0);
        CHECK(timers(), ==, 0);
        CHECK(!green_timeout_is_pending(leaver.limit));
        /* A thread that reuses the record is not interrupted. */
        CHECK(finish(start(nap, &time)), ==, 0);
        CHECK(!green_timeout_has_fired(leaver.limit));
        CHECK(green_timeout_id(leaver.limit), ==, i + 1);
        green_timeout_free(leaver.limit);
    }
    CHECK_TEXT(capture_end(), "");
    CHECK_TEXT(marks(), "llll");
}

static int leave_many(void *argument) {
    green_timeout **limits = argument;
    for (int i = 0; i < 5; i++)
        limits[i] = limit_with(i % 2 ? LONG : 0, "m");
    green_timeout_free(limits[2]);
    limits[2] = NULL;
    return 0;
}

TEST(outlive_in_any_order, "timeouts that outlive their thread can be cancelled in any order") {
    green_timeout *limits[5];
    green_thread *thread = start(leave_many, limits);
    CHECK(finish(thread), ==, 0);
    for (int i = 0; i < 5; i++)
        green_timeout_free(limits[(i * 3 + 1) % 5]);
    CHECK_TEXT(marks(), "mmmmm");
}

static void start_in_link(green_thread *thread, void *argument) {
    green_timeout **limits = argument;
    (void)thread;
    limits[0] = limit_with(0, "0");
    limits[1] = limit_with(LONG, "1");
    CHECK(green_yield(), ==, -EWOULDBLOCK);
}

TEST(in_link, "a timeout that a link starts ends no call, and is dropped") {
    int value = 3;
    green_timeout *limits[2] = {NULL};
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, start_in_link, limits), ==, 0);
    CHECK(finish(thread), ==, 3);
    for (int i = 0; i < 2; i++) {
        CHECK(!green_timeout_is_pending(limits[i]));
        CHECK(!green_timeout_has_fired(limits[i]));
        green_timeout_free(limits[i]);
    }
    CHECK(timers(), ==, 0);
}

static int time_out_soon(void *argument) {
    (void)argument;
    green_timeout *limit = limit_with(0, NULL);
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(limit));
    green_timeout_free(limit);
    return 0;
}

static int expect_no_last(void *argument) {
    int64_t nanoseconds = 1;
    (void)argument;
    CHECK(green_timeout_last(&nanoseconds), ==, 0);
    CHECK(nanoseconds, ==, 0);
    CHECK(green_reason() == NULL);
    return 0;
}

TEST(last, "each thread has its own last timeout: a new thread has none, and an OS thread without a hub") {
    expect_no_last(NULL);
    CHECK(finish(start(time_out_soon, NULL)), ==, 0);
    CHECK(finish(start(expect_no_last, NULL)), ==, 0); /* in the same record */
    expect_no_last(NULL);
}

/* The end of a hub -------------------------------------------------------------- */

TEST(outlives_hub, "closing a hub drops the pending timeouts of main, and their handles stay valid") {
    green_timeout *limits[4] = {limit_with(LONG, "a"), limit_with(0, "b"), limit_with(GREEN_FOREVER, "c"), NULL};
    CHECK(green_yield(), ==, -ETIME);
    limits[3] = limit_with(0, "d");
    CHECK(green_hub_close(), ==, 0);
    CHECK(strlen(marks()), ==, 3);
    CHECK(green_yield(), ==, 0); /* another hub */
    CHECK(green_timeout_has_fired(limits[1]));
    for (int i = 0; i < 4; i++) {
        CHECK(!green_timeout_is_pending(limits[i]));
        CHECK(green_timeout_has_fired(limits[i]), ==, i == 1);
        green_timeout_free(limits[i]);
    }
    CHECK(strlen(marks()), ==, 4);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
}

static void start_in_destructor(void *value) {
    *(green_timeout **)value = limit_with(LONG, "x");
}

TEST(in_destructor, "a timeout that a destructor of main's locals starts is dropped with the hub") {
    green_local *key = NULL;
    green_timeout *limit = NULL;
    CHECK(green_local_make(&key, start_in_destructor), ==, 0);
    CHECK(green_local_set(key, &limit), ==, 0);
    green_local_free(key);
    CHECK(green_hub_close(), ==, 0);
    CHECK_TEXT(marks(), "x");
    green_timeout_free(limit);
}

static void *use_other(void *argument) {
    green_timeout *limit = limit_with(GREEN_MILLISECOND, NULL), **left = argument;
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_timeout_has_fired(limit));
    green_timeout_free(limit);
    *left = limit_with(LONG, "o"); /* its hub ends with the OS thread */
    return NULL;
}

TEST(other_thread, "a timeout works for the context of another OS thread, and is dropped when that ends") {
    pthread_t other;
    green_timeout *left = NULL;
    CHECK(pthread_create(&other, NULL, use_other, &left), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    CHECK_TEXT(marks(), "o");
    CHECK(!green_timeout_is_pending(left));
    green_timeout_free(left);
}

static void free_timeout(void *timeout) {
    green_timeout_free(timeout);
}

TEST(freed_elsewhere, "a timeout that another OS thread frees is stopped on its hub, where its reason is discarded") {
    on_os_thread(free_timeout, limit_with(LONG, "f"));
    CHECK_TEXT(marks(), "");
    CHECK(timers(), ==, 1);
    let_run();
    CHECK_TEXT(marks(), "f");
    CHECK(timers(), ==, 0);
}

/* Many ------------------------------------------------------------------------- */

TEST(many, "a hundred thousand timeouts at once can be cancelled in any order, and leave nothing behind") {
    enum { COUNT = SCALED(100000) };
    static green_timeout *limits[COUNT];
    CHECK(green_yield(), ==, 0);
    for (int i = 0; i < COUNT; i++)
        limits[i] = limit_with((int64_t)(1 + random_below(1000)) * GREEN_SECOND, NULL);
    CHECK(timers(), ==, COUNT);
    for (int i = COUNT; i > 1; i--) {
        uint32_t other = random_below((uint32_t)i);
        green_timeout *limit = limits[other];
        limits[other] = limits[i - 1];
        green_timeout_free(limit);
        CHECK(timers(), ==, i - 1);
    }
    green_timeout_free(limits[0]);
    CHECK(timers(), ==, 0);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
}

TEST(again, "a hundred thousand timeouts, one after the other, leave nothing behind") {
    green_timeout_free(limit_with(LONG, NULL));
    size_t before = resident_bytes();
    for (int i = 0; i < 100000; i++) {
        green_timeout *limit = limit_with(i % 3 ? LONG : 0, NULL);
        if (i % 9 == 0)
            CHECK(green_yield(), ==, -ETIME);
        green_timeout_free(limit);
    }
    CHECK(timers(), ==, 0);
    CHECK(SANITIZED || resident_bytes() < before + (1 << 20));
}
