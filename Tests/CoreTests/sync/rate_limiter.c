/* Rate limiters, in virtual time: the bucket, the order of waiting threads, and interrupts. */
#include "helpers.h"
#include "other_hub.h"

static green_rate_limiter *limiter;
static int64_t beginning;

static void make(int64_t tokens, int64_t period, int64_t burst) {
    green_rate_limiter_options options = {.tokens = tokens, .period = period, .burst = burst};
    CHECK(green_rate_limiter_make(&limiter, &options), ==, 0);
    beginning = green_now();
}

static void end(void) {
    green_statistics statistics;
    CHECK(green_rate_limiter_waiting(limiter), ==, 0);
    CHECK(green_hub_statistics(&statistics), ==, 0);
    CHECK(statistics.timers, ==, 0);
    green_rate_limiter_free(limiter);
    limiter = NULL;
}

/* Acquires tokens, which must take until a time after the beginning. */
static void expect_at(int64_t tokens, int64_t time) {
    CHECK(green_rate_limiter_acquire(limiter, tokens, GREEN_FOREVER), ==, 0);
    CHECK(green_now() - beginning, ==, time);
}

/* A thread that acquires tokens. */
struct taker {
    int64_t tokens, timeout;
    char letter;
    int64_t time; /* when its call returned, after the beginning */
    green_thread *thread;
};

static int take(void *argument) {
    struct taker *taker = argument;
    int error = green_rate_limiter_acquire(limiter, taker->tokens, taker->timeout);
    taker->time = green_now() - beginning;
    if (taker->letter)
        mark(taker->letter);
    return error;
}

static void start_taker(struct taker *taker, int64_t tokens, char letter) {
    *taker = (struct taker){.tokens = tokens, .timeout = GREEN_FOREVER, .letter = letter};
    taker->thread = start(take, taker);
    let_run();
}

static void empty_bucket(void) {
    int64_t available = green_rate_limiter_available(limiter);
    CHECK(green_rate_limiter_try_acquire(limiter, available), ==, 1);
}

/* The bucket --------------------------------------------------------------- */

static void take_burst_and_rate(void) {
    make(10, GREEN_SECOND, 3);
    CHECK(green_rate_limiter_available(limiter), ==, 3);
    for (int i = 0; i < 3; i++)
        expect_at(1, 0);
    CHECK(green_rate_limiter_available(limiter), ==, 0);
    for (int i = 1; i <= 100; i++)
        expect_at(1, i * 100 * GREEN_MILLISECOND);
    expect_at(3, 10300 * GREEN_MILLISECOND);
    end();
}

TEST(rate, "the burst is there at first, and then tokens come at the rate, to the nanosecond") {
    in_virtual_time(take_burst_and_rate);
}

static void take_thirds(void) {
    make(3, GREEN_SECOND, 1);
    expect_at(1, 0);
    for (int i = 1; i <= 3000; i++) /* a third of a second is no whole number of nanoseconds */
        expect_at(1, (i * GREEN_SECOND + 2) / 3);
    end();
}

TEST(exact, "fractions of tokens are not lost: 3 a second are 3000 in 1000 seconds") {
    in_virtual_time(take_thirds);
}

static void keep_full(void) {
    make(10, GREEN_SECOND, 5);
    expect_at(5, 0);
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, 0);
    CHECK(green_rate_limiter_available(limiter), ==, 5);
    CHECK(green_rate_limiter_try_acquire(limiter, 5), ==, 1);
    CHECK(green_rate_limiter_try_acquire(limiter, 1), ==, 0);
    end();
}

TEST(full, "the bucket never holds more than the burst") {
    in_virtual_time(keep_full);
}

static void use_defaults(void) {
    make(2, 0, 0);
    CHECK(green_rate_limiter_available(limiter), ==, 1);
    expect_at(1, 0);
    expect_at(1, GREEN_SECOND / 2);
    CHECK(green_rate_limiter_acquire(limiter, 2, GREEN_FOREVER), ==, -EINVAL);
    end();
}

TEST(defaults, "by default the period is a second and the burst is 1") {
    in_virtual_time(use_defaults);
}

