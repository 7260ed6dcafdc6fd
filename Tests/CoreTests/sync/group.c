/* Groups: threads in the order they finish. */
#include "sleepers.h"

#include <pthread.h>

static green_group *make_group(void) {
    green_group *group = NULL;
    CHECK(green_group_make(&group), ==, 0);
    CHECK(group != NULL);
    return group;
}

/* Adds a thread, whose handle only the group has from here on. */
static void add(green_group *group, green_thread *thread) {
    CHECK(green_group_add(group, thread), ==, 0);
    green_thread_release(thread);
}

static void check_counts(const green_group *group, size_t count, size_t finished) {
    CHECK(green_group_count(group), ==, count);
    CHECK(green_group_finished(group), ==, finished);
}

/* The result of the next thread. */
static int next_result(green_group *group) {
    green_thread *thread = NULL;
    CHECK(green_group_next(group, &thread, GREEN_FOREVER), ==, 1);
    CHECK(green_thread_is_finished(thread));
    return finish(thread);
}

static void check_empty(green_group *group) {
    green_thread *thread = NULL;
    CHECK(green_group_next(group, &thread, GREEN_FOREVER), ==, 0);
    CHECK(green_group_next(group, &thread, 0), ==, 0);
    CHECK(thread == NULL);
    check_counts(group, 0, 0);
}

/* Next ------------------------------------------------------------------------ */

TEST(empty, "an empty group has no next, and does not block") {
    green_group *group = make_group();
    check_empty(group);
    green_group_free(group);
    green_group_free(NULL);
}

TEST(completion_order, "threads are handed out once, in the order in which they finish") {
    static const int order[] = {3, 0, 4, 1, 2};
    struct sleeper sleepers[5];
    green_group *group = make_group();
    start_sleepers(sleepers, 5);
    for (int i = 0; i < 5; i++)
        add(group, sleepers[i].thread);
    check_counts(group, 5, 0);
    for (int i = 0; i < 5; i++) {
        wake_sleeper(&sleepers[order[i]]);
        let_run();
    }
    check_counts(group, 5, 5);
    for (int i = 0; i < 5; i++) {
        CHECK(next_result(group), ==, order[i]);
        check_counts(group, 4 - (size_t)i, 4 - (size_t)i);
    }
    check_empty(group);
    green_group_free(group);
}

TEST(blocks, "next waits for the first thread to finish, until the group is empty") {
    int64_t naps[] = {PATIENTLY(9 * GREEN_MILLISECOND), PATIENTLY(3 * GREEN_MILLISECOND),
                      PATIENTLY(6 * GREEN_MILLISECOND)};
    green_thread *threads[3], *thread = NULL;
    green_group *group = make_group();
    for (int i = 0; i < 3; i++) {
        threads[i] = start(nap, &naps[i]);
        CHECK(green_group_add(group, threads[i]), ==, 0);
    }
    int64_t slept = 0;
    while (green_group_next(group, &thread, GREEN_FOREVER) == 1) {
        CHECK(green_thread_is_finished(thread));
        int index = 0;
        while (threads[index] != thread)
            index++;
        CHECK(naps[index], >, slept);
        slept = naps[index];
        green_thread_release(thread);
        green_thread_release(thread);
    }
    CHECK(slept, ==, naps[0]);
    check_empty(group);
    green_group_free(group);
}

TEST(finished_already, "a thread that finished before it was added is handed out next, also twice") {
    int values[] = {5, 6};
    green_group *group = make_group();
    green_thread *first = start(give, &values[0]), *second = start(give, &values[1]);
    let_run();
    green_thread *napping = start(nap, NULL);
    CHECK(green_group_add(group, napping), ==, 0);
    CHECK(green_group_add(group, first), ==, 0);
    CHECK(green_group_add(group, second), ==, 0);
    add(group, first);
    green_thread_release(second);
    check_counts(group, 4, 3);
    CHECK(next_result(group), ==, 5);
    CHECK(next_result(group), ==, 6);
    CHECK(next_result(group), ==, 5);
    check_counts(group, 1, 0);
    green_group_free(group);
    CHECK(kill_and_finish(napping), ==, -ECANCELED);
}

