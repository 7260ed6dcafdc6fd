/* Promises: one value for any number of waiters on any OS threads. */
#include "helpers.h"
#include "os_threads.h"

#include <sys/wait.h>

static green_promise *promise_make(void) {
    green_promise *promise = NULL;
    CHECK(green_promise_make(&promise), ==, 0);
    return promise;
}

static int seven = 7;

/* Waits, and returns the number that the value points to, or an error. */
static int await(void *argument) {
    void *value = NULL;
    int error = green_promise_wait(argument, &value, GREEN_FOREVER);
    return error < 0 ? error : *(int *)value;
}

TEST(one_value, "a promise takes one value, and any number of waits return it") {
    green_promise *promise = promise_make();
    green_thread *waiters[3];
    for (int i = 0; i < 3; i++)
        waiters[i] = start(await, promise);
    let_run();
    CHECK(!green_promise_is_sent(promise));
    CHECK(green_promise_send(promise, &seven), ==, 0);
    CHECK(green_promise_is_sent(promise));
    CHECK(green_promise_send(promise, NULL), ==, -EALREADY);
    CHECK(green_promise_fail(promise, -EPROTO), ==, -EALREADY);
    for (int i = 0; i < 3; i++)
        CHECK(finish(waiters[i]), ==, 7);
    CHECK(await(promise), ==, 7);
    CHECK(green_promise_wait(promise, NULL, 0), ==, 0);
    green_promise_release(promise);
    green_promise_release(NULL);
}

TEST(an_error, "a promise delivers an error instead, which must be one") {
    green_promise *promise = promise_make();
    green_thread *waiter = start(await, promise);
    let_run();
    CHECK(green_promise_fail(promise, 0), ==, -EINVAL);
    CHECK(green_promise_fail(promise, 5), ==, -EINVAL);
    CHECK(green_promise_fail(promise, -EPROTO), ==, 0);
    CHECK(finish(waiter), ==, -EPROTO);
    CHECK(await(promise), ==, -EPROTO);
    CHECK(green_promise_send(promise, NULL), ==, -EALREADY);
    green_promise_release(promise);
}

TEST(gives_up, "a wait that is killed or times out leaves nothing") {
    green_promise *promise = promise_make();
    CHECK(green_promise_wait(promise, NULL, 0), ==, -ETIMEDOUT);
    CHECK(green_promise_wait(promise, NULL, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "no value was sent to a promise within 1 ms (ETIMEDOUT)");
    green_thread *waiter = start(await, promise);
    let_run();
    CHECK(kill_and_finish(waiter), ==, -ECANCELED);
    CHECK(green_promise_wait(promise, NULL, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    green_promise_release(promise); /* checks that nobody waits */
}

static int send_and_release(void *argument) {
    CHECK(green_promise_send(argument, &seven), ==, 0);
    green_promise_release(argument);
    return 0;
}

TEST(from_native_thread, "an OS thread without a hub sends to a hub, which does not report a deadlock") {
    for (int i = 0; i < SCALED(2000); i++) {
        struct os_thread sender;
        green_promise *promise = promise_make();
        os_thread_start(&sender, send_and_release, green_promise_retain(promise));
        CHECK(await(promise), ==, 7);
        green_promise_release(promise); /* maybe before the sender does */
        CHECK(os_thread_finish(&sender), ==, 0);
    }
}

TEST(native_waiters, "OS threads without a hub wait for a promise, and make no hub") {
    enum { WAITERS = 4 };
    green_promise *promise = promise_make();
    struct os_thread waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        os_thread_start(&waiters[i], await, promise);
    CHECK(green_promise_send(promise, &seven), ==, 0);
    for (int i = 0; i < WAITERS; i++)
        CHECK(os_thread_finish(&waiters[i]), ==, 7);
    green_promise_release(promise);
}

TEST(fork, "a forked child cannot use the promise of its parent") {
    green_promise *promise = promise_make();
    pid_t child = fork();
    if (child == 0) {
        CHECK(green_promise_send(promise, NULL), ==, -EXDEV);
        CHECK_CONTAINS(green_explain(-EXDEV), "fork");
        CHECK(green_promise_fail(promise, -EPROTO), ==, -EXDEV);
        CHECK(green_promise_wait(promise, NULL, GREEN_FOREVER), ==, -EXDEV);
        green_promise_release(promise);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    CHECK(green_promise_send(promise, NULL), ==, 0);
    green_promise_release(promise);
}
