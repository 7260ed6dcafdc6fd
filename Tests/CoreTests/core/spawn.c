/* Spawn, detach, wait, cancel: the life cycle of a thread without interrupts. */
#include "helpers.h"

static int letter(void *argument) {
    mark(*(const char *)argument);
    return 0;
}

TEST(starts_at_next_yield, "a thread starts when its spawner yields, not before") {
    green_thread *thread = start(letter, "a");
    CHECK_TEXT(marks(), "");
    CHECK(!green_thread_is_finished(thread));
    CHECK(green_yield(), ==, 0);
    CHECK_TEXT(marks(), "a");
    CHECK(green_thread_is_finished(thread));
    CHECK(finish(thread), ==, 0);
}

TEST(first_in_first_out, "threads start in the order in which they were spawned") {
    static char letters[] = "abcdefghij";
    for (int i = 0; i < 10; i++)
        CHECK(green_detach(letter, &letters[i]), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK_TEXT(marks(), letters);
}

static int spawn_and_yield(void *argument) {
    mark('a');
    CHECK(green_detach(letter, argument), ==, 0);
    CHECK(green_yield(), ==, 0);
    mark('A');
    return 0;
}

TEST(behind_the_ready, "a new thread runs after the threads that were ready before it") {
    CHECK(green_detach(spawn_and_yield, "c"), ==, 0);
    CHECK(green_detach(letter, "b"), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK_TEXT(marks(), "ab");
    let_run();
    CHECK_TEXT(marks(), "abcA");
}

TEST(results, "wait returns the result of the function") {
    static int values[] = {0, 1, 42, INT_MAX, -EPROTO, INT_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        CHECK(finish(start(give, &values[i])), ==, values[i]);
}

TEST(wait_often, "wait returns the same result any number of times") {
    int value = 7, result;
    green_thread *thread = start(give, &value);
    for (int i = 0; i < 5; i++) {
        result = 0;
        CHECK(green_thread_wait(thread, &result, i == 4 ? 0 : GREEN_FOREVER), ==, 0);
        CHECK(result, ==, 7);
    }
    CHECK(green_thread_wait(thread, NULL, GREEN_FOREVER), ==, 0);
    green_thread_release(thread);
}

struct waiter {
    green_thread *target;
    char letter;
};

static int wait_for_target(void *argument) {
    struct waiter *waiter = argument;
    int result = 0;
    int error = green_thread_wait(waiter->target, &result, GREEN_FOREVER);
    mark(waiter->letter);
    return error ? error : result;
}

TEST(many_waiters, "all waiters get the result, in the order of their calls") {
    int64_t time = 5 * GREEN_MILLISECOND;
    struct waiter waiters[10];
    green_thread *threads[10], *target = start(nap, &time);
    for (int i = 0; i < 10; i++) {
        waiters[i] = (struct waiter){target, (char)('a' + i)};
        threads[i] = start(wait_for_target, &waiters[i]);
    }
    for (int i = 0; i < 10; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK_TEXT(marks(), "abcdefghij");
    CHECK(finish(target), ==, 0);
}

static int wait_at_door(void *argument) {
    return wait_at(argument);
}

TEST(killed_waiter, "a kill of a waiter does not affect the thread and the other waiters") {
    struct door door = {0};
    green_thread *target = start(wait_at_door, &door);
    struct waiter first = {target, 'a'}, second = {target, 'b'}, third = {target, 'c'};
    green_thread *a = start(wait_for_target, &first), *b = start(wait_for_target, &second),
                 *c = start(wait_for_target, &third);
    let_run();
    CHECK(kill_and_finish(b), ==, -ECANCELED);
    door.is_open = true;
    CHECK(finish(a), ==, 0);
    CHECK(finish(c), ==, 0);
    CHECK_TEXT(marks(), "bac");
    CHECK(finish(target), ==, 0);
}

TEST(wait_zero, "a wait with timeout 0 does not let other threads run") {
    green_thread *thread = start(letter, "a");
    CHECK(green_thread_wait(thread, NULL, 0), ==, -ETIMEDOUT);
    CHECK_TEXT(marks(), "");
    CHECK(finish(thread), ==, 0);
}

TEST(wait_timeout, "a wait that times out leaves the thread running") {
    int64_t time = 50 * GREEN_MILLISECOND, before = green_now();
    int result = 1;
    green_thread *thread = start(nap, &time);
    CHECK(green_thread_wait(thread, &result, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_now() - before, >=, GREEN_MILLISECOND);
    CHECK(result, ==, 1);
    CHECK(finish(thread), ==, 0);
    CHECK(green_now() - before, >=, time);
}

static int wait_for_self(void *argument) {
    (void)argument;
    return green_thread_wait(green_current(), NULL, GREEN_FOREVER);
}

TEST(wait_on_self, "a thread that waits for itself gets -EDEADLK with a message") {
    CHECK(finish(start(wait_for_self, NULL)), ==, -EDEADLK);
    int error = green_thread_wait(green_current(), NULL, GREEN_FOREVER);
    CHECK(error, ==, -EDEADLK);
    CHECK_CONTAINS(green_explain(error), "itself");
}

TEST(detached, "a detached thread runs and leaves no handle or stack") {
    green_statistics now;
    CHECK(green_detach(letter, "a"), ==, 0);
    CHECK(green_spawn_with(NULL, NULL, letter, "b"), ==, 0);
    let_run();
    CHECK_TEXT(marks(), "ab");
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.handles, ==, 0);
    CHECK(now.threads, ==, 1);
}

TEST(released_runs_on, "a thread whose handle is released early continues to run") {
    green_thread_release(start(letter, "a"));
    let_run();
    CHECK_TEXT(marks(), "a");
    green_thread_release(NULL);
}

TEST(handle_outlives, "a handle stays valid after the thread has finished") {
    green_statistics now;
    int value = 3, result = 0;
    green_thread *thread = start_named("short", give, &value);
    uint64_t id = green_thread_id(thread);
    CHECK(green_thread_retain(thread) == thread);
    let_run();
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.handles, ==, 1);
    green_thread_release(thread);
    CHECK(green_thread_is_finished(thread));
    CHECK(green_thread_id(thread), ==, id);
    CHECK_TEXT(green_thread_name(thread), "short");
    CHECK(green_thread_wait(thread, &result, 0), ==, 0);
    CHECK(result, ==, 3);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(green_thread_cancel(thread), ==, 0);
    green_thread_release(thread);
}

static green_thread *after(int64_t delay, const char *text) {
    green_thread *thread = NULL;
    CHECK(green_spawn_after(&thread, delay, letter, (void *)text), ==, 0);
    return thread;
}

TEST(spawn_after_order, "delayed threads start by deadline") {
    int64_t before = green_now();
    green_thread *c = after(PATIENTLY(60 * GREEN_MILLISECOND), "c"), *a = after(0, "a"),
                 *b = after(PATIENTLY(20 * GREEN_MILLISECOND), "b");
    CHECK(green_yield(), ==, 0);
    CHECK_TEXT(marks(), "a");
    CHECK(finish(b), ==, 0);
    CHECK(green_now() - before, >=, 20 * GREEN_MILLISECOND);
    CHECK(finish(c), ==, 0);
    CHECK(green_now() - before, >=, 60 * GREEN_MILLISECOND);
    CHECK(finish(a), ==, 0);
    CHECK_TEXT(marks(), "abc");
}

TEST(spawn_option_delay, "the delay of spawn options works like spawn_after") {
    int64_t before = green_now();
    green_spawn_options options = {.delay = 20 * GREEN_MILLISECOND};
    green_thread *thread = NULL;
    CHECK(green_spawn_with(&thread, &options, letter, "a"), ==, 0);
    let_run();
    if (green_now() - before < options.delay)
        CHECK_TEXT(marks(), "");
    CHECK(finish(thread), ==, 0);
    CHECK(green_now() - before, >=, options.delay);
}

static int spawn_later(void *argument) {
    green_thread_release(after(10 * GREEN_MILLISECOND, argument));
    return 0;
}

TEST(spawn_after_caller_ends, "a delayed thread starts even if its spawner has finished") {
    CHECK(finish(start(spawn_later, "a")), ==, 0);
    CHECK_TEXT(marks(), "");
    UNTIL(*marks());
    CHECK_TEXT(marks(), "a");
}

static void discard_letter(void *argument) {
    mark(*(const char *)argument);
}

TEST(cancel_before_start, "a cancelled thread never runs, its argument is discarded, its result is -ECANCELED") {
    green_spawn_options options = {.delay = GREEN_MILLISECOND, .discard = discard_letter};
    green_thread *later = NULL, *soon = start(letter, "b");
    CHECK(green_spawn_with(&later, &options, letter, "d"), ==, 0);
    CHECK(green_thread_cancel(later), ==, 1);
    CHECK(green_thread_cancel(soon), ==, 1);
    CHECK(finish(soon), ==, -ECANCELED);
    CHECK(finish(later), ==, -ECANCELED);
    CHECK(green_sleep(5 * GREEN_MILLISECOND), ==, 0);
    CHECK_TEXT(marks(), "d");
}

TEST(cancel_after_start, "a thread that has started is not cancelled and continues") {
    int64_t time = 10 * GREEN_MILLISECOND;
    green_thread *thread = start(nap, &time);
    CHECK(green_yield(), ==, 0);
    CHECK(green_thread_cancel(thread), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(discard_only_unrun, "the argument of a thread that ran is not discarded") {
    green_spawn_options options = {.discard = discard_letter};
    green_thread *thread = NULL;
    CHECK(green_spawn_with(&thread, &options, letter, "x"), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "x");
}

TEST(many_threads, "ten thousand threads live at once and all end") {
    enum { COUNT = SCALED(10000) };
    static green_thread *threads[COUNT];
    struct door door = {false, 0};
    green_statistics now;
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(wait_at_door, &door);
    UNTIL(door.waiting == COUNT);
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.threads, ==, COUNT + 1);
    door.is_open = true;
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
}

static unsigned searches;

/* With a bare name, dlopen() opens files, whose descriptors take numbers for a moment. */
void *__real_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags) {
    searches += name && !strchr(name, '/');
    return __real_dlopen(name, flags);
}

TEST(no_search, "switches do not search the file system for libraries") {
    CHECK(finish(start(mark_it, "a")), ==, 0);
    CHECK(searches, ==, 0);
}