TEST(added_twice, "a thread that was added twice before it finished is handed out twice") {
    struct sleeper sleeper;
    green_group *group = make_group();
    start_sleepers(&sleeper, 1);
    CHECK(green_group_add(group, sleeper.thread), ==, 0);
    add(group, sleeper.thread);
    wake_sleeper(&sleeper);
    CHECK(next_result(group), ==, 0);
    CHECK(next_result(group), ==, 0);
    check_empty(group);
    green_group_free(group);
}

TEST(next_timeouts, "a next that times out loses nothing") {
    struct sleeper sleeper;
    green_group *group = make_group();
    green_thread *thread = NULL;
    start_sleepers(&sleeper, 1);
    add(group, sleeper.thread);
    CHECK(green_group_next(group, &thread, 0), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "none of the 1 green threads");
    CHECK(green_group_next(group, &thread, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT),
                   "the next green thread of a group has not finished within 1 ms (ETIMEDOUT)");
    CHECK(thread == NULL);
    check_counts(group, 1, 0);
    wake_sleeper(&sleeper);
    CHECK(next_result(group), ==, 0);
    check_empty(group);
    green_group_free(group);
}

/* A thread that waits for the next thread of the group. */
struct waiter {
    green_group *group;
    green_thread *thread, *got;
    int error;
};

static int wait_next(void *argument) {
    struct waiter *waiter = argument;
    waiter->error = green_group_next(waiter->group, &waiter->got, 3600 * GREEN_SECOND);
    if (waiter->error == -EBADF)
        CHECK_CONTAINS(green_explain(-EBADF), "freed");
    CHECK((waiter->got != NULL) == (waiter->error == 1));
    return 0;
}

static void start_waiters(struct waiter *waiters, int count, green_group *group) {
    for (int i = 0; i < count; i++) {
        waiters[i] = (struct waiter){.group = group, .error = INT_MAX};
        waiters[i].thread = start(wait_next, &waiters[i]);
    }
    let_run();
}

/* The outcome of a waiter: the result of the thread, or the error of the call. */
static int end_waiter(struct waiter *waiter) {
    CHECK(finish(waiter->thread), ==, 0);
    return waiter->error == 1 ? finish(waiter->got) : waiter->error;
}

TEST(several_waiters, "waiters get threads first come, first served; the rest learn that the group is empty") {
    static const int order[] = {2, 0, 1};
    struct sleeper sleepers[3];
    struct waiter waiters[5];
    green_group *group = make_group();
    start_sleepers(sleepers, 3);
    for (int i = 0; i < 3; i++)
        add(group, sleepers[i].thread);
    start_waiters(waiters, 5, group);
    for (int i = 0; i < 3; i++)
        wake_sleeper(&sleepers[order[i]]);
    for (int i = 0; i < 3; i++)
        CHECK(end_waiter(&waiters[i]), ==, order[i]);
    for (int i = 3; i < 5; i++)
        CHECK(end_waiter(&waiters[i]), ==, 0);
    check_empty(group);
    green_group_free(group);
}

TEST(added_while_waiting, "a thread that is added while others wait goes to the first of them") {
    int value = 7;
    struct sleeper sleeper;
    struct waiter waiters[2];
    green_group *group = make_group();
    start_sleepers(&sleeper, 1);
    green_thread *finished = start(give, &value);
    let_run();
    add(group, sleeper.thread);
    start_waiters(waiters, 2, group);
    add(group, finished);
    check_counts(group, 1, 0);
    CHECK(end_waiter(&waiters[0]), ==, 7);
    wake_sleeper(&sleeper);
    CHECK(end_waiter(&waiters[1]), ==, 0);
    green_group_free(group);
}

