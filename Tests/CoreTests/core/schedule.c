/* Yield, sleep and timers: the order of threads, and fairness. */
#include "helpers.h"

struct rounds {
    char letter;
    int count;
};

static int yield_rounds(void *argument) {
    struct rounds *rounds = argument;
    for (int i = 0; i < rounds->count; i++) {
        mark(rounds->letter);
        CHECK(green_yield(), ==, 0);
    }
    return 0;
}

TEST(yield_is_fair, "threads that yield run in rotation, first in first out") {
    struct rounds rounds[] = {{'a', 4}, {'b', 4}, {'c', 4}};
    green_thread *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start(yield_rounds, &rounds[i]);
    for (int i = 0; i < 3; i++)
        CHECK(finish(threads[i]), ==, 0);
    CHECK_TEXT(marks(), "abcabcabcabc");
}

TEST(yield_alone, "a yield without another ready thread returns") {
    for (int i = 0; i < 1000; i++)
        CHECK(green_yield(), ==, 0);
}

TEST(sleep_zero, "a sleep of zero or less yields") {
    struct rounds rounds = {'a', 1};
    green_thread *thread = start(yield_rounds, &rounds);
    CHECK(green_sleep(0), ==, 0);
    CHECK_TEXT(marks(), "a");
    CHECK(finish(thread), ==, 0);
    thread = start(yield_rounds, &rounds);
    CHECK(green_sleep(-5), ==, 0);
    CHECK_TEXT(marks(), "aa");
    CHECK(finish(thread), ==, 0);
    CHECK(green_sleep(INT64_MIN), ==, 0);
}

TEST(sleep_is_enough, "a sleep is never shorter than requested") {
    static const int64_t times[] = {1, 1000, 50 * 1000, 1000 * 1000, 20 * 1000 * 1000};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t before = green_now();
        CHECK(green_sleep(times[i]), ==, 0);
        CHECK(green_now() - before, >=, times[i]);
    }
}

TEST(sleep_for_ever, "the longest sleep does not overflow into a short one") {
    int64_t time = INT64_MAX;
    green_thread *thread = start(nap, &time);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    CHECK(!green_thread_is_finished(thread));
    CHECK(green_thread_wait(thread, NULL, 0), ==, -ETIMEDOUT);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
}

struct alarm {
    int64_t deadline;
    char letter;
};

static bool was_too_late; /* to sleep: a deadline has passed before its thread ran */

static int sleep_until(void *argument) {
    struct alarm *alarm = argument;
    int64_t time = alarm->deadline - green_now();
    was_too_late |= time <= 0;
    int error = green_sleep(time);
    mark(alarm->letter);
    return error;
}

TEST(by_deadline, "sleepers wake in the order of their deadlines") {
    static const int order[] = {5, 2, 7, 0, 6, 3, 1, 4};
    struct alarm alarms[8];
    green_thread *threads[8];
    size_t woken = 0;
    int64_t lead = 50 * GREEN_MILLISECOND;
    do {
        woken = strlen(marks());
        was_too_late = false;
        int64_t base = green_now() + lead;
        for (int i = 0; i < 8; i++) {
            alarms[i] = (struct alarm){base + order[i] * 20 * GREEN_MILLISECOND, (char)('a' + order[i])};
            threads[i] = start(sleep_until, &alarms[i]);
        }
        for (int i = 0; i < 8; i++)
            CHECK(finish(threads[i]), ==, 0);
        lead *= 2;
    } while (was_too_late); /* a slow machine: repeat with more time */
    CHECK_TEXT(marks() + woken, "abcdefgh");
}

/* A thread function: sleeps for at least a random time. */
static int sleep_enough(void *unused) {
    (void)unused;
    int64_t time = (1 + random_below(400)) * 50 * GREEN_MICROSECOND, started_at = green_now();
    CHECK(green_sleep(time), ==, 0);
    CHECK(green_now() - started_at, >=, time);
    return 0;
}

TEST(many_enough, "no sleep is shorter than requested, however near the next deadline is") {
    enum { COUNT = 300 };
    green_thread *threads[COUNT];
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(sleep_enough, NULL);
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
}

