/* Remote threads: starts, results, waits and errors between hubs and OS threads. */
#include "helpers.h"
#include "other_hub.h"

#include <pthread.h>

static struct other_hub other;

static void end_other(void) {
    other_hub_close(&other);
    other_hub_release(&other);
}

static int check_hub(void *hub) {
    return green_hub_current() == hub ? 21 : -EINVAL;
}

static int without_hub(void *argument) {
    green_statistics none;
    green_remote_thread *thread = spawn_on(other.hub, check_hub, other.hub);
    CHECK(green_remote_thread_hub(thread) == other.hub);
    CHECK(remote_end(thread), ==, 21);
    CHECK(green_hub_statistics(&none), ==, -ENOENT); /* the calls made no hub */
    (void)argument;
    return 0;
}

TEST(results, "a result reaches a waiter on another hub, on an OS thread without one, and on the same hub") {
    struct os_thread os_thread;
    other_hub_start(&other);
    CHECK(remote_end(spawn_on(other.hub, check_hub, other.hub)), ==, 21);
    os_thread_start(&os_thread, without_hub, NULL);
    CHECK(os_thread_finish(&os_thread), ==, 0);
    CHECK(remote_end(spawn_on(green_hub_current(), check_hub, green_hub_current())), ==, 21);
    end_other();
}

static int fail_with_message(void *text) {
    green_address address;
    return green_address_parse(&address, text);
}

TEST(messages, "a wait for a thread that failed also returns the message of its error") {
    other_hub_start(&other);
    CHECK(remote_end(spawn_on(other.hub, fail_with_message, "nonsense")), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "nonsense");
    green_remote_thread *thread = spawn_on(other.hub, fail_with_message, "gibberish");
    CHECK(finish(start((green_function *)remote_end, green_remote_thread_retain(thread))), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "gibberish");
    CHECK(remote_end(thread), ==, -EINVAL);
    end_other();
}

static int mark_order(void *argument) {
    mark((char)(intptr_t)argument);
    return 0;
}

TEST(order, "threads that one caller spawns start in the order of the calls") {
    struct busy busy;
    other_hub_start(&other);
    busy_begin(&busy, other.hub);
    for (char letter = 'a'; letter < 'z'; letter++)
        CHECK(green_hub_spawn(other.hub, NULL, NULL, mark_order, (void *)(intptr_t)letter), ==, 0);
    green_remote_thread *last = spawn_on(other.hub, mark_order, (void *)'z');
    busy_end(&busy);
    CHECK(remote_end(last), ==, 0);
    CHECK_TEXT(marks(), "abcdefghijklmnopqrstuvwxyz");
    end_other();
}

static int check_options(void *argument) {
    (void)argument;
    green_thread *self = green_current();
    CHECK_TEXT(green_thread_name(self), "worker");
    return (int)green_thread_stack_size(self);
}

TEST(options, "a name is copied, and the stack has its size; a size below the minimum is -EINVAL") {
    green_remote_thread *thread = NULL;
    char name[] = "worker";
    struct busy busy;
    other_hub_start(&other);
    busy_begin(&busy, other.hub);
    green_spawn_options options = {.name = name, .stack_size = 256 << 10};
    CHECK(green_hub_spawn(other.hub, &thread, &options, check_options, NULL), ==, 0);
    memset(name, 'x', sizeof name - 1);
    busy_end(&busy);
    CHECK(remote_end(thread), ==, 256 << 10);
    options.stack_size = 1;
    thread = NULL;
    CHECK(green_hub_spawn(other.hub, &thread, &options, check_options, NULL), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "stack_size");
    CHECK(thread == NULL);
    end_other();
}

static int64_t since(void *from) {
    return green_now() - *(int64_t *)from;
}

static int check_delay(void *from) {
    return since(from) >= 5 * GREEN_MILLISECOND ? 0 : -EINVAL;
}

TEST(delay, "a thread with a delay starts after it") {
    other_hub_start(&other);
    int64_t from = green_now();
    green_remote_thread *thread = NULL;
    CHECK(
        green_hub_spawn(other.hub, &thread, &(green_spawn_options){.delay = 5 * GREEN_MILLISECOND}, check_delay, &from),
        ==, 0);
    CHECK(remote_end(thread), ==, 0);
    end_other();
}

