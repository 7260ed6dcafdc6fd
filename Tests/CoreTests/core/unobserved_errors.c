/* Errors that no thread waited for are reported once; others are never reported. */
#include "helpers.h"

static int failure = -EPROTO;

static int lines_of(const char *text) {
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

TEST(unwaited, "an error that no thread waited for is reported once, when the handle is released") {
    green_thread *thread = start_named("careless", give, &failure);
    green_thread_retain(thread);
    capture_begin();
    let_run();
    green_thread_release(thread);
    CHECK_TEXT(capture_end(), "");
    capture_begin();
    green_thread_release(thread);
    let_run();
    const char *text = capture_end();
    CHECK_CONTAINS(text, "careless");
    CHECK_CONTAINS(text, strerror(EPROTO));
    CHECK(lines_of(text), ==, 1);
}

TEST(released_before, "an error of a thread that was released before is reported when it ends") {
    green_thread *thread = start_named("forgotten", give, &failure);
    green_thread_release(thread);
    capture_begin();
    let_run();
    const char *text = capture_end();
    CHECK_CONTAINS(text, "forgotten");
    CHECK(lines_of(text), ==, 1);
}

TEST(detached, "an error of a detached thread is reported when it ends") {
    capture_begin();
    CHECK(green_detach(give, &failure), ==, 0);
    let_run();
    const char *text = capture_end();
    CHECK_CONTAINS(text, strerror(EPROTO));
    CHECK(lines_of(text), ==, 1);
}

TEST(waited, "an error that a thread waited for is not reported") {
    capture_begin();
    CHECK(finish(start(give, &failure)), ==, -EPROTO);
    green_thread *thread = start(give, &failure);
    let_run();
    CHECK(green_thread_wait(thread, NULL, 0), ==, 0);
    green_thread_release(thread);
    let_run();
    CHECK_TEXT(capture_end(), "");
}

static int fail_later(void *argument) {
    CHECK(green_sleep(5 * GREEN_MILLISECOND), ==, 0);
    return *(int *)argument;
}

static int finish_it(void *argument) {
    return finish(argument) == failure ? 0 : -EINVAL;
}

TEST(waited_elsewhere, "an error that another owner of the handle waited for is not reported") {
    capture_begin();
    green_thread *thread = start(fail_later, &failure);
    green_thread *waiter = start(finish_it, green_thread_retain(thread));
    CHECK(green_yield(), ==, 0);
    green_thread_release(thread);
    CHECK(finish(waiter), ==, 0);
    CHECK_TEXT(capture_end(), "");
}

TEST(timed_out_wait, "a wait that timed out does not observe the error") {
    green_thread *thread = start_named("late", give, &failure);
    CHECK(green_thread_wait(thread, NULL, 0), ==, -ETIMEDOUT);
    let_run();
    capture_begin();
    green_thread_release(thread);
    CHECK_CONTAINS(capture_end(), "late");
}

TEST(killed, "the end of a killed or cancelled thread is not reported") {
    capture_begin();
    green_thread *sleeping = start(nap, NULL), *unstarted;
    let_run();
    unstarted = start(nap, NULL);
    CHECK(green_thread_cancel(unstarted), ==, 1);
    CHECK(green_thread_kill(sleeping), ==, 0);
    green_thread_release(unstarted);
    green_thread_release(sleeping);
    let_run();
    CHECK_TEXT(capture_end(), "");
}

TEST(success, "a result of zero or more is not reported") {
    int values[] = {0, 1, INT_MAX};
    capture_begin();
    for (int i = 0; i < 3; i++)
        CHECK(green_detach(give, &values[i]), ==, 0);
    let_run();
    CHECK_TEXT(capture_end(), "");
}

/* Messages ----------------------------------------------------------------- */

static const char *const unreachable[] = {"127.0.0.1:1", "127.0.0.1:2"};

static int fail_to_connect(const char *address) {
    green_socket *socket;
    int error = green_connect(&socket, address, NULL);
    CHECK(error, <, 0);
    return error;
}

static int fail_and_clean_up(void *address) {
    int error = fail_to_connect(address);
    const char *message = green_explain(error);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    CHECK_CONTAINS(green_explain(error), address);
    CHECK(green_explain(error) == message);
    return error;
}

TEST(own_message, "a thread explains its own failure after other threads have failed in the same way") {
    green_thread *threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = start(fail_and_clean_up, (void *)unreachable[i]);
    for (int i = 0; i < 2; i++)
        CHECK(finish(threads[i]), <, 0);
}

TEST(main_message, "main explains its own failure after threads have failed in the same way") {
    int error = fail_to_connect(unreachable[0]);
    green_thread *other = start(fail_and_clean_up, (void *)unreachable[1]);
    UNTIL(green_thread_is_finished(other));
    CHECK_CONTAINS(green_explain(error), unreachable[0]);
    CHECK(finish(other), ==, error);
}

TEST(before_hub, "a failure before the first blocking call is explained after it") {
    green_address address;
    CHECK(green_address_parse(&address, "nonsense"), ==, -EINVAL);
    CHECK(green_yield(), ==, 0);
    CHECK_CONTAINS(green_explain(-EINVAL), "nonsense");
}

TEST(waiters_message, "green_thread_wait passes the message of a thread's result to the waiting thread") {
    int error = fail_to_connect(unreachable[0]), result;
    green_thread *thread = start(fail_and_clean_up, (void *)unreachable[1]);
    CHECK(green_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, error);
    CHECK_CONTAINS(green_explain(error), unreachable[1]);
    green_thread_release(thread);
    CHECK_CONTAINS(green_explain(error), unreachable[1]);
}

static int connect_and_wait(void *thread) {
    int error = fail_to_connect(unreachable[0]), result;
    CHECK(green_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    CHECK_CONTAINS(green_explain(error), unreachable[1]);
    return 0;
}

TEST(waiting_threads_message, "a green thread that waits for another thread gets its message") {
    green_thread *thread = start(fail_and_clean_up, (void *)unreachable[1]);
    CHECK(finish(start(connect_and_wait, thread)), ==, 0);
    green_thread_release(thread);
}

TEST(piled_message, "a pile passes the message of each result to its reader") {
    green_pool *pool;
    green_pile *pile;
    int result;
    CHECK(green_pool_make(&pool, 2), ==, 0);
    CHECK(green_pile_make(&pile, pool), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(green_pile_spawn(pile, NULL, fail_and_clean_up, (void *)unreachable[i], GREEN_FOREVER), ==, 0);
    for (int i = 0; i < 2; i++) {
        CHECK(green_pile_next(pile, &result, GREEN_FOREVER), ==, 1);
        CHECK_CONTAINS(green_explain(result), unreachable[i]);
    }
    green_pile_free(pile);
    green_pool_free(pool);
}

static bool is_alone(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.threads == 1;
}

TEST(reported_message, "the report of an unhandled error gives its message") {
    capture_begin();
    CHECK(green_detach(fail_and_clean_up, (void *)unreachable[0]), ==, 0);
    UNTIL(is_alone());
    const char *text = capture_end();
    CHECK_CONTAINS(text, unreachable[0]);
    CHECK(lines_of(text), ==, 1);
}

static int explain_nothing(void *error) {
    const char *text = green_explain(*(int *)error);
    CHECK(strstr(text, unreachable[0]) == NULL);
    CHECK(*text != 0);
    return 0;
}

TEST(no_message, "a thread that has not failed gets no message of another thread") {
    int error = fail_to_connect(unreachable[0]);
    CHECK(finish(start(explain_nothing, &error)), ==, 0);
    CHECK(finish(start(fail_and_clean_up, (void *)unreachable[0])), ==, error);
    CHECK(finish(start(explain_nothing, &error)), ==, 0); /* reuses the record of the thread before */
}