/* Bounds of the time at which the timer of a thread was started. */
struct start {
    int64_t low, high;
    int place; /* in the order of their start; -1: not started */
    green_thread *thread;
};

static int started;

static int note_place(void *argument) {
    ((struct start *)argument)->place = started++;
    return 0;
}

/* All deadlines expire before the hub checks the first one. */
TEST(many_deadlines, "any number of timers fire in the order of their deadlines, also after cancellations") {
    enum { COUNT = 500 };
    static struct start starts[COUNT];
    struct start *in_order[COUNT] = {0};
    int64_t last = 0;
    for (int i = 0; i < COUNT; i++) {
        int64_t delay = (1 + random_below(1000)) * 20 * GREEN_MICROSECOND;
        starts[i].place = -1;
        starts[i].low = green_now() + delay;
        CHECK(green_spawn_after(&starts[i].thread, delay, note_place, &starts[i]), ==, 0);
        starts[i].high = green_now() + delay;
        last = starts[i].high > last ? starts[i].high : last;
    }
    for (int i = 0; i < COUNT / 3; i++)
        green_thread_cancel(starts[random_below(COUNT)].thread);
    while (green_now() <= last)
        ;
    let_run();
    for (int i = 0; i < COUNT; i++) {
        finish(starts[i].thread);
        if (starts[i].place >= 0)
            in_order[starts[i].place] = &starts[i];
    }
    CHECK(started, >=, COUNT / 2);
    for (int i = 1; i < started; i++)
        CHECK(in_order[i - 1]->low, <=, in_order[i]->high);
}

static int change_errno(void *argument) {
    int own = *(int *)argument;
    for (int i = 0; i < 5; i++) {
        errno = own;
        CHECK(i % 2 ? green_yield() : green_sleep(GREEN_MILLISECOND), ==, 0);
        CHECK(errno, ==, own);
    }
    return 0;
}

TEST(errno_is_kept, "each thread keeps its errno across calls that block") {
    int values[] = {ENOENT, EPERM, 0};
    green_thread *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start(change_errno, &values[i]);
    for (int i = 0; i < 3; i++)
        CHECK(finish(threads[i]), ==, 0);
}

static bool stop;

static int yield_on(void *argument) {
    while (!stop) {
        if (argument)
            ++*(uint64_t *)argument;
        CHECK(green_yield(), ==, 0);
    }
    return 0;
}

TEST(yielders_and_timers, "threads that only yield do not starve timers") {
    green_thread *a = start(yield_on, NULL), *b = start(yield_on, NULL);
    for (int i = 0; i < 10; i++)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    stop = true;
    CHECK(finish(a), ==, 0);
    CHECK(finish(b), ==, 0);
}

static int echo_bytes(void *argument) {
    char bytes[64];
    ssize_t count;
    while ((count = green_read(argument, bytes, sizeof bytes)) > 0)
        CHECK(green_write(argument, bytes, (size_t)count), ==, count);
    return (int)count;
}

TEST(yielders_and_io, "threads that only yield do not starve I/O") {
    struct pair pair = connected(TCP4);
    green_thread *a = start(yield_on, NULL), *b = start(yield_on, NULL), *echo = start(echo_bytes, pair.far);
    for (int i = 0; i < 100; i++) {
        send_text(pair.near, "ping");
        expect_text(pair.near, "ping");
    }
    stop = true;
    CHECK(finish(a), ==, 0);
    CHECK(finish(b), ==, 0);
    CHECK(green_close(pair.near), ==, 0);
    CHECK(finish(echo), ==, 0);
    release_pair(&pair);
}

/* By then the engine has asked the kernel for events and got none. */
TEST(yielders_and_late_io, "threads that only yield notice I/O that starts late") {
    struct pair pair = connected(TCP4);
    green_thread *echo = start(echo_bytes, pair.far);
    for (int i = 0; i < 100; i++)
        CHECK(green_yield(), ==, 0);
    int fd = green_socket_fd(pair.near);
    CHECK(send(fd, "ping", 4, 0), ==, 4);
    CHECK(shutdown(fd, SHUT_WR), ==, 0);
    while (!green_thread_is_finished(echo))
        CHECK(green_yield(), ==, 0);
    CHECK(finish(echo), ==, 0);
    release_pair(&pair);
}

