/* Events: values and errors for all waiters, and waits that end early. */
#include "helpers.h"

#include <pthread.h>

static green_event *new_event(void) {
    green_event *event = NULL;
    CHECK(green_event_make(&event), ==, 0);
    return event;
}

/* A thread that waits for an event, and its results. */
struct waiter {
    green_event *event;
    int64_t timeout;
    char letter;
    void *value;
    int next; /* the result of its next blocking call */
};

static int wait_for(void *argument) {
    struct waiter *waiter = argument;
    int error = green_event_wait(waiter->event, &waiter->value, waiter->timeout);
    if (waiter->letter)
        mark(waiter->letter);
    waiter->next = green_yield();
    return error;
}

static void check_unsent(green_event *event) {
    CHECK(!green_event_is_sent(event));
    CHECK(green_event_error(event), ==, 0);
    CHECK(green_event_waiting(event), ==, 0);
}

/* Sending and waiting ------------------------------------------------------ */

TEST(send, "an event passes its value to threads that wait and to later callers, any number of times") {
    green_event *event = new_event();
    int value = 7;
    struct waiter waiters[3];
    green_thread *threads[3];
    check_unsent(event);
    for (int i = 0; i < 3; i++) {
        waiters[i] = (struct waiter){event, GREEN_FOREVER, (char)('a' + i), NULL, 1};
        threads[i] = start(wait_for, &waiters[i]);
    }
    let_run();
    CHECK(green_event_waiting(event), ==, 3);
    CHECK(green_event_send(event, &value), ==, 0);
    CHECK_TEXT(marks(), ""); /* send does not block */
    CHECK(green_event_waiting(event), ==, 0);
    CHECK(green_event_is_sent(event));
    CHECK(green_event_error(event), ==, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(finish(threads[i]), ==, 0);
        CHECK(waiters[i].value == &value);
        CHECK(waiters[i].next, ==, 0);
    }
    CHECK_TEXT(marks(), "abc");
    for (int64_t timeout = -1; timeout <= 1; timeout++) {
        void *late = NULL;
        CHECK(green_event_wait(event, &late, timeout), ==, 0);
        CHECK(late == &value);
    }
    green_event_free(event);
}

TEST(send_null, "a sent NULL is a value and differs from a timeout") {
    green_event *event = new_event();
    int untouched;
    void *value = &untouched;
    CHECK(green_event_wait(event, &value, 0), ==, -ETIMEDOUT);
    CHECK(value == &untouched);
    CHECK(green_event_send(event, NULL), ==, 0);
    CHECK(green_event_wait(event, &value, 0), ==, 0);
    CHECK(value == NULL);
    green_event_free(event);
}

TEST(send_twice, "a second send or error is -EALREADY, and the first value stays") {
    green_event *event = new_event();
    int first, second;
    void *value = NULL;
    CHECK(green_event_send(event, &first), ==, 0);
    CHECK(green_event_send(event, &second), ==, -EALREADY);
    CHECK_CONTAINS(green_explain(-EALREADY), "event");
    CHECK(green_event_fail(event, -EIO), ==, -EALREADY);
    CHECK(green_event_error(event), ==, 0);
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, 0);
    CHECK(value == &first);
    green_event_free(event);
}

TEST(fail, "every wait returns a sent error with its message, and stores no value") {
    green_event *event = new_event();
    int untouched;
    void *value = &untouched;
    struct waiter waiter = {event, GREEN_FOREVER, 0, &untouched, 1};
    green_thread *thread = start(wait_for, &waiter);
    let_run();
    CHECK(green_event_fail(event, -ECONNRESET), ==, 0);
    CHECK(green_event_is_sent(event));
    CHECK(green_event_error(event), ==, -ECONNRESET);
    CHECK(finish(thread), ==, -ECONNRESET);
    CHECK(waiter.value == &untouched);
    CHECK(green_event_wait(event, &value, 0), ==, -ECONNRESET);
    CHECK(value == &untouched);
    CHECK_CONTAINS(green_explain(-ECONNRESET), "event");
    CHECK(green_event_send(event, NULL), ==, -EALREADY);
    green_event_free(event);
}

