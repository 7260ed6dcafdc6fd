/* Shields: which interrupts reach a thread inside of one. */
#include "helpers.h"

/* The longest wait of these tests, so that only an interrupt can end it. */
static const int64_t LONG = 3600 * GREEN_SECOND;

static green_timeout *scope_of(int64_t nanoseconds) {
    green_timeout *scope = NULL;
    CHECK(green_timeout_start_scope(&scope, nanoseconds), ==, 0);
    return scope;
}

TEST(scope, "an expired scope does not end the calls in a shield, and ends those after it") {
    green_timeout *scope = scope_of(0);
    green_shield shield;
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_shield_begin(&shield, GREEN_FOREVER), ==, 0);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(green_timeout_encloses(green_timeout_id(scope)));
    green_shield_end(&shield);
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(scope);
    CHECK(green_yield(), ==, 0);
}

TEST(expires_inside, "a scope that expires while the thread waits in a shield does not end the wait") {
    green_timeout *scope = scope_of(GREEN_MILLISECOND);
    green_shield shield;
    CHECK(green_shield_begin(&shield, GREEN_FOREVER), ==, 0);
    CHECK(green_sleep(3 * GREEN_MILLISECOND), ==, 0);
    CHECK(!green_timeout_has_fired(scope));
    green_shield_end(&shield);
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(scope);
}

TEST(limit, "the limit of a shield ends each of its calls, and none after it") {
    green_shield shield;
    CHECK(green_shield_begin(&shield, GREEN_MILLISECOND), ==, 0);
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_sleep(LONG), ==, -ETIME);
    green_shield_end(&shield);
    CHECK(green_yield(), ==, 0);
    CHECK(green_shield_begin(&shield, 0), ==, 0);
    CHECK(green_yield(), ==, -ETIME);
    green_shield_end(&shield);
    CHECK(green_yield(), ==, 0);
}

TEST(inside, "scopes and timeouts that are started in a shield end its calls") {
    green_shield shield;
    CHECK(green_shield_begin(&shield, GREEN_FOREVER), ==, 0);
    green_timeout *scope = scope_of(0), *plain = NULL;
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_timeout_encloses(green_timeout_id(scope)));
    green_timeout_free(scope);
    CHECK(green_yield(), ==, 0);
    CHECK(green_timeout_start(&plain, 0), ==, 0);
    green_shield_end(&shield);
    CHECK(green_yield(), ==, -ETIME); /* a plain timeout may outlive the shield */
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(plain));
    CHECK(green_yield(), ==, 0);
    green_timeout_free(plain);
}

TEST(levels, "an interrupt reaches the thread in the shields that are around its scope, and in no inner one") {
    green_shield outer, inner;
    green_timeout *outside = scope_of(0);
    CHECK(green_shield_begin(&outer, GREEN_FOREVER), ==, 0);
    green_timeout *between = scope_of(GREEN_MILLISECOND);
    CHECK(green_shield_begin(&inner, GREEN_FOREVER), ==, 0);
    green_timeout *within = scope_of(-1);
    CHECK(green_sleep(3 * GREEN_MILLISECOND), ==, 0); /* `between` expires */
    green_timeout_free(within);
    green_shield_end(&inner);
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(between));
    green_timeout_free(between);
    CHECK(green_yield(), ==, 0);
    green_shield_end(&outer);
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(outside));
    green_timeout_free(outside);
    CHECK(green_yield(), ==, 0);
}

TEST(freed_inside, "a scope around a shield can be freed in it") {
    green_timeout *expired = scope_of(0), *pending = scope_of(LONG);
    green_shield shield;
    CHECK(green_shield_begin(&shield, GREEN_FOREVER), ==, 0);
    green_timeout_free(expired);
    green_timeout_free(pending);
    green_shield_end(&shield);
    CHECK(green_yield(), ==, 0);
}

struct cleaner {
    int in_shield, after, later;
    int64_t limit;
};

static int clean_up(void *argument) {
    struct cleaner *cleaner = argument;
    green_shield shield;
    int64_t duration = 3 * GREEN_MILLISECOND;
    CHECK(green_shield_begin(&shield, cleaner->limit), ==, 0);
    cleaner->in_shield = green_sleep(cleaner->limit >= 0 ? LONG : duration);
    green_shield_end(&shield);
    cleaner->after = green_sleep(LONG);
    cleaner->later = green_yield();
    return 0;
}

TEST(kill, "a kill waits until the shield ends, and then ends one call") {
    struct cleaner cleaner = {.limit = GREEN_FOREVER};
    green_thread *thread = start(clean_up, &cleaner);
    let_run();
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(cleaner.in_shield, ==, 0);
    CHECK(cleaner.after, ==, -ECANCELED);
    CHECK(cleaner.later, ==, 0);
}

TEST(kill_limited, "a killed thread whose clean-up never ends is ended by the limit of the shield") {
    struct cleaner cleaner = {.limit = GREEN_MILLISECOND};
    green_thread *thread = start(clean_up, &cleaner);
    let_run();
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(cleaner.in_shield, ==, -ETIME);
    CHECK(cleaner.after, ==, -ECANCELED);
}

static int end_in_shield(void *argument) {
    green_shield *shield = argument;
    CHECK(green_shield_begin(shield, GREEN_FOREVER), ==, 0);
    return green_sleep(GREEN_MILLISECOND);
}

TEST(left_open, "a thread may end in a shield, with a kill pending") {
    green_shield shield;
    green_thread *thread = start(end_in_shield, &shield);
    let_run();
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(finish(start(end_in_shield, &shield)), ==, 0); /* it may get the record of the other one */
}
