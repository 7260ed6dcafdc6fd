#include "times.h"

static const int64_t unlimited[] = {INT64_MIN, GREEN_FOREVER, INT64_MAX};

static const char *timed;

static void name_timed(void) {
    fprintf(stderr, "the call: %s\n", timed);
}

static void check_unlimited(const struct timed *call) {
    for (size_t i = 0; i < 3; i++)
        CHECK(call->ready(unlimited[i]), >=, 0);
}

static void check_ready(const struct timed *call) {
    check_unlimited(call);
    int at_once = call->ready(0);
    CHECK(at_once >= 0 || (call->on_worker && at_once == -ETIMEDOUT));
    int in_a_nanosecond = call->ready(1);
    CHECK(in_a_nanosecond >= 0 || in_a_nanosecond == -ETIMEDOUT);
    check_unlimited(call);
}

struct endless {
    const struct timed *call;
    int64_t timeout;
};

static int wait_for_ever(void *argument) {
    const struct endless *endless = argument;
    return endless->call->never(endless->timeout);
}

static void check_waits(const struct timed *call, int64_t timeout) {
    struct endless endless = {call, timeout};
    green_thread *thread = start(wait_for_ever, &endless);
    CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
}

/* The message names the limit, and not the kernel's text, which is about connections. */
static void check_late(const struct timed *call, int64_t timeout, const char *end) {
    CHECK(call->never(timeout), ==, -ETIMEDOUT);
    const char *message = green_explain(-ETIMEDOUT);
    CHECK(strlen(message), >, strlen(end));
    CHECK_TEXT(message + strlen(message) - strlen(end), end);
    CHECK(!strcasestr(message, "timed out"));
    CHECK(!strstr(message, "(null)"));
}

static void check_never(const struct timed *call) {
    check_late(call, 1, " within 1 ns (ETIMEDOUT)");
    for (size_t i = 0; i < 3; i++)
        check_waits(call, unlimited[i]);
}

void check_times(const struct timed *calls) {
    on_failure = name_timed;
    for (; calls->name; calls++) {
        timed = calls->name;
        if (calls->ready)
            check_ready(calls);
        if (calls->never) {
            check_late(calls, 0, " (ETIMEDOUT)");
            check_never(calls);
        }
    }
    on_failure = NULL;
}

void check_options(const struct timed *calls) {
    on_failure = name_timed;
    for (; calls->name; calls++) {
        timed = calls->name;
        if (calls->ready) {
            CHECK(calls->ready(0), >=, 0);
            check_unlimited(calls);
        }
        if (calls->never) {
            check_waits(calls, 0);
            check_never(calls);
        }
    }
    on_failure = NULL;
}