TEST(fail_with_success, "sending a number that is not an error is -EINVAL, and the event stays unsent") {
    green_event *event = new_event();
    CHECK(green_event_fail(event, 0), ==, -EINVAL);
    CHECK(green_event_fail(event, EIO), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "green_event_fail");
    check_unsent(event);
    green_event_free(event);
}

TEST(order, "waiting threads run in the order of their calls, except those that gave up") {
    enum { WAITERS = 9 };
    green_event *event = new_event();
    struct waiter waiters[WAITERS];
    green_thread *threads[WAITERS];
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){event, GREEN_FOREVER, (char)('1' + i), NULL, 1};
        threads[i] = start(wait_for, &waiters[i]);
    }
    let_run();
    for (int i = 0; i < WAITERS; i += 4) { /* the first, the middle one and the last */
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
        CHECK(waiters[i].value == NULL);
    }
    CHECK_TEXT(marks(), "159");
    CHECK(green_event_waiting(event), ==, WAITERS - 3);
    CHECK(green_event_send(event, event), ==, 0);
    for (int i = 0; i < WAITERS; i++)
        if (i % 4) {
            CHECK(finish(threads[i]), ==, 0);
            CHECK(waiters[i].value == event);
        }
    CHECK_TEXT(marks(), "159234678");
    green_event_free(event);
}

TEST(many, "a thousand threads wait for one event") {
    enum { WAITERS = 1000 };
    static struct waiter waiters[WAITERS];
    static green_thread *threads[WAITERS];
    green_event *event = new_event();
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){event, i % 2 ? 3600 * GREEN_SECOND : GREEN_FOREVER, 0, NULL, 1};
        threads[i] = start(wait_for, &waiters[i]);
    }
    let_run();
    CHECK(green_event_waiting(event), ==, WAITERS);
    CHECK(green_event_send(event, event), ==, 0);
    for (int i = 0; i < WAITERS; i++) {
        CHECK(finish(threads[i]), ==, 0);
        CHECK(waiters[i].value == event);
    }
    green_event_free(event);
}

/* Timeouts ----------------------------------------------------------------- */

TEST(timeout, "a wait that times out returns -ETIMEDOUT, leaves nothing behind, and can be repeated") {
    green_event *event = new_event();
    void *value = NULL;
    int64_t before = green_now(), time = 5 * GREEN_MILLISECOND;
    CHECK(green_event_wait(event, &value, time), ==, -ETIMEDOUT);
    CHECK(green_now() - before, >=, time);
    CHECK_TEXT(green_explain(-ETIMEDOUT), "the event was not sent within 5 ms (ETIMEDOUT)");
    check_unsent(event);
    CHECK(green_event_send(event, event), ==, 0);
    CHECK(green_event_wait(event, &value, time), ==, 0);
    CHECK(value == event);
    green_event_free(event);
}

static int yield_mark(void *argument) {
    mark(*(const char *)argument);
    return 0;
}

TEST(timeout_zero, "a timeout of 0 polls, and no other thread runs") {
    green_event *event = new_event();
    void *value = NULL;
    green_thread *thread = start(yield_mark, "r");
    CHECK(green_event_wait(event, &value, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "the event was not sent (ETIMEDOUT)");
    CHECK(green_event_send(event, event), ==, 0);
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, 0);
    CHECK_TEXT(marks(), "");
    CHECK(finish(thread), ==, 0);
    green_event_free(event);
}

/* Resetting ---------------------------------------------------------------- */

