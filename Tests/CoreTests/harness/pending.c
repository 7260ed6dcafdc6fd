#include "pending.h"

struct attempt {
    const struct prepared *prepared;
    green_event *go;
    int result;
    int after; /* result of a yield after the call */
};

static const char *attempted;

static void name_attempted(void) {
    fprintf(stderr, "the call: %s\n", attempted);
}

static int make_call(void *argument) {
    struct attempt *attempt = argument;
    void *value;
    CHECK(green_event_wait(attempt->go, &value, GREEN_FOREVER), ==, 0);
    attempt->result = attempt->prepared->call();
    attempt->after = green_yield();
    return 0;
}

static int make_call_in_time(void *argument) {
    struct attempt *attempt = argument;
    green_timeout *limit;
    CHECK(green_timeout_start(&limit, 0), ==, 0);
    attempt->result = attempt->prepared->call();
    attempt->after = green_yield();
    green_timeout_free(limit);
    return 0;
}

/* The event wakes the thread before it is killed, so that the kill stays pending for the
 * call. */
static struct attempt attempt_call(const struct prepared *prepared, enum pending pending) {
    struct attempt attempt = {.prepared = prepared};
    attempted = prepared->name;
    on_failure = name_attempted;
    CHECK(green_event_make(&attempt.go), ==, 0);
    green_thread *thread = start(pending == PENDING_KILL ? make_call : make_call_in_time, &attempt);
    if (pending == PENDING_KILL) {
        UNTIL(green_event_waiting(attempt.go) == 1);
        CHECK(green_event_send(attempt.go, NULL), ==, 0);
        CHECK(green_thread_kill(thread), ==, 0);
    }
    CHECK(finish(thread), ==, 0);
    green_event_free(attempt.go);
    return attempt;
}

static int error_of(enum pending pending) {
    return pending == PENDING_KILL ? -ECANCELED : -ETIME;
}

void check_delivers(const struct prepared *calls, enum pending pending) {
    for (; calls->name; calls++) {
        struct attempt attempt = attempt_call(calls, pending);
        CHECK(attempt.result, ==, error_of(pending));
        CHECK(attempt.after, ==, 0);
        CHECK(calls->call(), >=, 0);
    }
    on_failure = NULL;
}

void check_leaves_pending(const struct prepared *calls, enum pending pending) {
    for (; calls->name; calls++) {
        struct attempt attempt = attempt_call(calls, pending);
        CHECK(attempt.result, >=, 0);
        CHECK(attempt.after, ==, error_of(pending));
    }
    on_failure = NULL;
}
