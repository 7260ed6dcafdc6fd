/* Errors that nobody waited for are reported once; the others never are. */
#include "helpers.h"

static int failure = -EPROTO;

static int lines_of(const char *text) {
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

TEST(unwaited, "an error that nobody waited for is reported once, when the handle is released") {
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

TEST(waited, "an error that somebody waited for is not reported") {
    capture_begin();
    CHECK(finish(start(give, &failure)), ==, -EPROTO);
    green_thread *thread = start(give, &failure);
    let_run();
    CHECK(green_thread_wait(thread, 0, NULL), ==, 0);
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

TEST(timed_out_wait, "a wait that timed out has not taken the error") {
    green_thread *thread = start_named("late", give, &failure);
    CHECK(green_thread_wait(thread, 0, NULL), ==, -ETIMEDOUT);
    let_run();
    capture_begin();
    green_thread_release(thread);
    CHECK_CONTAINS(capture_end(), "late");
}

TEST(killed, "the end of a killed or cancelled thread is no error to report") {
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

TEST(success, "a result of zero or more is nothing to report") {
    int values[] = {0, 1, INT_MAX};
    capture_begin();
    for (int i = 0; i < 3; i++)
        CHECK(green_detach(give, &values[i]), ==, 0);
    let_run();
    CHECK_TEXT(capture_end(), "");
}
