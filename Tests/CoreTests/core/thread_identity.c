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

/* Finding threads ------------------------------------------------------------ */

static uint64_t own_id;

static int note_id_and_nap(void *argument) {
    own_id = green_thread_id(green_current());
    return nap(argument);
}

TEST(find_detached, "a detached thread is found by its id, and its handle kills it and waits for it") {
    CHECK(green_detach(note_id_and_nap, NULL), ==, 0);
    let_run();
    green_thread *thread = green_thread_find(own_id);
    CHECK(thread != NULL);
    CHECK(green_thread_id(thread), ==, own_id);
    CHECK(green_thread_kill(thread), ==, 0);
    int result = 0;
    CHECK(green_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, -ECANCELED);
    CHECK(green_thread_find(own_id) == NULL); /* it has finished, although its handle exists */
    green_thread_release(thread);
    CHECK(green_thread_find(own_id) == NULL);
    CHECK(green_thread_find(0) == NULL);
    CHECK(green_thread_find(UINT64_MAX) == NULL);
    green_thread *self = green_thread_find(green_thread_id(green_current()));
    CHECK(self == green_current());
    green_thread_release(self);
}

TEST(find_error, "the error of a detached thread is not reported if its handle was waited for") {
    int given = -EPIPE;
    green_thread *thread;
    capture_begin();
    CHECK(green_detach(give, &given), ==, 0);
    uint64_t id = green_thread_id(green_current());
    do
        thread = green_thread_find(++id);
    while (!thread && id < 100000);
    CHECK(thread != NULL);
    CHECK(finish(thread), ==, -EPIPE);
    CHECK_TEXT(capture_end(), "");
}

struct seen {
    uint64_t ids[8];
    int count;
};

static void see(green_thread *thread, void *context) {
    struct seen *seen = context;
    CHECK(seen->count, <, 8);
    seen->ids[seen->count++] = green_thread_id(thread);
    if (seen->count == 2) /* what visit starts and ends does not matter */
        CHECK(green_detach(nap, NULL), ==, 0);
}

TEST(each, "each thread is visited once, in the order of their ids, and those that have finished are not") {
    green_thread *threads[3];
    int given = 0;
    struct seen seen = {0};
    CHECK(green_thread_each(see, &seen), ==, 0);
    CHECK(seen.count, ==, 0); /* no hub */
    CHECK(green_thread_find(1) == NULL);
    for (int i = 0; i < 3; i++)
        threads[i] = start(i == 1 ? give : nap, i == 1 ? &given : NULL);
    CHECK(green_thread_wait(threads[1], NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_thread_each(see, &seen), ==, 0);
    CHECK(seen.count, ==, 3);
    CHECK(seen.ids[0], ==, green_thread_id(green_current()));
    CHECK(seen.ids[1], ==, green_thread_id(threads[0]));
    CHECK(seen.ids[2], ==, green_thread_id(threads[2]));
    green_thread_release(threads[1]);
    CHECK(kill_and_finish(threads[0]), ==, -ECANCELED);
    CHECK(kill_and_finish(threads[2]), ==, -ECANCELED);
    CHECK(green_hub_kill_threads(), ==, 1);
    let_run();
}
