/* Timeouts: when they fire, several at once, and cancelling them at each moment. */
#include "helpers.h"

#include <pthread.h>

/* The longest wait of these tests, so that only the timeout can end it. */
static const int64_t LONG = 3600 * GREEN_SECOND;

static green_timeout *limit_of(int64_t nanoseconds) {
    green_timeout *timeout = NULL;
    CHECK(green_timeout_start(&timeout, nanoseconds), ==, 0);
    return timeout;
}

static void mark_reason(void *reason) {
    mark(*(const char *)reason);
}

static green_timeout *limit_with(int64_t nanoseconds, char *reason) {
    green_timeout *timeout = NULL;
    CHECK(green_timeout_start_with(&timeout, nanoseconds, reason, mark_reason), ==, 0);
    return timeout;
}

/* Lets time pass without blocking. */
static void spin(int64_t nanoseconds) {
    int64_t until = green_now() + nanoseconds;
    while (green_now() <= until)
        ;
}

static uint64_t timers(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.timers;
}

/* Firing -------------------------------------------------------------------- */

TEST(fires, "a timeout ends one call when it expires, and the message says so") {
    int64_t before = green_now();
    green_timeout *limit = limit_of(5 * GREEN_MILLISECOND);
    CHECK(green_timeout_is_pending(limit));
    CHECK(!green_timeout_has_fired(limit));
    CHECK(timers(), ==, 1);
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_now() - before, >=, 5 * GREEN_MILLISECOND);
    CHECK_CONTAINS(green_explain(-ETIME), "a timeout of 5 ms ended the call");
    CHECK(!green_timeout_is_pending(limit));
    CHECK(green_timeout_has_fired(limit));
    CHECK(green_sleep(6 * GREEN_MILLISECOND), ==, 0);
    CHECK(timers(), ==, 0);
    green_timeout_free(limit);
}

TEST(cancelled, "a cancelled timeout ends no call") {
    green_timeout *limit = limit_of(GREEN_MILLISECOND);
    green_timeout_free(limit);
    CHECK(timers(), ==, 0);
    CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
    CHECK(green_timeout_last(NULL), ==, 0);
    green_timeout_free(NULL);
}

