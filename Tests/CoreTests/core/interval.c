/* Sleeps until a deadline, and intervals, in virtual time. */
#include "helpers.h"
#include "other_hub.h"

static void sleep_to_the_nanosecond(void) {
    int64_t deadline = green_now() + 3600 * GREEN_SECOND + 7;
    CHECK(green_sleep_until(deadline), ==, 0);
    CHECK(green_now(), ==, deadline);
}

TEST(until, "a sleep until a deadline ends at that time") {
    in_virtual_time(sleep_to_the_nanosecond);
}

static void sleep_until_the_past(void) {
    static const int64_t past[] = {INT64_MIN, -1, 0, 1};
    green_thread *other = start(mark_it, "o");
    for (int i = 0; i < 4; i++) {
        int64_t before = green_now();
        CHECK(green_sleep_until(past[i]), ==, 0);
        CHECK(green_sleep_until(before), ==, 0);
        CHECK(green_now(), ==, before);
    }
    CHECK_TEXT(marks(), "o");
    CHECK(finish(other), ==, 0);
    mark('\0');
}

TEST(past, "a sleep until a deadline that has passed, or is negative, yields") {
    CHECK(green_hub_open(&(green_hub_options){.virtual_clock = true}), ==, 0);
    sleep_until_the_past();
}

static int sleep_for_ever(void *argument) {
    (void)argument;
    return green_sleep_until(INT64_MAX);
}

TEST(never, "a sleep until INT64_MAX does not end, until a kill") {
    green_thread *thread = start(sleep_for_ever, NULL);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
}

/* Intervals ---------------------------------------------------------------- */

enum { PERIOD = 1000 };

static int64_t beginning;
static green_interval interval;

static void begin(int64_t period, green_missed_ticks missed) {
    beginning = green_now();
    CHECK(green_interval_start(&interval, period, missed), ==, 0);
}

/* Takes a tick, which must be due at a time and be taken at another one, after the beginning. */
static void expect_tick(int64_t due, int64_t taken) {
    int64_t tick = 0;
    CHECK(green_interval_next(&interval, &tick), ==, 0);
    CHECK(tick - beginning, ==, due);
    CHECK(green_now() - beginning, ==, taken);
}

static void work(int64_t time) {
    CHECK(green_sleep(time), ==, 0);
}

static void work_less_than_a_period(void) {
    static const green_missed_ticks rules[] = {GREEN_SKIP_MISSED, GREEN_BURST_MISSED, GREEN_DELAY_MISSED};
    for (int rule = 0; rule < 3; rule++) {
        begin(PERIOD, rules[rule]);
        for (int i = 1; i <= 1000; i++) {
            expect_tick(i * PERIOD, i * PERIOD);
            work(i % PERIOD);
        }
    }
}

TEST(no_drift, "ticks are at multiples of the period, however long the work between them takes") {
    in_virtual_time(work_less_than_a_period);
}

static void miss_and_skip(void) {
    begin(PERIOD, GREEN_SKIP_MISSED);
    expect_tick(PERIOD, PERIOD);
    work(5 * PERIOD / 2);
    expect_tick(2 * PERIOD, 7 * PERIOD / 2);
    expect_tick(4 * PERIOD, 4 * PERIOD);
    work(2 * PERIOD); /* the tick at 5 is late, that at 6 is missed */
    expect_tick(5 * PERIOD, 6 * PERIOD);
    expect_tick(7 * PERIOD, 7 * PERIOD);
}

TEST(skip, "missed ticks are left out, and later ones stay multiples of the period") {
    in_virtual_time(miss_and_skip);
}

static void miss_and_burst(void) {
    begin(PERIOD, GREEN_BURST_MISSED);
    expect_tick(PERIOD, PERIOD);
    work(5 * PERIOD / 2);
    expect_tick(2 * PERIOD, 7 * PERIOD / 2);
    expect_tick(3 * PERIOD, 7 * PERIOD / 2);
    expect_tick(4 * PERIOD, 4 * PERIOD);
    expect_tick(5 * PERIOD, 5 * PERIOD);
}