TEST(reset, "a reset event can be sent again, and woken threads keep the value they were sent") {
    green_event *event = new_event();
    int first, second;
    struct waiter early = {event, GREEN_FOREVER, 0, NULL, 1}, late = early;
    green_event_reset(event); /* no effect: it was not sent */
    check_unsent(event);
    green_thread *thread = start(wait_for, &early);
    let_run();
    green_event_reset(event); /* it ends no wait */
    CHECK(green_event_waiting(event), ==, 1);
    CHECK(green_event_send(event, &first), ==, 0);
    green_event_reset(event); /* before the waiter has run */
    check_unsent(event);
    green_thread *second_thread = start(wait_for, &late);
    let_run();
    CHECK(finish(thread), ==, 0);
    CHECK(early.value == &first);
    CHECK(green_event_waiting(event), ==, 1);
    CHECK(green_event_send(event, &second), ==, 0);
    CHECK(finish(second_thread), ==, 0);
    CHECK(late.value == &second);
    green_event_reset(event);
    CHECK(green_event_fail(event, -EPIPE), ==, 0);
    green_event_reset(event);
    check_unsent(event);
    green_event_free(event);
}

/* Interrupts and lifetimes ------------------------------------------------- */

TEST(killed_after_send, "a waiter that is killed after the send gets the value, and its next call gets the kill") {
    green_event *event = new_event();
    struct waiter waiter = {event, GREEN_FOREVER, 0, NULL, 1};
    green_thread *thread = start(wait_for, &waiter);
    let_run();
    CHECK(green_event_send(event, &waiter), ==, 0);
    CHECK(kill_and_finish(thread), ==, 0);
    CHECK(waiter.value == &waiter);
    CHECK(waiter.next, ==, -ECANCELED);
    green_event_free(event);
}

TEST(killed_before_send, "a waiter that is killed before the send gets -ECANCELED and is not woken again") {
    green_event *event = new_event();
    struct waiter waiter = {event, GREEN_FOREVER, 0, NULL, 1};
    green_thread *thread = start(wait_for, &waiter);
    let_run();
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(green_event_waiting(event), ==, 0);
    CHECK(green_event_send(event, &waiter), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
    CHECK(waiter.value == NULL);
    CHECK(waiter.next, ==, 0);
    green_event_free(event);
}

/* Waits, and then polls. */
static int wait_and_ask(void *argument) {
    struct waiter *waiter = argument;
    void *value;
    int error = green_event_wait(waiter->event, &value, GREEN_FOREVER);
    waiter->next = green_event_wait(waiter->event, &value, waiter->timeout);
    return error;
}

TEST(kill_comes_first, "a pending kill is delivered before an available value, even if the call need not wait") {
    green_event *event = new_event();
    for (int reset = 0; reset <= 1; reset++)
        for (int64_t timeout = -1; timeout <= 1; timeout++) {
            struct waiter waiter = {event, timeout, 0, NULL, 1};
            green_thread *thread = start(wait_and_ask, &waiter);
            let_run();
            CHECK(green_event_send(event, event), ==, 0);
            if (reset)
                green_event_reset(event);
            CHECK(kill_and_finish(thread), ==, 0);
            CHECK(waiter.next, ==, -ECANCELED);
            green_event_reset(event);
        }
    green_event_free(event);
}

TEST(freed, "threads that wait for a freed event get -EBADF and do not access it") {
    green_event *event = new_event();
    struct waiter waiters[3];
    green_thread *threads[3];
    for (int i = 0; i < 3; i++) {
        waiters[i] = (struct waiter){event, i == 1 ? 3600 * GREEN_SECOND : GREEN_FOREVER, (char)('a' + i), NULL, 1};
        threads[i] = start(wait_for, &waiters[i]);
    }
    let_run();
    green_event_free(event);
    for (int i = 0; i < 3; i++)
        CHECK(finish(threads[i]), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "event");
    CHECK_TEXT(marks(), "abc");
    green_event_free(NULL);
}

static int send_and_free(void *argument) {
    struct waiter *waiter = argument;
    int error = green_event_send(waiter->event, waiter);
    green_event_free(waiter->event);
    return error;
}

TEST(freed_after_send, "an event may be freed before the threads it woke have run") {
    green_event *event = new_event();
    struct waiter waiter = {event, GREEN_FOREVER, 0, NULL, 1}, killed = waiter;
    green_thread *first = start(wait_for, &waiter), *second = start(wait_for, &killed);
    let_run();
    CHECK(green_thread_kill(second), ==, 0);
    green_thread *sender = start(send_and_free, &waiter);
    CHECK(finish(first), ==, 0);
    CHECK(waiter.value == &waiter);
    CHECK(finish(second), ==, -ECANCELED);
    CHECK(finish(sender), ==, 0);
}

/* Links, deadlocks, other OS threads --------------------------------------- */

static void use_in_link(green_thread *thread, void *argument) {
    green_event *event = argument;
    void *value = NULL;
    (void)thread;
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(green_event_wait(event, &value, GREEN_SECOND), ==, -EWOULDBLOCK);
    CHECK(green_event_wait(event, &value, 0), ==, -ETIMEDOUT);
    CHECK(green_event_send(event, event), ==, 0);
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, 0);
    CHECK(value == event);
}