static int ping_on(void *argument) {
    for (int i = 0; i < SCALED(2000); i++) {
        send_text(argument, "ping");
        expect_text(argument, "ping");
    }
    return 0;
}

TEST(flood, "a flood of completions starves neither a ready thread nor a timer") {
    enum { PAIRS = 16 };
    struct pair pairs[PAIRS];
    green_thread *pings[PAIRS], *echoes[PAIRS], *yielder;
    uint64_t yields = 0;
    int naps = 0;
    yielder = start(yield_on, &yields);
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = connected(UNIX_PAIR);
        pings[i] = start(ping_on, pairs[i].near);
        echoes[i] = start(echo_bytes, pairs[i].far);
    }
    for (; !green_thread_is_finished(pings[0]); naps++)
        CHECK(green_sleep(100 * GREEN_MICROSECOND), ==, 0);
    CHECK(naps, >=, 3);
    CHECK(yields, >=,
          SCALED(2000) / 2); /* a round trip takes several iterations, and the yielding thread runs in each */
    stop = true;
    CHECK(finish(yielder), ==, 0);
    for (int i = 0; i < PAIRS; i++) {
        CHECK(finish(pings[i]), ==, 0);
        CHECK(green_close(pairs[i].near), ==, 0);
        CHECK(finish(echoes[i]), ==, 0);
        release_pair(&pairs[i]);
    }
}

BIG_TEST(many_sleepers, "of a hundred thousand sleeping threads some are killed, and all others wake") {
    needs_kernel(); /* in an emulator each stack takes two of 65 530 mappings */
    enum { COUNT = SCALED(100000) };
    static green_thread *threads[COUNT];
    green_hub_options options = {.stack_size = SANITIZED ? 65536 : 16384};
    CHECK(green_hub_open(&options), ==, 0);
    static int64_t times[7];
    for (int i = 0; i < 7; i++)
        times[i] = (200 + 7 * i) * GREEN_MILLISECOND;
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(nap, &times[random_below(7)]);
    CHECK(green_yield(), ==, 0);
    for (int i = 0; i < COUNT; i += 3)
        CHECK(green_thread_kill(threads[i]), ==, 0);
    for (int i = 0; i < COUNT; i++) {
        int result = finish(threads[i]);
        if (i % 3 != 0)
            CHECK(result, ==, 0);
        else /* the first may have slept enough before the last was spawned */
            CHECK(result == -ECANCELED || result == 0);
    }
}

static int never(void *argument) {
    (void)argument;
    check_failed(__FILE__, __LINE__, "a cancelled thread ran");
}

BIG_TEST(timers, "a million timers can be started and cancelled while ten thousand are pending") {
    enum { PENDING = SCALED(10000), COUNT = SCALED(1000000) };
    static green_thread *pending[PENDING];
    green_statistics now;
    for (int i = 0; i < PENDING; i++)
        CHECK(green_spawn_after(&pending[i], (1 + random_below(3600)) * 10 * GREEN_SECOND, never, NULL), ==, 0);
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.timers, ==, PENDING);
    for (int i = 0; i < COUNT; i++) {
        int slot = (int)random_below(PENDING);
        CHECK(green_thread_cancel(pending[slot]), ==, 1);
        green_thread_release(pending[slot]);
        CHECK(green_spawn_after(&pending[slot], (1 + random_below(3600)) * 10 * GREEN_SECOND, never, NULL), ==, 0);
        if (i % 1000 == 0)
            CHECK(green_yield(), ==, 0); /* the cancelled threads end */
    }
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.timers, ==, PENDING);
    for (int i = 0; i < PENDING; i++) {
        CHECK(green_thread_cancel(pending[i]), ==, 1);
        CHECK(finish(pending[i]), ==, -ECANCELED);
    }
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.timers, ==, 0);
}

TEST(timeouts_leave_no_timer, "a wait that ends early removes its timer") {
    int value = 0;
    green_statistics now;
    for (int i = 0; i < SCALED(10000); i++) {
        green_thread *thread = start(give, &value);
        CHECK(green_thread_wait(thread, NULL, 3600 * GREEN_SECOND), ==, 0);
        green_thread_release(thread);
    }
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.timers, ==, 0);
}