static int wait_twice(void *thread) {
    int first, second;
    CHECK(green_remote_thread_wait(thread, &first, GREEN_FOREVER), ==, 0);
    CHECK(green_remote_thread_wait(thread, &second, 0), ==, 0);
    CHECK(first, ==, second);
    green_remote_thread_release(thread);
    return first;
}

TEST(many_waiters, "any number of green threads and OS threads wait for a thread, any number of times") {
    enum { WAITERS = 20 };
    green_thread *threads[WAITERS];
    struct os_thread os_threads[4];
    struct busy busy;
    int value = 7;
    other_hub_start(&other);
    busy_begin(&busy, other.hub);
    green_remote_thread *thread = spawn_on(other.hub, give, &value);
    for (int i = 0; i < WAITERS; i++)
        threads[i] = start(wait_twice, green_remote_thread_retain(thread));
    for (int i = 0; i < 4; i++)
        os_thread_start(&os_threads[i], wait_twice, green_remote_thread_retain(thread));
    let_run();
    CHECK(green_remote_thread_is_finished(thread), ==, false);
    CHECK(green_remote_thread_wait(thread, NULL, 0), ==, -ETIMEDOUT);
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), " has not finished within 1 ms (ETIMEDOUT)");
    busy_end(&busy);
    for (int i = 0; i < WAITERS; i++)
        CHECK(finish(threads[i]), ==, 7);
    for (int i = 0; i < 4; i++)
        CHECK(os_thread_finish(&os_threads[i]), ==, 7);
    CHECK(green_remote_thread_is_finished(thread), ==, true);
    green_remote_thread_release(thread);
    end_other();
}

static int time_out(void *thread) {
    CHECK(green_remote_thread_wait(thread, NULL, 0), ==, -ETIMEDOUT);
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    return 0;
}

static int wait_for(void *thread) {
    return green_remote_thread_wait(thread, NULL, GREEN_FOREVER);
}

TEST(left_waits, "a waiter that was killed or timed out leaves nothing behind") {
    struct os_thread os_thread;
    other_hub_start(&other);
    green_remote_thread *thread = spawn_on(other.hub, nap, NULL);
    green_thread *waiter = start(wait_for, thread);
    let_run();
    CHECK(kill_and_finish(waiter), ==, -ECANCELED);
    os_thread_start(&os_thread, time_out, thread);
    CHECK(os_thread_finish(&os_thread), ==, 0);
    CHECK(green_remote_thread_kill(thread), ==, 0);
    CHECK(remote_end(thread), ==, -ECANCELED);
    end_other();
}

static int release_and_wait(void *argument) {
    green_remote_thread **thread = argument;
    return green_remote_thread_wait(*thread, NULL, GREEN_FOREVER);
}

TEST(released_during_wait, "another owner may release the last handle during a wait") {
    struct busy busy;
    int value = 3;
    other_hub_start(&other);
    busy_begin(&busy, other.hub);
    green_remote_thread *thread = spawn_on(other.hub, give, &value);
    green_thread *waiter = start(release_and_wait, &thread);
    let_run();
    green_remote_thread_release(thread);
    busy_end(&busy);
    CHECK(finish(waiter), ==, 0);
    end_other();
}

static int wait_for_itself(void *argument) {
    green_remote_thread **self = argument;
    while (!__atomic_load_n(self, __ATOMIC_ACQUIRE))
        CHECK(green_yield(), ==, 0);
    int error = green_remote_thread_wait(*self, NULL, GREEN_FOREVER);
    CHECK_CONTAINS(green_explain(error), "cannot wait for itself");
    return error;
}

TEST(itself, "a thread cannot wait for itself") {
    static green_remote_thread *self;
    other_hub_start(&other);
    green_remote_thread *thread = spawn_on(other.hub, wait_for_itself, &self);
    __atomic_store_n(&self, thread, __ATOMIC_RELEASE);
    CHECK(remote_end(thread), ==, -EDEADLK);
    end_other();
}