TEST(killed_waiter, "a killed waiter takes no thread, unless it was given one before") {
    struct sleeper sleepers[2];
    struct waiter waiters[2];
    green_group *group = make_group();
    start_sleepers(sleepers, 2);
    for (int i = 0; i < 2; i++)
        add(group, sleepers[i].thread);
    start_waiters(waiters, 2, group);
    CHECK(green_thread_kill(waiters[0].thread), ==, 0);
    wake_sleeper(&sleepers[1]);
    CHECK(green_yield(), ==, 0);
    check_counts(group, 1, 0); /* handed out already */
    CHECK(green_thread_kill(waiters[1].thread), ==, 0);
    CHECK(end_waiter(&waiters[0]), ==, -ECANCELED);
    CHECK(end_waiter(&waiters[1]), ==, 1);
    wake_sleeper(&sleepers[0]);
    CHECK(next_result(group), ==, 0);
    green_group_free(group);
}

static int wait_for_own(void *argument) {
    green_thread *thread = NULL;
    CHECK(green_group_next(argument, &thread, GREEN_FOREVER), ==, -EDEADLK);
    CHECK_CONTAINS(green_explain(-EDEADLK), "only itself");
    CHECK(green_group_next(argument, &thread, 0), ==, -EDEADLK);
    return 3;
}

static int wait_for_other(void *argument) {
    return next_result(argument);
}

TEST(only_itself, "a thread can wait for a group that contains it only if the group contains other threads") {
    struct sleeper sleeper;
    green_group *group = make_group();
    green_thread *thread = start(wait_for_own, group);
    CHECK(green_group_add(group, thread), ==, 0);
    add(group, thread);
    CHECK(next_result(group), ==, 3);
    CHECK(next_result(group), ==, 3);
    start_sleepers(&sleeper, 1);
    add(group, start(wait_for_other, group));
    add(group, sleeper.thread);
    let_run();
    wake_sleeper(&sleeper);
    CHECK(next_result(group), ==, 0); /* by the thread that was given the sleeper */
    check_empty(group);
    green_group_free(group);
}

TEST(freed, "threads of a freed group keep running, and waiters get -EBADF") {
    struct sleeper sleepers[3];
    struct waiter waiters[2];
    green_group *group = make_group();
    start_sleepers(sleepers, 3);
    for (int i = 0; i < 2; i++)
        CHECK(green_group_add(group, sleepers[i].thread), ==, 0);
    start_waiters(waiters, 2, group);
    green_group_free(group);
    for (int i = 0; i < 2; i++)
        CHECK(end_waiter(&waiters[i]), ==, -EBADF);
    for (int i = 0; i < 2; i++)
        CHECK(!green_thread_is_finished(sleepers[i].thread));
    end_sleepers(sleepers, 3);
}

TEST(freed_finished, "a freed group releases its finished threads, and a waiter keeps the thread it was given") {
    int value = 5;
    struct sleeper sleeper;
    struct waiter waiter;
    green_group *group = make_group();
    start_sleepers(&sleeper, 1);
    add(group, sleeper.thread);
    start_waiters(&waiter, 1, group);
    wake_sleeper(&sleeper);
    CHECK(green_yield(), ==, 0);
    add(group, start(give, &value));
    CHECK(green_yield(), ==, 0);
    check_counts(group, 1, 1);
    green_group_free(group);
    CHECK(end_waiter(&waiter), ==, 0);
}

TEST(reports, "an error is reported if the group dropped its thread, not if it handed the thread out") {
    int failure = -EPROTO;
    green_group *group = make_group();
    add(group, start_named("taken", give, &failure));
    add(group, start_named("dropped", give, &failure));
    capture_begin();
    green_thread *thread = NULL;
    CHECK(green_group_next(group, &thread, GREEN_FOREVER), ==, 1);
    green_thread_release(thread);
    let_run();
    CHECK_TEXT(capture_end(), "");
    capture_begin();
    green_group_free(group);
    CHECK_CONTAINS(capture_end(), "dropped");
}

static int name_wait(void *argument) {
    (void)argument;
    green_dump(STDERR_FILENO);
    return 0;
}