TEST(in_link, "a link may send and poll an event, even in a killed thread, but not wait") {
    green_event *event = new_event();
    struct waiter waiter = {event, GREEN_FOREVER, 0, NULL, 1};
    int value = 3;
    green_thread *other = start(wait_for, &waiter), *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, use_in_link, event), ==, 0);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
    CHECK(finish(other), ==, 0);
    CHECK(waiter.value == event);
    green_event_free(event);
}

TEST(deadlock, "main gets -EDEADLK with a message when it waits for an event that no thread can send") {
    green_event *event = new_event();
    void *value;
    capture_begin();
    int error = green_event_wait(event, &value, GREEN_FOREVER);
    const char *output = capture_end();
    CHECK(error, ==, -EDEADLK);
    CHECK_CONTAINS(output, "waiting for an event");
    CHECK_CONTAINS(output, "If a callback, a Task or another OS thread should have ended a wait");
    CHECK_CONTAINS(green_explain(-EDEADLK), "waiting for an event: every green thread of this OS thread waits");
    CHECK_CONTAINS(green_explain(-EDEADLK), "wait for a promise or a channel");
    CHECK(green_event_waiting(event), ==, 0);
    green_event_free(event);
}

static void *use_foreign(void *argument) {
    green_event *event = argument;
    void *value;
    CHECK(green_event_send(event, NULL), ==, -EXDEV);
    CHECK(green_event_fail(event, -EIO), ==, -EXDEV);
    CHECK(green_event_wait(event, &value, 0), ==, -EXDEV);
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "event");
    return NULL;
}

TEST(foreign, "a call on an event of another OS thread is -EXDEV and has no effect") {
    green_event *event = new_event();
    struct waiter waiter = {event, GREEN_FOREVER, 0, NULL, 1};
    green_thread *thread = start(wait_for, &waiter);
    let_run();
    pthread_t other;
    CHECK(pthread_create(&other, NULL, use_foreign, event), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    CHECK(green_event_waiting(event), ==, 1);
    CHECK(green_event_send(event, event), ==, 0);
    CHECK(finish(thread), ==, 0);
    green_event_free(event);
}

static void *use_first(void *argument) {
    green_event *event = argument;
    void *value = NULL;
    CHECK(green_event_send(event, event), ==, 0);
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, 0);
    CHECK(value == event);
    return NULL;
}

TEST(home, "an event belongs to the OS thread that first uses it, not to the one that created it") {
    green_event *event = new_event();
    pthread_t other;
    CHECK(pthread_create(&other, NULL, use_first, event), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    CHECK(green_event_is_sent(event));
    green_event_free(event);
}