TEST(zero, "a timeout of 0 fires as soon as the thread blocks, after the ready threads when it yields") {
    int value = 0;
    green_thread *thread = start(give, &value);
    green_timeout *limit = limit_of(0);
    CHECK(green_timeout_is_pending(limit));
    CHECK(timers(), ==, 0);
    CHECK(green_yield(), ==, -ETIME);
    CHECK(green_thread_is_finished(thread));
    CHECK(green_timeout_has_fired(limit));
    CHECK_CONTAINS(green_explain(-ETIME), "a timeout of 0 ns");
    green_timeout_free(limit);
    limit = limit_of(0);
    CHECK(green_sleep(LONG), ==, -ETIME);
    green_timeout_free(limit);
    limit = limit_of(0);
    green_timeout_free(limit); /* before the thread has blocked */
    CHECK(green_yield(), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(never, "a negative timeout never fires") {
    static const int64_t never[] = {GREEN_FOREVER, -GREEN_SECOND, INT64_MIN};
    for (int i = 0; i < 3; i++) {
        green_timeout *limit = limit_with(never[i], "n");
        CHECK(!green_timeout_is_pending(limit));
        CHECK(timers(), ==, 0);
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        CHECK(!green_timeout_has_fired(limit));
        CHECK(green_timeout_id(limit), >, 0);
        green_timeout_free(limit);
    }
    CHECK_TEXT(marks(), "nnn");
}

TEST(longest, "the deadline of the longest timeout does not overflow") {
    green_timeout *limit = limit_of(INT64_MAX);
    CHECK(green_timeout_is_pending(limit));
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(green_timeout_is_pending(limit));
    green_timeout_free(limit);
}

TEST(not_blocking, "code that does not block is not interrupted, however long it runs") {
    green_semaphore *semaphore = NULL;
    CHECK(green_semaphore_make(&semaphore, 1, 2), ==, 0);
    green_timeout *limit = limit_of(GREEN_MICROSECOND);
    spin(GREEN_MILLISECOND);
    CHECK(green_semaphore_try_acquire(semaphore), ==, 1);
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(!green_timeout_has_fired(limit));
    CHECK(green_timeout_is_pending(limit));
    green_timeout_free(limit);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    green_semaphore_free(semaphore);
}

TEST(own_timeout, "a call's own timeout is -ETIMEDOUT, and leaves the timeout around it pending") {
    green_event *event = NULL;
    void *value;
    CHECK(green_event_make(&event), ==, 0);
    green_timeout *limit = limit_of(LONG);
    CHECK(green_event_wait(event, &value, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_timeout_is_pending(limit));
    CHECK(green_timeout_last(NULL), ==, 0);
    green_timeout_free(limit);
    green_event_free(event);
}

static void check_text_of(int64_t nanoseconds, const char *text) {
    green_timeout *limit = limit_of(nanoseconds);
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK_CONTAINS(green_explain(-ETIME), text);
    green_timeout_free(limit);
}

TEST(explained, "the message has the length of the timeout, in a suitable unit") {
    check_text_of(7, "a timeout of 7 ns ended");
    check_text_of(1500, "a timeout of 1.5 us ended");
    check_text_of(2 * GREEN_MILLISECOND, "a timeout of 2 ms ended");
    check_text_of(GREEN_MILLISECOND + 250 * GREEN_MICROSECOND, "a timeout of 1.25 ms ended");
    if (!SANITIZED)
        check_text_of(GREEN_SECOND, "a timeout of 1 s ended");
}

/* Several timeouts ---------------------------------------------------------- */

TEST(inner, "an inner timeout fires and the outer one stays pending; their handles show which one fired") {
    green_timeout *outer = limit_of(LONG), *inner = limit_of(GREEN_MILLISECOND);
    int64_t nanoseconds = 0;
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_timeout_has_fired(inner));
    CHECK(!green_timeout_has_fired(outer));
    CHECK(green_timeout_is_pending(outer));
    CHECK(green_timeout_last(&nanoseconds), ==, green_timeout_id(inner));
    CHECK(nanoseconds, ==, GREEN_MILLISECOND);
    green_timeout_free(inner);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    green_timeout_free(outer);
}

TEST(outer, "if the outer of two timeouts fires first, the inner one stays pending and can be cancelled") {
    green_timeout *outer = limit_of(GREEN_MILLISECOND), *inner = limit_of(LONG);
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_timeout_has_fired(outer));
    CHECK(!green_timeout_has_fired(inner));
    CHECK(green_timeout_is_pending(inner));
    CHECK(green_timeout_last(NULL), ==, green_timeout_id(outer));
    green_timeout_free(inner);
    green_timeout_free(outer);
}

TEST(same_iteration, "two timeouts that fire in one loop iteration end two calls, one after the other") {
    green_timeout *later = limit_of(2 * GREEN_MICROSECOND), *sooner = limit_of(1);
    spin(GREEN_MILLISECOND);
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_timeout_has_fired(later) + green_timeout_has_fired(sooner), ==, 1);
    uint64_t first = green_timeout_last(NULL);
    CHECK(timers(), ==, 0); /* both have fired */
    CHECK(green_sleep(LONG), ==, -ETIME);
    CHECK(green_timeout_has_fired(later) + green_timeout_has_fired(sooner), ==, 2);
    CHECK(first + green_timeout_last(NULL), ==, green_timeout_id(later) + green_timeout_id(sooner));
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    green_timeout_free(later);
    green_timeout_free(sooner);
}