static void wait_in_link(green_thread *thread, void *remote) {
    (void)thread;
    CHECK(green_remote_thread_wait(remote, NULL, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_remote_thread_wait(remote, NULL, 0), ==, -ETIMEDOUT);
}

TEST(in_link, "a wait in a link is -EWOULDBLOCK") {
    int value = 0;
    other_hub_start(&other);
    green_remote_thread *remote = spawn_on(other.hub, nap, NULL);
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, wait_in_link, remote), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(green_remote_thread_kill(remote), ==, 0);
    CHECK(remote_end(remote), ==, -ECANCELED);
    end_other();
}

/* Unobserved errors ------------------------------------------------------------ */

static int failure = -EPROTO;

static int lines_of(const char *text) {
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static green_remote_thread *spawn_named(const char *name, green_function *function, void *argument) {
    green_remote_thread *thread = NULL;
    CHECK(green_hub_spawn(other.hub, &thread, &(green_spawn_options){.name = name}, function, argument), ==, 0);
    return thread;
}

TEST(unobserved, "an error that no thread waited for is reported once, when the last handle is released") {
    other_hub_start(&other);
    capture_begin();
    green_remote_thread *thread = spawn_named("careless", give, &failure);
    UNTIL(green_remote_thread_is_finished(thread));
    green_remote_thread_release(green_remote_thread_retain(thread));
    CHECK(on_hub(other.hub, check_hub, other.hub), ==, 21); /* the green thread has gone */
    CHECK_TEXT(capture_end(), "");
    capture_begin();
    green_remote_thread_release(thread);
    end_other();
    const char *text = capture_end();
    CHECK_CONTAINS(text, "careless");
    CHECK_CONTAINS(text, strerror(EPROTO));
    CHECK(lines_of(text), ==, 1);
}

TEST(unobserved_detached, "an error of a thread without a handle is reported when it ends, with its message") {
    other_hub_start(&other);
    capture_begin();
    CHECK(green_hub_spawn(other.hub, NULL, NULL, fail_with_message, "nonsense"), ==, 0);
    end_other();
    const char *text = capture_end();
    CHECK_CONTAINS(text, "nonsense");
    CHECK(lines_of(text), ==, 1);
}

TEST(observed, "an error that a thread waited for, and the end of a killed thread, are not reported") {
    other_hub_start(&other);
    capture_begin();
    CHECK(remote_end(spawn_on(other.hub, give, &failure)), ==, -EPROTO);
    green_remote_thread *thread = spawn_on(other.hub, nap, NULL);
    CHECK(green_remote_thread_kill(thread), ==, 0);
    green_remote_thread_release(thread);
    end_other();
    CHECK_TEXT(capture_end(), "");
}

static int spawn_here(void *argument) {
    green_statistics before, after;
    green_remote_thread *thread = NULL;
    int result = 0;
    CHECK(green_hub_statistics(&before), ==, 0);
    CHECK(green_hub_spawn_unordered(green_hub_current(), &thread, NULL, check_hub, green_hub_current()), ==, 0);
    CHECK(green_hub_statistics(&after), ==, 0);
    CHECK(after.threads, ==, before.threads + 1);
    CHECK(green_remote_thread_result(thread, &result), ==, -EBUSY);
    CHECK(green_yield(), ==, 0);
    CHECK(green_remote_thread_is_finished(thread));
    CHECK(remote_end(thread), ==, 21);
    (void)argument;
    return 0;
}

TEST(here, "a green thread of the hub starts a thread for a Task without a post, others with one") {
    green_remote_thread *thread = NULL;
    CHECK(finish(start(spawn_here, NULL)), ==, 0);
    other_hub_start(&other);
    CHECK(green_hub_spawn_unordered(other.hub, &thread, NULL, check_hub, other.hub), ==, 0);
    CHECK(remote_end(thread), ==, 21);
    end_other();
}

static int result_of(void *thread) {
    int result = 0;
    CHECK(green_thread_kill(green_current()), ==, -ECANCELED);
    CHECK(green_remote_thread_result(thread, &result), ==, 0);
    return result;
}

TEST(result, "the result of a thread that has finished is there for a caller with any interrupt") {
    other_hub_start(&other);
    green_remote_thread *thread = spawn_on(other.hub, fail_with_message, "gibberish");
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_FOREVER), ==, 0);
    CHECK(finish(start(result_of, thread)), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "gibberish");
    green_remote_thread_release(thread);
    end_other();
}