TEST(dumped, "a dump says that a thread waits for a group, or for several") {
    green_thread *threads[2];
    green_group *group = make_group();
    for (int i = 0; i < 2; i++)
        threads[i] = start(name_wait, NULL);
    add(group, threads[0]);
    capture_begin();
    CHECK(next_result(group), ==, 0);
    CHECK_CONTAINS(capture_end(), "waiting for the next of 1 green threads of a group");
    green_group_free(group);
    capture_begin();
    threads[0] = start(name_wait, NULL);
    CHECK(green_wait_all(threads, 2, GREEN_FOREVER), ==, 0);
    CHECK_CONTAINS(capture_end(), "waiting for 1 of 2 green threads");
    for (int i = 0; i < 2; i++)
        green_thread_release(threads[i]);
}

/* Spawn and contexts -------------------------------------------------------------- */

TEST(spawns, "a group hands out a thread that it has spawned, with the argument as its context") {
    int values[] = {5, 6, 7};
    green_group *group = make_group();
    green_thread *thread = NULL, *handle = NULL;
    void *context = NULL;
    CHECK(green_group_spawn(group, &handle, NULL, give, &values[0]), ==, 0);
    CHECK(green_group_spawn(group, NULL, &(green_spawn_options){.name = "second"}, give, &values[1]), ==, 0);
    CHECK(green_group_spawn(group, NULL, NULL, give, &values[2]), ==, 0);
    check_counts(group, 3, 0);
    CHECK(green_group_next_with(group, &thread, &context, GREEN_FOREVER), ==, 1);
    CHECK(thread == handle && context == &values[0]);
    CHECK(finish(thread), ==, 5);
    CHECK(finish(handle), ==, 5);
    CHECK(green_group_next_with(group, &thread, NULL, GREEN_FOREVER), ==, 1);
    CHECK_TEXT(green_thread_name(thread), "second");
    CHECK(finish(thread), ==, 6);
    CHECK(green_group_next_with(group, NULL, &context, GREEN_FOREVER), ==, 1);
    CHECK(context == &values[2]);
    check_empty(group);
    green_group_free(group);
}

TEST(spawn_fails, "a spawn that fails adds nothing") {
    green_group *group = make_group();
    green_thread *thread = green_current();
    CHECK(green_group_spawn(group, &thread, &(green_spawn_options){.stack_size = 1}, give, NULL), ==, -EINVAL);
    CHECK(thread == NULL);
    check_empty(group);
    green_group_free(group);
}

TEST(spawn_again, "many threads, a few at a time and then all at once, keep their contexts") {
    enum { COUNT = 100 };
    static int values[COUNT];
    green_group *group = make_group();
    for (int size = 1; size <= COUNT; size += 9) {
        for (int i = 0; i < size; i++) {
            values[i] = i;
            CHECK(green_group_spawn(group, NULL, NULL, give, &values[i]), ==, 0);
        }
        for (int i = 0; i < size; i++) {
            green_thread *thread = NULL;
            void *context = NULL;
            CHECK(green_group_next_with(group, &thread, &context, GREEN_FOREVER), ==, 1);
            CHECK(context == &values[i]);
            CHECK(finish(thread), ==, i);
        }
        check_empty(group);
    }
    green_group_free(group);
}

static int wait_next_with(void *argument) {
    void *context = NULL;
    CHECK(green_group_next_with(argument, NULL, &context, GREEN_FOREVER), ==, 1);
    return *(int *)context;
}

TEST(context_to_waiter, "a waiter gets the context, of a thread that runs and of one that has finished") {
    int value = 8;
    struct sleeper sleeper;
    green_group *group = make_group();
    start_sleepers(&sleeper, 1);
    CHECK(green_group_add_with(group, sleeper.thread, &value), ==, 0);
    green_thread *waiter = start(wait_next_with, group);
    let_run();
    wake_sleeper(&sleeper);
    CHECK(finish(waiter), ==, 8);
    CHECK(green_group_add_with(group, sleeper.thread, &value), ==, 0);
    CHECK(wait_next_with(group), ==, 8);
    green_thread_release(sleeper.thread);
    green_group_free(group);
}

