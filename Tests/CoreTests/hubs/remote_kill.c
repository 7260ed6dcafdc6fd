/* Kills of remote threads: before the start, while they run, and after the end. */
#include "helpers.h"
#include "other_hub.h"

static struct other_hub other;

static void end_other(void) {
    other_hub_close(&other);
    other_hub_release(&other);
}

static green_remote_thread *spawn_with(const green_spawn_options *options, green_function *function, void *argument) {
    green_remote_thread *thread = NULL;
    CHECK(green_hub_spawn(other.hub, &thread, options, function, argument), ==, 0);
    return thread;
}

static int never_runs(void *argument) {
    (void)argument;
    check_failed(__FILE__, __LINE__, "a killed thread ran");
}

/* Where a discard function ran. */
struct discarded {
    int count;
    green_hub *hub;
    uint64_t thread;
    int blocking; /* the error of a blocking call there */
};

static void discard(void *argument) {
    struct discarded *discarded = argument;
    green_statistics now;
    bool has_hub = green_hub_statistics(&now) == 0;
    discarded->hub = has_hub ? green_hub_current() : NULL;
    discarded->thread = has_hub ? green_thread_id(green_current()) : 0;
    discarded->blocking = has_hub ? green_yield() : 0;
    __atomic_fetch_add(&discarded->count, 1, __ATOMIC_RELEASE);
}

static int count_of(const struct discarded *discarded) {
    return __atomic_load_n(&discarded->count, __ATOMIC_ACQUIRE);
}

TEST(unstarted, "a kill before the start: the function never runs, and discard is called in a thread of the hub") {
    struct busy busy;
    struct discarded discarded = {0};
    other_hub_start(&other);
    busy_begin(&busy, other.hub);
    green_remote_thread *thread = spawn_with(&(green_spawn_options){.discard = discard}, never_runs, &discarded);
    CHECK(green_remote_thread_kill(thread), ==, 0);
    CHECK(green_remote_thread_is_finished(thread), ==, false);
    busy_end(&busy);
    CHECK(remote_end(thread), ==, -ECANCELED);
    CHECK(count_of(&discarded), ==, 1);
    CHECK(discarded.hub == other.hub);
    CHECK(discarded.thread, !=, 0);
    CHECK(discarded.blocking, ==, -EWOULDBLOCK);
    end_other();
}

TEST(delayed, "a kill ends a thread that waits for its delay") {
    struct discarded discarded = {0};
    other_hub_start(&other);
    green_remote_thread *thread =
        spawn_with(&(green_spawn_options){.discard = discard, .delay = 3600 * GREEN_SECOND}, never_runs, &discarded);
    CHECK(green_remote_thread_kill(thread), ==, 0);
    CHECK(remote_end(thread), ==, -ECANCELED);
    CHECK(count_of(&discarded), ==, 1);
    end_other();
}

TEST(waiting, "a kill ends the blocking call of a thread, from any OS thread") {
    struct os_thread os_thread;
    other_hub_start(&other);
    green_remote_thread *thread = spawn_with(NULL, nap, NULL);
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    os_thread_start(&os_thread, (int (*)(void *))green_remote_thread_kill, thread);
    CHECK(os_thread_finish(&os_thread), ==, 0);
    CHECK(remote_end(thread), ==, -ECANCELED);
    end_other();
}

/* Survives kills, and adds up the reasons. Ends at a reason of 0. */
static int add_reasons(void *argument) {
    bool *ready = argument;
    int64_t day = 86400 * GREEN_SECOND;
    for (int sum = 0;;) {
        __atomic_store_n(ready, true, __ATOMIC_RELEASE);
        CHECK(nap(&day), ==, -ECANCELED);
        int *reason = green_reason();
        if (!reason)
            return sum;
        sum += *reason;
    }
}

