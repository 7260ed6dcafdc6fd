/* Timeouts that are scopes: every blocking call fails until they are freed. */
#include "helpers.h"

/* The longest wait of these tests, so that only the scope can end it. */
static const int64_t LONG = 3600 * GREEN_SECOND;

static green_timeout *scope_of(int64_t nanoseconds) {
    green_timeout *scope = NULL;
    CHECK(green_timeout_start_scope(&scope, nanoseconds), ==, 0);
    return scope;
}

TEST(holds, "each blocking call fails until the scope is freed") {
    green_timeout *scope = scope_of(GREEN_MILLISECOND);
    CHECK(green_sleep(LONG), ==, -ETIME);
    for (int i = 0; i < 10; i++)
        CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_check_interrupt(), ==, -ETIME);
    CHECK(green_timeout_has_fired(scope));
    CHECK(green_timeout_is_pending(scope));
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(scope));
    green_timeout_free(scope);
    CHECK(green_yield(), ==, 0);
    CHECK(green_check_interrupt(), ==, 0);
}

TEST(loop, "a loop that tries again for as long as its own timeouts expire ends with the scope") {
    green_timeout *scope = scope_of(20 * GREEN_MILLISECOND);
    int attempts = 0, error = 0;
    do {
        green_timeout *attempt = scope_of(5 * GREEN_MILLISECOND);
        error = green_sleep(LONG);
        uint64_t last = green_timeout_last(NULL);
        bool is_own = last == green_timeout_id(attempt);
        green_timeout_free(attempt);
        attempts++;
        CHECK(is_own, !=, green_timeout_encloses(last));
    } while (error == -ETIME && !green_timeout_encloses(green_timeout_last(NULL)));
    CHECK(error, ==, -ETIME);
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(scope));
    CHECK(attempts, <=, 5);
    green_timeout_free(scope);
}

TEST(outermost, "of several scopes that have expired the outermost ends the calls, in whatever order they expired") {
    enum { DEPTH = 10 };
    green_timeout *scopes[DEPTH];
    for (int i = 0; i < DEPTH; i++)
        scopes[i] = scope_of((DEPTH - i) * GREEN_MILLISECOND);
    for (int i = 0; i < 3 * DEPTH; i++) { /* the innermost expires first */
        CHECK(green_sleep(LONG), ==, -ETIME);
        if (green_timeout_last(NULL) == green_timeout_id(scopes[0]))
            break;
    }
    while (!green_timeout_encloses(green_timeout_id(scopes[0])))
        (void)green_sleep(LONG);
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(scopes[0]));
    for (int i = 0; i < DEPTH; i++) {
        CHECK(green_sleep(LONG), ==, -ETIME);
        CHECK(green_timeout_last(NULL), ==, green_timeout_id(scopes[i]));
        CHECK(green_timeout_encloses(green_timeout_id(scopes[i])));
        green_timeout_free(scopes[i]);
        CHECK(!green_timeout_encloses(green_timeout_last(NULL)));
    }
    CHECK(green_yield(), ==, 0);
}

TEST(left_in_any_order, "scopes may be freed in any order") {
    for (int order = 0; order < 6; order++) {
        static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        green_timeout *scopes[3] = {scope_of(0), scope_of(0), scope_of(0)};
        for (int i = 0; i < 3; i++) {
            CHECK(green_yield(), ==, -ETIME);
            green_timeout_free(scopes[orders[order][i]]);
        }
        CHECK(green_yield(), ==, 0);
    }
}

TEST(interrupts, "a kill and a timeout are interrupts, a failure is none") {
    CHECK(green_is_interrupt(-ECANCELED));
    CHECK(green_is_interrupt(-ETIME));
    CHECK(!green_is_interrupt(-ETIMEDOUT));
    CHECK(!green_is_interrupt(0));
    CHECK(!green_is_interrupt(1));
}

TEST(limits, "a scope of 0 fails from the start, one of a negative time never, and one of 300 years not soon") {
    green_timeout *now = scope_of(0);
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK_CONTAINS(green_explain(-ETIME), "a timeout of 0 ns ended the call");
    green_timeout_free(now);
    green_timeout *never = scope_of(-1), *least = scope_of(INT64_MIN), *years = scope_of(INT64_MAX);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(!green_timeout_is_pending(never));
    CHECK(green_timeout_is_pending(years));
    CHECK(green_timeout_length(never), <, 0);
    CHECK(green_timeout_length(years), ==, INT64_MAX);
    green_timeout_free(years);
    green_timeout_free(least);
    green_timeout_free(never);
}

TEST(deadline, "a scope until a time in the past fails from the start, until a later time then") {
    green_timeout *scope;
    CHECK(green_timeout_start_scope_until(&scope, green_now() - 1), ==, 0);
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(scope);
    int64_t deadline = green_now() + 2 * GREEN_MILLISECOND;
    CHECK(green_timeout_start_scope_until(&scope, deadline), ==, 0);
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_now(), >=, deadline);
    green_timeout_free(scope);
    CHECK(green_timeout_start_scope_until(&scope, GREEN_FOREVER), ==, 0);
    CHECK(green_yield(), ==, 0);
    green_timeout_free(scope);
    CHECK(green_timeout_start_scope_until(&scope, INT64_MAX), ==, 0);
    CHECK(green_yield(), ==, 0);
    green_timeout_free(scope);
}