TEST(burst, "missed ticks are made up for at once") {
    in_virtual_time(miss_and_burst);
}

static void miss_and_delay(void) {
    begin(PERIOD, GREEN_DELAY_MISSED);
    expect_tick(PERIOD, PERIOD);
    work(5 * PERIOD / 2);
    expect_tick(2 * PERIOD, 7 * PERIOD / 2);
    expect_tick(9 * PERIOD / 2, 9 * PERIOD / 2);
    expect_tick(11 * PERIOD / 2, 11 * PERIOD / 2);
}

TEST(delay, "a late tick moves those after it, so that a period is between them") {
    in_virtual_time(miss_and_delay);
}

static int take_tick(void *argument) {
    (void)argument;
    return green_interval_next(&interval, NULL);
}

static void interrupt_a_tick(void) {
    begin(PERIOD, GREEN_SKIP_MISSED);
    green_thread *thread = start(take_tick, NULL);
    let_run();
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    green_timeout *timeout;
    CHECK(green_timeout_start(&timeout, PERIOD / 2), ==, 0);
    CHECK(green_interval_next(&interval, NULL), ==, -ETIME);
    green_timeout_free(timeout);
    expect_tick(PERIOD, PERIOD);
}

TEST(interrupted, "a kill and a timeout end the wait for a tick, which the next call takes") {
    in_virtual_time(interrupt_a_tick);
}

static void let_others_run(void) {
    begin(1, GREEN_BURST_MISSED);
    work(PERIOD);
    green_thread *thread = start(mark_it, "o");
    for (int i = 1; i <= 3; i++)
        expect_tick(i, PERIOD);
    CHECK(green_thread_is_finished(thread));
    CHECK(finish(thread), ==, 0);
}

TEST(yields, "late ticks let other threads run") {
    in_virtual_time(let_others_run);
}

TEST(bad_arguments, "a period of less than a nanosecond and an unknown rule are -EINVAL, with the number") {
    CHECK(green_interval_start(&interval, 0, GREEN_SKIP_MISSED), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "an interval of 0 ns");
    CHECK(green_interval_start(&interval, -1, GREEN_SKIP_MISSED), ==, -EINVAL);
    CHECK(green_interval_start(&interval, INT64_MIN, GREEN_SKIP_MISSED), ==, -EINVAL);
    CHECK(green_interval_start(&interval, 1, (green_missed_ticks)3), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "3 is no rule for missed ticks");
}

TEST(endless, "a period of INT64_MAX or 300 years has no tick, until a kill") {
    static const int64_t periods[] = {INT64_MAX, INT64_MAX - 1, INT64_C(290) * 365 * 86400 * GREEN_SECOND};
    for (int i = 0; i < 3; i++) {
        begin(periods[i], GREEN_SKIP_MISSED);
        green_thread *thread = start(take_tick, NULL);
        let_run();
        CHECK(!green_thread_is_finished(thread));
        CHECK(kill_and_finish(thread), ==, -ECANCELED);
    }
}

static void in_link(green_thread *thread, void *result) {
    (void)thread;
    *(int *)result = green_interval_next(&interval, NULL);
}

TEST(link, "in a link a tick is -EWOULDBLOCK") {
    int result = 0, given = 0;
    begin(PERIOD, GREEN_SKIP_MISSED);
    green_thread *thread = start(give, &given);
    CHECK(green_thread_link(thread, NULL, in_link, &result), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(result, ==, -EWOULDBLOCK);
}

TEST(other_os_thread, "an interval may be used on another OS thread than that of its start") {
    struct other_hub other;
    other_hub_start(&other);
    begin(PERIOD, GREEN_SKIP_MISSED);
    CHECK(on_hub(other.hub, take_tick, NULL), ==, 0);
    CHECK(green_interval_next(&interval, NULL), ==, 0);
    other_hub_close(&other);
    other_hub_release(&other);
}