TEST(reasons, "each kill of a thread that handles kills ends one call and brings its reason") {
    static int reasons[] = {1, 20, 300};
    bool ready = false;
    other_hub_start(&other);
    green_remote_thread *thread = spawn_with(NULL, add_reasons, &ready);
    for (int i = 0; i < 3; i++) {
        UNTIL(__atomic_exchange_n(&ready, false, __ATOMIC_ACQUIRE));
        CHECK(green_remote_thread_kill_with(thread, &reasons[i], NULL), ==, 0);
    }
    UNTIL(__atomic_load_n(&ready, __ATOMIC_ACQUIRE));
    CHECK(green_remote_thread_kill(thread), ==, 0);
    CHECK(remote_end(thread), ==, 321);
    end_other();
}

static int yield_once(void *unused) {
    (void)unused;
    return green_yield();
}

TEST(repeated, "of several kills before a thread runs, the first one counts; the other reasons are discarded") {
    struct busy busy;
    struct discarded first = {0}, second = {0};
    other_hub_start(&other);
    green_remote_thread *thread = spawn_with(NULL, nap, NULL);
    CHECK(on_hub(other.hub, yield_once, NULL), ==, 0); /* it has begun */
    busy_begin(&busy, other.hub);
    CHECK(green_remote_thread_kill_with(thread, &first, discard), ==, 0);
    CHECK(green_remote_thread_kill_with(thread, &second, discard), ==, 0);
    CHECK(count_of(&first), ==, 0);
    CHECK(count_of(&second), ==, 1);
    CHECK(second.hub != other.hub);
    busy_end(&busy);
    CHECK(remote_end(thread), ==, -ECANCELED);
    CHECK(on_hub(other.hub, yield_once, NULL), ==, 0); /* the record of the thread is free */
    CHECK(count_of(&first), ==, 1);                    /* it did not read the reason */
    CHECK(first.hub == other.hub);
    end_other();
}

TEST(finished, "a kill of a finished thread returns 0 and discards its reason") {
    struct discarded discarded = {0};
    int value = 4;
    other_hub_start(&other);
    green_remote_thread *thread = spawn_with(NULL, give, &value);
    CHECK(green_remote_thread_wait(thread, NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_remote_thread_kill_with(thread, &discarded, discard), ==, 0);
    CHECK(count_of(&discarded), ==, 1);
    CHECK(remote_end(thread), ==, 4);
    end_other();
}

TEST(too_late, "a kill that arrives after the end discards its reason in a green thread that must not block") {
    struct busy busy;
    struct discarded discarded = {0};
    other_hub_start(&other);
    busy_begin(&busy, other.hub);
    CHECK(green_remote_thread_kill_with(busy.thread, &discarded, discard), ==, 0);
    CHECK(count_of(&discarded), ==, 0);
    busy_end(&busy); /* it returns without a blocking call */
    UNTIL(count_of(&discarded) == 1);
    CHECK(discarded.hub == other.hub);
    CHECK(discarded.blocking, ==, -EWOULDBLOCK);
    end_other();
}

static int kill_itself(void *argument) {
    green_remote_thread **self = argument;
    while (!__atomic_load_n(self, __ATOMIC_ACQUIRE))
        CHECK(green_yield(), ==, 0);
    CHECK(green_remote_thread_kill(*self), ==, 0);
    return nap(NULL);
}

TEST(itself, "a thread that kills itself by its handle is interrupted when it blocks") {
    static green_remote_thread *self;
    other_hub_start(&other);
    green_remote_thread *thread = spawn_with(NULL, kill_itself, &self);
    __atomic_store_n(&self, thread, __ATOMIC_RELEASE);
    CHECK(remote_end(thread), ==, -ECANCELED);
    end_other();
}

TEST(released, "a kill on its way keeps a handle that was released") {
    struct busy busy;
    struct discarded discarded = {0};
    other_hub_start(&other);
    busy_begin(&busy, other.hub);
    green_remote_thread *thread = spawn_with(&(green_spawn_options){.discard = discard}, never_runs, &discarded);
    CHECK(green_remote_thread_kill(thread), ==, 0);
    green_remote_thread_release(thread);
    busy_end(&busy);
    end_other();
    CHECK(count_of(&discarded), ==, 1);
}