static void use_extremes(void) {
    make(INT64_MAX, INT64_MAX, INT64_MAX);
    expect_at(INT64_MAX, 0);
    expect_at(7, 7);
    end();
    make(INT64_MAX, 1, INT64_MAX);
    expect_at(INT64_MAX, 0);
    expect_at(INT64_MAX, 1);
    end();
    make(1, INT64_MAX, 1);
    expect_at(1, 0);
    CHECK(green_rate_limiter_acquire(limiter, 1, 1000), ==, -ETIMEDOUT);
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, 0);
    CHECK(green_rate_limiter_try_acquire(limiter, 1), ==, 0);
    end();
    make(1, INT64_MAX / 4, INT64_MAX);
    expect_at(INT64_MAX, 0);
    CHECK(green_rate_limiter_acquire(limiter, INT64_MAX, GREEN_SECOND), ==, -ETIMEDOUT);
    end();
}

TEST(extremes, "huge rates, periods and bursts do not overflow") {
    in_virtual_time(use_extremes);
}

TEST(bad_numbers, "bad options and bad numbers of tokens are -EINVAL, and the message has the number") {
    static const green_rate_limiter_options bad[] = {
        {.tokens = 0}, {.tokens = -1}, {.tokens = INT64_MIN}, {.tokens = 1, .period = -1}, {.tokens = 1, .burst = -1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(green_rate_limiter_make(&limiter, &bad[i]), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "a burst of -1 tokens is negative");
    make(1, GREEN_SECOND, 3);
    CHECK(green_rate_limiter_acquire(limiter, 4, 0), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "cannot acquire 4 tokens of a rate limiter: its burst is 3");
    CHECK(green_rate_limiter_try_acquire(limiter, INT64_MAX), ==, -EINVAL);
    CHECK(green_rate_limiter_try_acquire(limiter, -1), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "-1 tokens");
    CHECK(green_rate_limiter_available(limiter), ==, 3);
    green_rate_limiter_free(limiter);
    green_rate_limiter_free(NULL);
}

static void take_none(void) {
    struct taker waiting;
    make(1, GREEN_SECOND, 1);
    expect_at(1, 0);
    start_taker(&waiting, 1, 0);
    CHECK(green_rate_limiter_acquire(limiter, 0, 0), ==, 0);
    CHECK(green_rate_limiter_try_acquire(limiter, 0), ==, 1);
    CHECK(finish(waiting.thread), ==, 0);
    CHECK(waiting.time, ==, GREEN_SECOND);
    end();
}

TEST(none, "no tokens are always there, also while threads wait") {
    in_virtual_time(take_none);
}

/* First come, first served ------------------------------------------------- */

static void wait_in_order(void) {
    static const int64_t tokens[] = {5, 1, 1, 3};
    static const int64_t times[] = {5, 6, 7, 10};
    struct taker takers[4];
    make(1, GREEN_SECOND, 5);
    empty_bucket();
    for (int i = 0; i < 4; i++)
        start_taker(&takers[i], tokens[i], 0);
    CHECK(green_rate_limiter_waiting(limiter), ==, 4);
    CHECK(green_sleep(2 * GREEN_SECOND), ==, 0);
    CHECK(green_rate_limiter_available(limiter), ==, 2);
    CHECK(green_rate_limiter_try_acquire(limiter, 1), ==, 0);
    CHECK(green_rate_limiter_acquire(limiter, 1, 0), ==, -ETIMEDOUT);
    for (int i = 0; i < 4; i++) {
        CHECK(finish(takers[i].thread), ==, 0);
        CHECK(takers[i].time, ==, times[i] * GREEN_SECOND);
    }
    end();
}

TEST(order, "waiting threads are served in the order of their calls, and no later call overtakes them") {
    in_virtual_time(wait_in_order);
}

static void leave_in_any_order(void) {
    struct taker takers[5];
    make(1, GREEN_SECOND, 5);
    empty_bucket();
    for (int i = 0; i < 5; i++)
        start_taker(&takers[i], 5 - i, 0);
    CHECK(green_sleep(2 * GREEN_SECOND), ==, 0);
    CHECK(kill_and_finish(takers[2].thread), ==, -ECANCELED); /* in the middle: needs 3 */
    CHECK(kill_and_finish(takers[4].thread), ==, -ECANCELED); /* the last: needs 1 */
    CHECK(kill_and_finish(takers[0].thread), ==, -ECANCELED); /* the first: needs 5 */
    CHECK(finish(takers[1].thread), ==, 0);                   /* needs 4 */
    CHECK(takers[1].time, ==, 4 * GREEN_SECOND);
    CHECK(finish(takers[3].thread), ==, 0);
    CHECK(takers[3].time, ==, 6 * GREEN_SECOND);
    end();
}

TEST(left, "a thread that is killed takes nothing, and those behind it are served as if it had never come") {
    in_virtual_time(leave_in_any_order);
}

static void leave_the_way(void) {
    struct taker big, small[2];
    make(1, GREEN_SECOND, 5);
    empty_bucket();
    start_taker(&big, 5, 'b');
    for (int i = 0; i < 2; i++)
        start_taker(&small[i], 1, (char)('1' + i));
    CHECK(green_sleep(3 * GREEN_SECOND), ==, 0);
    CHECK(kill_and_finish(big.thread), ==, -ECANCELED);
    for (int i = 0; i < 2; i++) {
        CHECK(finish(small[i].thread), ==, 0);
        CHECK(small[i].time, ==, 3 * GREEN_SECOND);
    }
    CHECK(green_rate_limiter_available(limiter), ==, 1);
    end();
}

TEST(leaves_the_way, "when the first thread leaves, those whose tokens are there are served at once") {
    in_virtual_time(leave_the_way);
}

static void time_out(void) {
    struct taker late = {.tokens = 3, .timeout = 2 * GREEN_SECOND}, served = {.tokens = 2, .timeout = 2 * GREEN_SECOND};
    make(1, GREEN_SECOND, 3);
    empty_bucket();
    late.thread = start(take, &late);
    let_run();
    served.thread = start(take, &served);
    CHECK(finish(late.thread), ==, -ETIMEDOUT);
    CHECK(late.time, ==, 2 * GREEN_SECOND);
    CHECK(finish(served.thread), ==, 0);
    CHECK(green_rate_limiter_acquire(limiter, 3, 5 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT),
                   "cannot acquire 3 tokens of a rate limiter: it had too few within 5 ms (ETIMEDOUT)");
    green_timeout *timeout;
    CHECK(green_timeout_start(&timeout, GREEN_MILLISECOND), ==, 0);
    CHECK(green_rate_limiter_acquire(limiter, 3, GREEN_FOREVER), ==, -ETIME);
    green_timeout_free(timeout);
    end();
}

TEST(times_out, "a call that times out takes nothing") {
    in_virtual_time(time_out);
}

static void kill_the_served(void) {
    struct taker served;
    make(1, GREEN_SECOND, 1);
    empty_bucket();
    start_taker(&served, 1, 0);
    green_thread *sleeper = start(nap, &(int64_t){GREEN_SECOND});
    CHECK(finish(sleeper), ==, 0); /* its timer is the later one, so the other thread is ready */
    CHECK(green_thread_kill(served.thread), ==, 0);
    CHECK(finish(served.thread), ==, 0);
    CHECK(green_rate_limiter_try_acquire(limiter, 1), ==, 0);
    end();
}

TEST(served, "a thread that was served before its kill has its tokens") {
    in_virtual_time(kill_the_served);
}

/* Ends --------------------------------------------------------------------- */

static void free_while_threads_wait(void) {
    struct taker takers[3];
    make(1, GREEN_SECOND, 3);
    empty_bucket();
    for (int i = 0; i < 3; i++)
        start_taker(&takers[i], 3 - i, 0);
    CHECK(green_sleep(GREEN_SECOND), ==, 0);
    green_rate_limiter_free(limiter);
    for (int i = 0; i < 3; i++)
        CHECK(finish(takers[i].thread), ==, -EBADF);
    CHECK(green_now() - beginning, ==, GREEN_SECOND);
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, 0);
    CHECK(statistics.timers, ==, 0);
}

TEST(freed, "a free while threads wait ends their calls with -EBADF") {
    in_virtual_time(free_while_threads_wait);
}

static int use_elsewhere(void *argument) {
    (void)argument;
    int error = green_rate_limiter_acquire(limiter, 1, 0);
    CHECK(green_rate_limiter_try_acquire(limiter, 1), ==, error);
    return error;
}

static int free_elsewhere(void *argument) {
    (void)argument;
    green_rate_limiter_free(limiter);
    return 0;
}

TEST(other_os_thread, "on another OS thread a call is -EXDEV, and a free takes effect on the hub") {
    struct other_hub other;
    struct taker waiting;
    other_hub_start(&other);
    make(1, 3600 * GREEN_SECOND, 1);
    empty_bucket();
    start_taker(&waiting, 1, 0);
    CHECK(on_hub(other.hub, use_elsewhere, NULL), ==, -EXDEV);
    CHECK(on_hub(other.hub, free_elsewhere, NULL), ==, 0);
    CHECK(finish(waiting.thread), ==, -EBADF);
    other_hub_close(&other);
    other_hub_release(&other);
}

static void in_link(green_thread *thread, void *results) {
    (void)thread;
    ((int *)results)[0] = green_rate_limiter_acquire(limiter, 1, GREEN_FOREVER);
    ((int *)results)[1] = green_rate_limiter_acquire(limiter, 1, GREEN_FOREVER);
}

TEST(link, "in a link a call takes what is there, and a wait is -EWOULDBLOCK") {
    int results[2], given = 0;
    make(1, 3600 * GREEN_SECOND, 1);
    green_thread *thread = start(give, &given);
    CHECK(green_thread_link(thread, NULL, in_link, results), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(results[0], ==, 0);
    CHECK(results[1], ==, -EWOULDBLOCK);
    end();
}

TEST(dump, "a dump shows what a thread waits for") {
    struct taker takers[2];
    make(1, 3600 * GREEN_SECOND, 2);
    empty_bucket();
    for (int i = 0; i < 2; i++)
        start_taker(&takers[i], i + 1, 0);
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    const char *dump = capture_end();
    CHECK_CONTAINS(dump, "acquiring 1 tokens of a rate limiter (0 ahead)");
    CHECK_CONTAINS(dump, "acquiring 2 tokens of a rate limiter (1 ahead)");
    for (int i = 0; i < 2; i++)
        CHECK(kill_and_finish(takers[i].thread), ==, -ECANCELED);
    end();
}

/* Against a model ---------------------------------------------------------- */

enum { MODEL_TAKERS = 8 };

/* Calls and kills at random times, and no interval has more tokens than the bucket allows. */
static void play(void) {
    struct taker takers[MODEL_TAKERS];
    int64_t taken = 0;
    make(7, GREEN_SECOND, 5);
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < MODEL_TAKERS; i++) {
            takers[i] = (struct taker){.tokens = 1 + random_below(5),
                                       .timeout = random_below(2) ? GREEN_FOREVER : (int64_t)random_below(900000000)};
            takers[i].thread = start(take, &takers[i]);
        }
        let_run();
        CHECK(green_sleep(random_below(500) * GREEN_MILLISECOND), ==, 0);
        CHECK(green_thread_kill(takers[random_below(MODEL_TAKERS)].thread), ==, 0);
        int64_t last = 0;
        for (int i = 0; i < MODEL_TAKERS; i++) {
            int result = finish(takers[i].thread);
            if (result < 0)
                continue;
            taken += takers[i].tokens;
            CHECK(takers[i].time, >=, last); /* in the order of the calls */
            last = takers[i].time;
            CHECK(taken, <=, 5 + 7 * takers[i].time / GREEN_SECOND);
        }
        /* Nothing of those that left is missing: the bucket has what was not taken, or is full. */
        int64_t made = 5 + 7 * (green_now() - beginning) / GREEN_SECOND;
        int64_t available = green_rate_limiter_available(limiter);
        CHECK(available, <=, made - taken);
        if (available < 5)
            taken = made - available; /* what overflowed counts as taken */
        else
            taken = made - 5;
    }
    end();
}

TEST(random_calls, "random calls, timeouts and kills never take more than the bucket has, and lose nothing") {
    in_virtual_time(play);
}