TEST(same_iteration_cancel, "of two timeouts that fire in one loop iteration, the second ends no call if it is freed") {
    green_timeout *first = limit_of(1), *second = limit_of(1);
    spin(GREEN_MILLISECOND);
    CHECK(green_sleep(LONG), ==, -ETIME);
    green_timeout *other = green_timeout_has_fired(first) ? second : first;
    CHECK(green_timeout_is_pending(other));
    CHECK(timers(), ==, 0);
    green_timeout_free(other);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    green_timeout_free(other == first ? second : first);
}

static int sleep_limited(void *argument) {
    green_timeout *limit = limit_of(*(int64_t *)argument);
    CHECK(green_timeout_last(NULL), ==, 0);
    int error = green_sleep(20 * GREEN_MILLISECOND);
    CHECK(green_timeout_has_fired(limit), ==, (error == -ETIME));
    CHECK(green_timeout_last(NULL), ==, error ? green_timeout_id(limit) : 0);
    green_timeout_free(limit);
    return error == -ETIME;
}

TEST(own_thread, "a timeout ends only calls of the thread that started it") {
    int64_t lengths[] = {GREEN_MILLISECOND, LONG, GREEN_MILLISECOND, 0, GREEN_FOREVER};
    green_timeout *limit = limit_of(LONG);
    green_thread *threads[5];
    for (int i = 0; i < 5; i++)
        threads[i] = start(sleep_limited, &lengths[i]);
    for (int i = 0; i < 5; i++)
        CHECK(finish(threads[i]), ==, lengths[i] >= 0 && lengths[i] < LONG);
    CHECK(green_timeout_last(NULL), ==, 0);
    green_timeout_free(limit);
}

static void *collect_ids(void *argument) {
    uint64_t *ids = argument;
    for (int i = 0; i < 1000; i++) {
        green_timeout *limit = limit_of(i % 2 ? LONG : GREEN_FOREVER);
        ids[i] = green_timeout_id(limit);
        green_timeout_free(limit);
    }
    return NULL;
}

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

TEST(ids, "ids begin with 1, and no two timeouts of the process have the same") {
    static uint64_t ids[4][1000];
    pthread_t others[4];
    green_timeout *first = limit_of(LONG);
    CHECK(green_timeout_id(first), ==, 1);
    green_timeout_free(first);
    for (int i = 1; i < 4; i++)
        CHECK(pthread_create(&others[i], NULL, collect_ids, ids[i]), ==, 0);
    collect_ids(ids[0]);
    for (int i = 1; i < 4; i++)
        CHECK(pthread_join(others[i], NULL), ==, 0);
    qsort(ids, 4000, sizeof ids[0][0], compare);
    CHECK(ids[0][0], >, 1);
    for (int i = 1; i < 4000; i++)
        CHECK(((uint64_t *)ids)[i], >, ((uint64_t *)ids)[i - 1]);
}

/* Between the firing and the end of the call -------------------------------- */

/* A thread that waits for an event with a timeout, and one that runs between the
 * firing of the timeout and the end of the wait. */
struct moment {
    green_event *event;  /* the first thread waits for it */
    green_event *signal; /* lets the second thread run */
    bool sent;           /* the event is sent, just before the timeout fires */
    green_timeout *limit;
    green_thread *thread;
    bool kill, cancel;
    int first, second; /* results of two calls of the first thread */
    char reason, second_reason;
};

static char take_reason(void) {
    const char *reason = green_reason();
    return reason ? *reason : ' ';
}

static int wait_with_timeout(void *argument) {
    struct moment *moment = argument;
    void *value;
    moment->limit = limit_with(1, "t");
    moment->first = green_event_wait(moment->event, &value, GREEN_FOREVER);
    moment->reason = take_reason();
    moment->second = green_yield();
    moment->second_reason = take_reason();
    return 0;
}

static int interfere(void *argument) {
    struct moment *moment = argument;
    void *value;
    CHECK(green_event_wait(moment->signal, &value, GREEN_FOREVER), ==, 0);
    CHECK(green_timeout_is_pending(moment->limit));
    CHECK(timers(), ==, 0);                         /* it has fired */
    CHECK(!green_timeout_has_fired(moment->limit)); /* but has not ended a call */
    if (moment->kill)
        CHECK(green_thread_kill_with(moment->thread, "k", mark_reason), ==, 0);
    if (moment->cancel)
        green_timeout_free(moment->limit);
    return 0;
}