static int discarded;

static void discard(void *context) {
    discarded += *(int *)context;
}

TEST(discards, "a freed group discards the contexts of running and finished threads, not of those it handed out") {
    int values[] = {1, 10, 100};
    struct sleeper sleeper;
    green_group *group = make_group();
    start_sleepers(&sleeper, 1);
    for (int i = 0; i < 2; i++)
        CHECK(green_group_spawn(group, NULL, NULL, give, &values[i]), ==, 0);
    CHECK(green_group_add_with(group, sleeper.thread, &values[2]), ==, 0);
    CHECK(green_group_next_with(group, NULL, NULL, GREEN_FOREVER), ==, 1);
    check_counts(group, 2, 1);
    discarded = 0;
    green_group_free_with(group, discard);
    CHECK(discarded, ==, 110);
    green_group_free_with(NULL, discard);
    end_sleepers(&sleeper, 1);
}

/* Other OS threads -------------------------------------------------------------- */

struct foreign {
    green_group *ours, *unused;
    green_thread *thread;
};

static void *use_foreign(void *argument) {
    struct foreign *foreign = argument;
    green_thread *thread = NULL;
    for (int i = 0; i < 2; i++) { /* without a hub, and with one */
        CHECK(green_group_next(foreign->ours, &thread, 0), ==, -EXDEV);
        CHECK(green_group_add(foreign->ours, foreign->thread), ==, -EXDEV);
        CHECK(green_group_add(foreign->unused, foreign->thread), ==, -EXDEV);
        CHECK(green_group_spawn(foreign->ours, &thread, NULL, nap, NULL), ==, -EXDEV);
        CHECK(thread == NULL);
        CHECK(green_wait_any(&foreign->thread, 1, 0), ==, -EXDEV);
        CHECK(green_wait_all(&foreign->thread, 1, 0), ==, -EXDEV);
        CHECK_CONTAINS(green_explain(-EXDEV), "another OS thread");
        CHECK(green_group_next(foreign->unused, &thread, 0), ==, 0);
        CHECK(green_yield(), ==, 0);
    }
    thread = start(nap, NULL);
    CHECK(green_group_add(foreign->ours, thread), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "this group");
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(foreign, "a group belongs to the OS thread of the first green thread that was added") {
    struct sleeper sleeper;
    start_sleepers(&sleeper, 1);
    struct foreign foreign = {make_group(), make_group(), sleeper.thread};
    add(foreign.ours, green_thread_retain(sleeper.thread));
    pthread_t other;
    CHECK(pthread_create(&other, NULL, use_foreign, &foreign), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    check_counts(foreign.ours, 1, 0);
    add(foreign.unused, green_thread_retain(sleeper.thread));
    end_sleepers(&sleeper, 1);
    CHECK(next_result(foreign.ours), ==, 0);
    CHECK(next_result(foreign.unused), ==, 0);
    green_group_free(foreign.ours);
    green_group_free(foreign.unused);
}

/* Many -------------------------------------------------------------------------- */

TEST(many, "a group hands out ten thousand threads that finish in any order, each once") {
    enum { COUNT = 10000, WINDOW = 64 };
    static int64_t naps[16];
    size_t added = 0, taken = 0;
    green_group *group = make_group();
    green_thread *thread;
    for (int i = 0; i < 16; i++)
        naps[i] = i;
    while (taken < COUNT) {
        while (added < COUNT && green_group_count(group) < WINDOW) {
            add(group, start(nap, &naps[random_below(16)]));
            added++;
        }
        CHECK(green_group_next(group, &thread, GREEN_FOREVER), ==, 1);
        CHECK(finish(thread), ==, 0);
        taken++;
        CHECK(green_group_count(group), ==, added - taken);
    }
    check_empty(group);
    green_group_free(group);
}
