/* Ids, names and contexts of threads, and the current thread. */
#include "helpers.h"

#include <pthread.h>
#include <time.h>

static int own_name_is(void *argument) {
    CHECK_TEXT(green_thread_name(green_current()), argument);
    return 0;
}

TEST(names, "a name is copied, cut at 31 bytes, and may be changed") {
    char name[64];
    memset(name, 'n', 40);
    name[40] = 0;
    green_thread *thread = start_named(name, own_name_is, "worker");
    memset(name, 'x', 40);
    CHECK_TEXT(green_thread_name(thread), "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
    green_thread_set_name(thread, "0123456789012345678901234567890");
    CHECK_TEXT(green_thread_name(thread), "0123456789012345678901234567890");
    green_thread_set_name(thread, "worker");
    CHECK(finish(thread), ==, 0);
}

TEST(no_name, "the name of a thread without a name is empty") {
    green_thread *thread = start(own_name_is, "");
    CHECK_TEXT(green_thread_name(thread), "");
    CHECK(finish(thread), ==, 0);
}

TEST(name_of_reused, "a new thread does not inherit the name of a finished one") {
    CHECK(finish(start_named("old", own_name_is, "old")), ==, 0);
    CHECK(finish(start(own_name_is, "")), ==, 0);
}

static int same_as_current(void *argument) {
    return green_current() == *(green_thread **)argument;
}

TEST(current, "the current thread is the handle that spawn returned") {
    green_thread *thread = start(same_as_current, &thread);
    CHECK(finish(thread), ==, 1);
}

TEST(current_main, "green_current makes main a green thread") {
    green_thread *self = green_current();
    CHECK(self != NULL);
    CHECK(green_current() == self);
    CHECK(!green_thread_is_finished(self));
    CHECK(green_thread_id(self), >, 0);
    CHECK(green_thread_stack_size(self), ==, 0);
    CHECK(green_thread_stack_used(self), ==, 0);
    CHECK(green_thread_retain(self) == self);
    green_thread_release(self);
}

TEST(context, "the context pointer is NULL at first, and keeps what the program stores") {
    int value = 0, other;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_context(thread) == NULL);
    green_thread_set_context(thread, &other);
    CHECK(green_thread_context(thread) == &other);
    CHECK(finish(thread), ==, 0);
    thread = start(give, &value);
    CHECK(green_thread_context(thread) == NULL);
    CHECK(finish(thread), ==, 0);
}

enum { IDS = 200 };

static void *collect_ids(void *argument) {
    uint64_t *ids = argument;
    int value = 0;
    for (int i = 0; i < IDS; i++) {
        green_thread *thread = start(give, &value);
        ids[i] = green_thread_id(thread);
        CHECK(finish(thread), ==, 0);
    }
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

TEST(ids, "ids are unique in the process, on every OS thread") {
    static uint64_t ids[4 * IDS];
    pthread_t others[3];
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&others[i], NULL, collect_ids, ids + i * IDS), ==, 0);
    collect_ids(ids + 3 * IDS);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(others[i], NULL), ==, 0);
    qsort(ids, 4 * IDS, sizeof *ids, compare);
    CHECK(ids[0], >, 0);
    for (int i = 1; i < 4 * IDS; i++)
        CHECK(ids[i - 1], <, ids[i]);
}

TEST(version, "the library's version is that of its headers") {
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", GREEN_VERSION_MAJOR, GREEN_VERSION_MINOR, GREEN_VERSION_PATCH);
    CHECK_TEXT(green_version(), text);
}

TEST(explain, "an error always has a text") {
    CHECK_CONTAINS(green_explain(-ENOENT), strerror(ENOENT));
    CHECK(*green_explain(-4095) != 0);
    CHECK(*green_explain(0) != 0);
}

TEST(now, "the clock is CLOCK_MONOTONIC") {
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int64_t now = green_now();
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(now, >=, before.tv_sec * GREEN_SECOND + before.tv_nsec);
    CHECK(now, <=, after.tv_sec * GREEN_SECOND + after.tv_nsec);
}