static void run_case(struct moment *moment) {
    CHECK(green_event_make(&moment->event), ==, 0);
    CHECK(green_event_make(&moment->signal), ==, 0);
    green_thread *other = start(interfere, moment);
    let_run();
    moment->thread = start(wait_with_timeout, moment);
    CHECK(green_yield(), ==, 0); /* which it waits after */
    spin(GREEN_MICROSECOND);
    CHECK(green_event_send(moment->signal, NULL), ==, 0);
    if (moment->sent)
        CHECK(green_event_send(moment->event, NULL), ==, 0);
    CHECK(finish(moment->thread), ==, 0);
    CHECK(finish(other), ==, 0);
    if (!moment->cancel)
        green_timeout_free(moment->limit);
    green_event_free(moment->signal);
    green_event_free(moment->event);
}

TEST(succeeded, "a call that has succeeded before the timeout fires returns 0, and the timeout ends the next call") {
    struct moment moment = {.sent = true};
    run_case(&moment);
    CHECK(moment.first, ==, 0);
    CHECK(moment.reason, ==, ' ');
    CHECK(moment.second, ==, -ETIME);
    CHECK(moment.second_reason, ==, 't');
    CHECK_TEXT(marks(), "");
}

TEST(withdrawn, "a timeout that is cancelled after it fired, but before it ended a call, ends no call") {
    struct moment moment = {.sent = true, .cancel = true};
    run_case(&moment);
    CHECK(moment.first, ==, 0);
    CHECK(moment.second, ==, 0);
    CHECK(moment.reason, ==, ' ');
    CHECK_TEXT(marks(), "t");
}

TEST(too_late, "a timeout that is cancelled after it has ended a wait is still the error of that wait") {
    struct moment moment = {.cancel = true};
    run_case(&moment);
    CHECK(moment.first, ==, -ETIME);
    CHECK(moment.reason, ==, 't');
    CHECK(moment.second, ==, 0);
    CHECK_TEXT(marks(), "");
}

TEST(kill_instead, "a kill replaces the timeout that has ended a wait if the timeout is cancelled") {
    struct moment moment = {.cancel = true, .kill = true};
    run_case(&moment);
    CHECK(moment.first, ==, -ECANCELED);
    CHECK(moment.reason, ==, 'k');
    CHECK(moment.second, ==, 0);
    CHECK_TEXT(marks(), "t");
}

TEST(kill_after, "a timeout and then a kill end two calls, each with its own reason") {
    struct moment moment = {.kill = true};
    run_case(&moment);
    CHECK(moment.first, ==, -ETIME);
    CHECK(moment.reason, ==, 't');
    CHECK(moment.second, ==, -ECANCELED);
    CHECK(moment.second_reason, ==, 'k');
    CHECK_TEXT(marks(), "");
}

static int wait_and_be_killed(void *argument) {
    struct moment *moment = argument;
    moment->limit = limit_with(1, "t");
    moment->first = green_sleep(LONG);
    moment->reason = take_reason();
    moment->second = green_sleep(LONG);
    moment->second_reason = take_reason();
    green_timeout_free(moment->limit);
    return green_sleep(GREEN_MILLISECOND);
}

TEST(kill_before, "a kill and then a timeout end two calls, each with its own reason") {
    struct moment moment = {0};
    green_thread *thread = start(wait_and_be_killed, &moment);
    CHECK(green_yield(), ==, 0);
    spin(GREEN_MICROSECOND);
    CHECK(green_thread_kill_with(thread, "k", mark_reason), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(moment.first, ==, -ECANCELED);
    CHECK(moment.reason, ==, 'k');
    CHECK(moment.second, ==, -ETIME);
    CHECK(moment.second_reason, ==, 't');
    CHECK_TEXT(marks(), "");
}