TEST(once, "a plain timeout and a kill inside an expired scope end one call each, and first") {
    green_timeout *scope = scope_of(0), *plain = NULL;
    CHECK(green_timeout_start(&plain, 0), ==, 0);
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(plain));
    CHECK(!green_timeout_is_pending(plain));
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(scope));
    green_timeout_free(plain);
    green_timeout_free(scope);
}

static int ignore_errors(void *argument) {
    int *calls = argument;
    green_timeout *scope = scope_of(GREEN_MILLISECOND);
    int error = 0;
    while ((error = green_sleep(LONG)) != -ECANCELED)
        ++*calls;
    CHECK(green_sleep(LONG), ==, -ETIME);
    green_timeout_free(scope);
    return error;
}

TEST(killed, "a kill ends a loop that ignores the scope, which keeps no other thread from running") {
    int calls = 0;
    green_thread *thread = start(ignore_errors, &calls);
    while (calls < 10)
        CHECK(green_yield(), ==, 0);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
}

static green_report_level reported;
static char report_text[512];

static void keep_report(const green_report *report, void *context) {
    (void)context;
    if (report->level < GREEN_REPORT_WARNING)
        return;
    reported = report->level;
    snprintf(report_text, sizeof report_text, "%s", report->text);
}

TEST(reported, "a loop that ignores the scope in a thousand calls is reported once") {
    CHECK(green_report_set_handler(keep_report, NULL, NULL), ==, 0);
    green_timeout *scope = scope_of(0);
    for (int i = 0; i < 999; i++)
        CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(reported, ==, 0);
    for (int i = 0; i < 2000; i++)
        CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(reported, ==, GREEN_REPORT_WARNING);
    CHECK_CONTAINS(report_text, "has ignored the end of a time limit");
    green_timeout_free(scope);
    CHECK(green_report_set_handler(NULL, NULL, NULL), ==, 0);
}

struct freed_elsewhere {
    green_timeout *scope;
    int result;
};

static int wait_in_scope(void *argument) {
    struct freed_elsewhere *call = argument;
    call->scope = scope_of(GREEN_MILLISECOND);
    call->result = green_sleep(LONG);
    return green_yield();
}

static int free_it(void *argument) {
    struct freed_elsewhere *call = argument;
    CHECK(call->result, ==, 0); /* the waiter has not run yet */
    green_timeout_free(call->scope);
    return 0;
}

TEST(freed_by_another, "a scope that another thread frees after it has ended a wait ends that call, and no more") {
    struct freed_elsewhere call = {0};
    green_thread *waiter = start(wait_in_scope, &call);
    let_run();
    for (int64_t end = green_now() + 2 * GREEN_MILLISECOND; green_now() < end;)
        ; /* without a loop iteration, which would let the waiter run */
    green_thread *other = start(free_it, &call);
    CHECK(finish(other), ==, 0);
    CHECK(finish(waiter), ==, 0);
    CHECK(call.result, ==, -ETIME);
}

struct emptied {
    green_timeout *scope;
    green_semaphore *semaphore;
};

static int acquire_in_scope(void *argument) {
    struct emptied *emptied = argument;
    emptied->scope = scope_of(0);
    CHECK(green_yield(), ==, -ETIME);
    return green_semaphore_acquire(emptied->semaphore, GREEN_FOREVER);
}

static int free_both(void *argument) {
    struct emptied *emptied = argument;
    green_timeout_free(emptied->scope);
    green_semaphore_free(emptied->semaphore);
    return 0;
}

TEST(object_freed, "while a call fails again, other threads may free the scope and the object of the call") {
    struct emptied emptied = {0};
    CHECK(green_semaphore_make(&emptied.semaphore, 0, -1), ==, 0);
    green_thread *caller = start(acquire_in_scope, &emptied);
    CHECK(green_yield(), ==, 0); /* the caller yields in its scope */
    green_thread *other = start(free_both, &emptied);
    CHECK(finish(caller), ==, -ETIME);
    CHECK(finish(other), ==, 0);
}

static int leave_scope(void *argument) {
    *(green_timeout **)argument = scope_of(0);
    return green_yield();
}

TEST(thread_ended, "a scope of a thread that has ended does nothing, and can be freed") {
    green_timeout *scope = NULL;
    CHECK(finish(start(leave_scope, &scope)), ==, -ETIME);
    CHECK(!green_timeout_is_pending(scope));
    CHECK(green_yield(), ==, 0);
    green_timeout_free(scope);
}

TEST(spawned, "a thread that is spawned inside a scope is not limited") {
    green_timeout *scope = scope_of(0);
    int64_t duration = GREEN_MILLISECOND;
    green_thread *thread = start(nap, &duration);
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(scope);
    CHECK(finish(thread), ==, 0);
}

TEST(successful, "a call that has succeeded reports its success, and the next one fails") {
    struct pair pair = connected(UNIX_PAIR);
    green_timeout *scope = scope_of(-1);
    send_text(pair.near, "a");
    green_timeout_free(scope);
    scope = scope_of(0);
    char byte;
    CHECK(green_read(pair.far, &byte, 1), ==, -ETIME);
    CHECK(green_read(pair.far, &byte, 1), ==, -ETIME);
    green_timeout_free(scope);
    CHECK(green_read(pair.far, &byte, 1), ==, 1);
    release_pair(&pair);
}
