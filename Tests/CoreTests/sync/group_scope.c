/* Groups that own their threads: the end of a scope leaves none of them running. */
#include "os_threads.h"
#include "pools.h"
#include "sleepers.h"

static green_group *begin(void) {
    green_group *group = NULL;
    CHECK(green_group_begin(&group, NULL), ==, 0);
    return group;
}

static void spawn_into(green_group *group, green_function *function, void *argument) {
    CHECK(green_group_spawn(group, NULL, NULL, function, argument), ==, 0);
}

static uint64_t running(void) {
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, 0);
    return statistics.threads;
}

static int fail_later(void *argument) {
    return green_yield() < 0 ? -ECANCELED : give(argument);
}

/* Ends that wait ----------------------------------------------------------------- */

TEST(waits, "an end waits for all threads, and for those that they spawn") {
    green_group *group = begin();
    for (int i = 0; i < 3; i++)
        spawn_into(group, mark_it, &"abc"[i]);
    CHECK(green_group_count(group), ==, 3);
    CHECK(green_group_end(group, 0), ==, 0);
    CHECK_TEXT(marks(), "abc");
    CHECK(running(), ==, 1);
}

TEST(empty, "an empty group ends at once, with the error of its body") {
    CHECK(green_group_end(begin(), 0), ==, 0);
    CHECK(green_group_end(begin(), 7), ==, 0);
    CHECK(green_group_end(begin(), -EIO), ==, -EIO);
}

static int spawn_another(void *group) {
    mark('p');
    spawn_into(group, mark_it, "c");
    return 0;
}

TEST(grandchildren, "an end waits for threads that the threads of the group spawn into it") {
    green_group *group = begin();
    spawn_into(group, spawn_another, group);
    spawn_into(group, spawn_another, group);
    CHECK(green_group_end(group, 0), ==, 0);
    CHECK_TEXT(marks(), "ppcc");
}

TEST(many, "ten thousand threads, that finish or are ended") {
    enum { COUNT = SANITIZED ? 1000 : 10000 };
    static int zero, failure = -EPROTO;
    green_group *group = begin();
    for (int i = 0; i < COUNT; i++)
        spawn_into(group, give, &zero);
    CHECK(green_group_end(group, 0), ==, 0);
    group = begin();
    for (int i = 0; i < COUNT; i++)
        spawn_into(group, i == COUNT / 2 ? give : nap, i == COUNT / 2 ? &failure : NULL);
    CHECK(green_group_end(group, 0), ==, -EPROTO);
    CHECK(running(), ==, 1);
}

TEST(next, "threads are handed out in the order in which they finish, and the end waits for the rest") {
    static const int values[] = {5, 6, 7};
    green_group *group = begin();
    for (int i = 0; i < 3; i++)
        spawn_into(group, give, (void *)&values[i]);
    for (int i = 0; i < 2; i++) {
        green_thread *thread = NULL;
        CHECK(green_group_next(group, &thread, GREEN_FOREVER), ==, 1);
        CHECK(finish(thread), ==, values[i]);
    }
    CHECK(green_group_end(group, 0), ==, 0);
}

static int dump(void *argument) {
    (void)argument;
    green_dump(STDERR_FILENO);
    return 0;
}

TEST(dumped, "a dump says for how many threads the end waits") {
    green_group *group = begin();
    spawn_into(group, dump, NULL);
    spawn_into(group, mark_it, "a");
    capture_begin();
    CHECK(green_group_end(group, 0), ==, 0);
    CHECK_CONTAINS(capture_end(), "waiting for the 2 green threads of a group to end");
}

/* Failures ----------------------------------------------------------------------- */

TEST(failure, "a failure ends the other threads and the calls of the owner, and is what the end returns") {
    int failure = -EPROTO;
    struct sleeper sleeper = {0};
    green_group *group = begin();
    green_thread *unbegun = NULL;
    CHECK(green_group_spawn(group, &sleeper.thread, NULL, sleep_on, &sleeper), ==, 0);
    CHECK(green_group_spawn(group, NULL, NULL, give, &failure), ==, 0);
    green_spawn_options options = {.discard = discard_mark, .delay = 3600 * GREEN_SECOND};
    CHECK(green_group_spawn(group, &unbegun, &options, mark_it, "d"), ==, 0);
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
    CHECK_CONTAINS(green_explain(-ECANCELED), "of a group failed: ");
    for (int i = 0; i < 10; i++)
        CHECK(green_yield(), ==, -ECANCELED);
    CHECK(green_group_end(group, -ECANCELED), ==, -EPROTO);
    CHECK_TEXT(marks(), "d");
    CHECK(finish(sleeper.thread), ==, 0);
    CHECK(finish(unbegun), ==, -ECANCELED);
    CHECK(green_yield(), ==, 0);
}

static int fail_to_connect(void *argument) {
    (void)argument;
    green_socket *socket = NULL;
    return green_connect(&socket, "unix:/nonexistent/socket", NULL);
}

TEST(message, "the end forwards the message of the failure") {
    green_group *group = begin();
    spawn_into(group, fail_to_connect, NULL);
    spawn_into(group, nap, NULL);
    int error = green_group_end(group, 0);
    CHECK(error, ==, -ENOENT);
    CHECK_CONTAINS(green_explain(error), "/nonexistent/socket");
}

TEST(first_failure, "the end returns the first of several failures, and the others are reported") {
    int failure = -EIO;
    struct sleeper sleeper = {.result = -EPROTO};
    green_group *group = begin();
    spawn_into(group, sleep_on, &sleeper);
    spawn_into(group, give, &failure);
    capture_begin();
    CHECK(green_group_end(group, 0), ==, -EIO);
    CHECK_CONTAINS(capture_end(), "ended with an error that no thread waited for: Protocol error");
}

TEST(handed_out, "a failed thread may be handed out, and fails the group nevertheless") {
    int failure = -EPROTO;
    green_group *group = begin();
    green_thread *thread = NULL;
    spawn_into(group, give, &failure);
    spawn_into(group, nap, NULL);
    CHECK(green_group_next(group, &thread, GREEN_FOREVER), ==, 1);
    CHECK(green_group_next(group, &thread, GREEN_FOREVER), ==, -ECANCELED);
    CHECK(green_group_end(group, -ECANCELED), ==, -EPROTO);
    int result = 0;
    CHECK(green_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, -EPROTO);
    green_thread_release(thread);
}

TEST(collects, "a group that collects errors hands out failed threads, and reports those it keeps") {
    int failure = -EPROTO, zero = 0;
    green_group *group = NULL;
    green_thread *thread = NULL;
    CHECK(green_group_begin(&group, &(green_group_options){.collects_errors = true}), ==, 0);
    spawn_into(group, give, &failure);
    spawn_into(group, give, &failure);
    spawn_into(group, fail_later, &zero);
    CHECK(green_group_next(group, &thread, GREEN_FOREVER), ==, 1);
    CHECK(finish(thread), ==, -EPROTO);
    CHECK(green_yield(), ==, 0);
    capture_begin();
    CHECK(green_group_end(group, 0), ==, 0);
    CHECK_CONTAINS(capture_end(), "Protocol error");
}

TEST(killed_thread, "a kill of one thread is no failure") {
    green_group *group = begin();
    green_thread *thread = NULL;
    CHECK(green_group_spawn(group, &thread, NULL, nap, NULL), ==, 0);
    spawn_into(group, mark_it, "a");
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(green_yield(), ==, 0);
    CHECK(green_group_end(group, 0), ==, 0);
    CHECK_TEXT(marks(), "a");
}

static int seen;

static bool is_seven(int result, void *context, void *argument) {
    CHECK(*(int *)context, ==, result);
    CHECK(argument == &seen);
    seen++;
    return result == 7;
}

TEST(is_failure, "a group may have a rule of its own for failures, which sees each thread until one fails") {
    static int values[] = {-EIO, 7, 7};
    green_group *group = NULL;
    CHECK(green_group_begin(&group, &(green_group_options){.is_failure = is_seven, .argument = &seen}), ==, 0);
    for (int i = 0; i < 3; i++)
        spawn_into(group, give, &values[i]);
    capture_begin();
    CHECK(green_group_end(group, 0), ==, -ECANCELED);
    CHECK_CONTAINS(capture_end(), "Input/output error"); /* it was no failure, and no thread waited for it */
    CHECK(seen, ==, 2);
}

static int fail_group(void *group) {
    CHECK(green_group_fail(group, -EPIPE), ==, 0);
    CHECK(green_group_fail(group, -EIO), ==, 0); /* it is not the first */
    CHECK(green_yield(), ==, -ECANCELED);
    return green_yield();
}

TEST(fail, "a group can be failed with an error, which also ends the caller") {
    green_group *group = begin();
    spawn_into(group, nap, NULL);
    spawn_into(group, fail_group, group);
    CHECK(green_group_fail(group, 0), ==, -EINVAL);
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
    CHECK_CONTAINS(green_explain(-ECANCELED), "a group failed: Broken pipe");
    CHECK(green_group_end(group, 0), ==, -EPIPE);
}

TEST(body, "an error of the body ends the threads, and keeps its message") {
    green_group *group = begin();
    spawn_into(group, nap, NULL);
    let_run();
    green_socket *socket = NULL;
    int error = green_connect(&socket, "unix:/nonexistent/socket", NULL);
    CHECK(green_group_end(group, error), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "/nonexistent/socket");
    CHECK(running(), ==, 1);
}

/* Interrupts of the owner -------------------------------------------------------- */

enum leave { RETURNS, FAILS, IGNORES };

/* A thread that owns a group with a thread that naps. */
struct owner {
    enum leave leave;
    int result;
    green_group *group;
    green_thread *child;
};

static int own(void *argument) {
    struct owner *owner = argument;
    owner->group = begin();
    CHECK(green_group_spawn(owner->group, &owner->child, NULL, nap, NULL), ==, 0);
    int error = owner->leave == RETURNS ? 0 : green_sleep(3600 * GREEN_SECOND);
    if (owner->leave == IGNORES)
        error = 0;
    owner->result = green_group_end(owner->group, error);
    CHECK(green_thread_is_finished(owner->child));
    return owner->result;
}

TEST(killed_body, "a kill that the body returns ends the threads") {
    struct owner owner = {.leave = FAILS};
    green_thread *thread = start(own, &owner);
    let_run();
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(finish(owner.child), ==, -ECANCELED);
}

TEST(killed_end, "a kill that ends the wait for the threads ends them") {
    struct owner owner = {.leave = RETURNS};
    green_thread *thread = start(own, &owner);
    let_run();
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(finish(owner.child), ==, -ECANCELED);
}

TEST(caught, "a kill that the body catches does not end the threads") {
    struct owner owner = {.leave = IGNORES};
    green_thread *thread = start(own, &owner);
    let_run();
    CHECK(green_thread_kill(thread), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(owner.child));
    CHECK(kill_and_finish(owner.child), ==, -ECANCELED);
    CHECK(finish(thread), ==, 0);
}

TEST(pending, "an interrupt that is pending before the end is what the end returns") {
    green_group *group = begin();
    spawn_into(group, nap, NULL);
    green_timeout *timeout = NULL;
    CHECK(green_timeout_start(&timeout, 0), ==, 0);
    CHECK(green_group_end(group, 0), ==, -ETIME);
    CHECK(green_yield(), ==, 0);
    green_timeout_free(timeout);
}

TEST(limit, "a limit around a group ends the wait for its threads, and them") {
    green_timeout *limit = NULL;
    CHECK(green_timeout_start_scope(&limit, GREEN_MILLISECOND), ==, 0);
    green_group *group = begin();
    spawn_into(group, nap, NULL);
    CHECK(green_group_end(group, 0), ==, -ETIME);
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(limit);
    CHECK(running(), ==, 1);
}

TEST(limit_inside, "a limit that a thread sets for itself is a failure if it returns its error") {
    int error = -ETIME;
    green_group *group = begin();
    spawn_into(group, give, &error);
    spawn_into(group, nap, NULL);
    CHECK(green_group_end(group, 0), ==, -ETIME);
    CHECK(green_yield(), ==, 0);
}

static int clean_up(void *door) {
    green_shield shield;
    CHECK(nap(NULL), ==, -ECANCELED);
    CHECK(green_shield_begin(&shield, GREEN_FOREVER), ==, 0);
    CHECK(wait_at(door), ==, 0);
    green_shield_end(&shield);
    mark('c');
    return 0;
}

struct cleaned_up {
    struct door door;
    green_group *group;
    int end, after;
};

static int own_clean_up(void *argument) {
    struct cleaned_up *call = argument;
    call->group = begin();
    spawn_into(call->group, clean_up, &call->door);
    CHECK(green_yield(), ==, 0);
    call->end = green_group_end(call->group, -EIO);
    call->after = green_yield();
    return 0;
}

TEST(stays_pending, "a kill while ended threads clean up neither ends the wait nor is lost") {
    struct cleaned_up call = {0};
    green_thread *owner = start(own_clean_up, &call);
    let_run();
    CHECK(call.door.waiting, ==, 1);
    CHECK(green_thread_kill(owner), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(owner));
    call.door.is_open = true;
    CHECK(finish(owner), ==, 0);
    CHECK_TEXT(marks(), "c");
    CHECK(call.end, ==, -EIO);
    CHECK(call.after, ==, -ECANCELED);
}

/* A failure ends the group while the owner waits, and the owner is killed right after it. */
static int fail_then_kill(void *owner) {
    CHECK(green_thread_kill(owner), ==, 0);
    return -EPROTO;
}

static int own_failure(void *argument) {
    int *after = argument;
    green_group *group = begin();
    spawn_into(group, nap, NULL);
    spawn_into(group, fail_then_kill, green_current());
    int error = green_group_end(group, 0);
    *after = green_yield();
    return error;
}

TEST(both, "of a failure and a kill at the same time the failure is returned, and the kill stays pending") {
    int after = 1;
    int error = finish(start(own_failure, &after));
    CHECK(error, ==, -EPROTO);
    CHECK(after, ==, -ECANCELED);
}

static int kill_owner(void *owner) {
    CHECK(green_thread_kill(owner), ==, 0);
    return nap(NULL);
}

static int own_killer(void *argument) {
    (void)argument;
    green_group *group = begin();
    spawn_into(group, kill_owner, green_current());
    return green_group_end(group, 0);
}

TEST(killed_by_child, "a thread that kills its owner is ended") {
    CHECK(finish(start(own_killer, NULL)), ==, -ECANCELED);
    CHECK(running(), ==, 1);
}

TEST(ended_in_shield, "a group that ends in a shield waits, and an interrupt outside stays pending") {
    green_group *group = begin();
    green_timeout *timeout = NULL;
    green_shield shield;
    spawn_into(group, mark_it, "a");
    CHECK(green_timeout_start(&timeout, 0), ==, 0);
    CHECK(green_shield_begin(&shield, GREEN_FOREVER), ==, 0);
    CHECK(green_group_end(group, 0), ==, 0);
    CHECK_TEXT(marks(), "a");
    green_shield_end(&shield);
    CHECK(green_yield(), ==, -ETIME);
    green_timeout_free(timeout);
}

TEST(shielded, "a failure does not interrupt a shield that began in the group, but one around it") {
    int failure = -EPROTO;
    green_shield outer, inner;
    CHECK(green_shield_begin(&outer, GREEN_FOREVER), ==, 0);
    green_group *group = begin();
    spawn_into(group, give, &failure);
    CHECK(green_shield_begin(&inner, GREEN_FOREVER), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(green_yield(), ==, 0);
    green_shield_end(&inner);
    CHECK(green_yield(), ==, -ECANCELED);
    CHECK(green_group_end(group, 0), ==, -EPROTO);
    green_shield_end(&outer);
    CHECK(green_yield(), ==, 0);
}

/* Nested groups ------------------------------------------------------------------ */

enum { DEPTH = 10 };

/* How each level of nested groups ends: its body returns, fails, or is killed. */
struct nest {
    int level, failing;
    bool kills;
};

static int nested(void *argument) {
    struct nest *outer = argument, inner = *outer;
    if (++inner.level > DEPTH)
        return nap(NULL);
    green_group *group = begin();
    spawn_into(group, nested, &inner);
    green_thread *child = NULL;
    CHECK(green_group_spawn(group, &child, NULL, nap, NULL), ==, 0);
    int error = 0;
    if (outer->level == outer->failing) {
        for (int i = 0; i < 2 * DEPTH && error == 0; i++)
            error = green_yield();
        if (error == 0)
            error = outer->kills ? green_thread_kill(green_current()) : -EPROTO;
    }
    error = green_group_end(group, error);
    CHECK(green_thread_is_finished(child));
    green_thread_release(child);
    return error;
}

TEST(nested, "groups ten deep end from any level, by a failure, a kill and a limit") {
    for (int level = 0; level < DEPTH; level++)
        for (int kills = 0; kills < 2; kills++) {
            struct nest nest = {.failing = level, .kills = kills};
            green_thread *thread = start(nested, &nest);
            let_run();
            if (kills) { /* those around the killed level still wait for their other threads */
                if (level > 0)
                    CHECK(green_thread_kill(thread), ==, 0);
                CHECK(finish(thread), ==, -ECANCELED);
            } else {
                CHECK(finish(thread), ==, -EPROTO);
            }
            CHECK(running(), ==, 1);
        }
    struct nest none = {.failing = -1};
    green_timeout *limit = NULL;
    CHECK(green_timeout_start_scope(&limit, GREEN_MILLISECOND), ==, 0);
    CHECK(nested(&none), ==, -ETIME);
    green_timeout_free(limit);
    CHECK(running(), ==, 1);
}

TEST(nested_in_one, "groups of one thread, ten deep, end from the inside; a failure interrupts those inside") {
    for (int failing = 0; failing < DEPTH; failing++) {
        int failure = -EPROTO, error = 0;
        green_group *groups[DEPTH];
        for (int i = 0; i < DEPTH; i++) {
            groups[i] = begin();
            spawn_into(groups[i], nap, NULL);
        }
        spawn_into(groups[failing], give, &failure);
        CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
        for (int i = DEPTH; i-- > failing + 1;)
            CHECK((error = green_group_end(groups[i], error)), ==, -ECANCELED);
        CHECK((error = green_group_end(groups[failing], error)), ==, -EPROTO);
        CHECK(green_yield(), ==, 0);
        for (int i = failing; i-- > 0;)
            CHECK((error = green_group_end(groups[i], error)), ==, -EPROTO);
        CHECK(running(), ==, 1);
    }
}

/* Threads that refuse to end ----------------------------------------------------- */

static int ignore_kills(void *argument) {
    int calls = *(int *)argument;
    for (int i = 0; i < calls; i++)
        (void)green_sleep(3600 * GREEN_SECOND);
    mark('i');
    return 0;
}

TEST(ignored, "threads that ignore the error get it from each call, until they end") {
    int calls = 100;
    green_group *group = begin();
    for (int i = 0; i < 3; i++)
        spawn_into(group, ignore_kills, &calls);
    let_run();
    CHECK(green_group_end(group, -EIO), ==, -EIO);
    CHECK_TEXT(marks(), "iii");
}

struct late {
    green_group *group;
    green_thread *thread;
};

static int spawn_late(void *argument) {
    struct late *late = argument;
    (void)nap(NULL);
    green_spawn_options options = {.discard = discard_mark};
    CHECK(green_group_spawn(late->group, &late->thread, &options, mark_it, "l"), ==, 0);
    return 0;
}

TEST(born_ended, "a thread that is spawned into a group that ends never begins") {
    struct late late = {.group = begin()};
    spawn_into(late.group, spawn_late, &late);
    let_run();
    CHECK(green_group_end(late.group, -EIO), ==, -EIO);
    CHECK_TEXT(marks(), "l"); /* by its discard */
    CHECK(finish(late.thread), ==, -ECANCELED);
}

/* Other ends --------------------------------------------------------------------- */

static int leave(void *argument) {
    struct owner *owner = argument;
    owner->group = begin();
    CHECK(green_group_spawn(owner->group, &owner->child, NULL, nap, NULL), ==, 0);
    return green_yield();
}

TEST(left, "an owner that finishes without an end ends its threads, and the group can only be freed") {
    struct owner owner = {0};
    CHECK(finish(start(leave, &owner)), ==, 0);
    CHECK(finish(owner.child), ==, -ECANCELED);
    CHECK(green_group_end(owner.group, 0), ==, -EPERM);
    green_group_free(owner.group);
}

TEST(freed, "a free ends the threads without a wait, and takes the hold off the owner") {
    int failure = -EPROTO;
    struct sleeper sleeper = {0};
    green_group *group = begin();
    CHECK(green_group_spawn(group, &sleeper.thread, NULL, sleep_on, &sleeper), ==, 0);
    spawn_into(group, give, &failure);
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
    capture_begin();
    green_group_free(group);
    CHECK_CONTAINS(capture_end(), "ended with an error that no thread waited for");
    CHECK(green_yield(), ==, 0);
    CHECK(finish(sleeper.thread), ==, 0);
}

TEST(freed_meanwhile, "an end whose group another thread frees ends the threads, and returns -EBADF") {
    struct owner owner = {.leave = RETURNS};
    green_thread *thread = start(own, &owner);
    let_run();
    green_group_free(owner.group);
    CHECK(finish(thread), ==, -EBADF);
    CHECK(finish(owner.child), ==, -ECANCELED);
}

static int discarded;

static void count_discard(void *context) {
    discarded += *(int *)context;
}

TEST(discards, "an end discards the contexts of threads that were not handed out") {
    int values[] = {1, 10, 100};
    green_group *group = NULL;
    CHECK(green_group_begin(&group, &(green_group_options){.discard = count_discard}), ==, 0);
    for (int i = 0; i < 3; i++)
        spawn_into(group, give, &values[i]);
    CHECK(green_group_next_with(group, NULL, NULL, GREEN_FOREVER), ==, 1);
    CHECK(green_group_end(group, 0), ==, 0);
    CHECK(discarded, ==, 110);
}

static int end_of_other(void *group) {
    CHECK(green_group_end(group, 0), ==, -EPERM);
    CHECK_CONTAINS(green_explain(-EPERM), "another green thread has begun it");
    return 0;
}

static void end_elsewhere(void *group) {
    CHECK(green_group_end(group, 0), ==, -EXDEV);
    CHECK(green_group_kill_all(group), ==, -EXDEV);
    CHECK(green_group_fail(group, -EIO), ==, -EXDEV);
}

TEST(not_owner, "only the owner ends a group, on its OS thread") {
    green_group *group = begin();
    spawn_into(group, end_of_other, group);
    spawn_into(group, nap, NULL);
    let_run();
    on_os_thread(end_elsewhere, group);
    CHECK(green_group_kill_all(group), ==, 0);
    CHECK(green_group_end(group, 0), ==, 0);
}

TEST(plain, "a group that was made and not begun has no end and no failure") {
    green_group *group = NULL;
    CHECK(green_group_make(&group), ==, 0);
    CHECK(green_group_end(group, 0), ==, -EINVAL);
    CHECK(green_group_fail(group, -EIO), ==, -EINVAL);
    CHECK(green_group_kill_all(group), ==, 0);
    green_group_free(group);
}

TEST(adds, "a thread that was added is ended with the group; the owner cannot be added") {
    green_group *group = begin();
    green_thread *thread = start(nap, NULL);
    CHECK(green_group_add(group, green_current()), ==, -EDEADLK);
    CHECK(green_group_add(group, thread), ==, 0);
    let_run();
    CHECK(green_group_end(group, -EIO), ==, -EIO);
    CHECK(green_thread_is_finished(thread));
    CHECK(finish(thread), ==, -ECANCELED);
}

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

static void end_in_link(green_thread *thread, void *group) {
    (void)thread;
    CHECK(green_group_end(group, 0), ==, -EWOULDBLOCK);
}

static int link_end(void *argument) {
    struct owner *owner = argument;
    owner->group = begin();
    CHECK(green_group_spawn(owner->group, &owner->child, NULL, nap, NULL), ==, 0);
    CHECK(green_yield(), ==, 0);
    CHECK(green_thread_link(green_current(), NULL, end_in_link, owner->group), ==, 0);
    return nothing(NULL);
}

TEST(in_link, "an end in a link ends the threads, but cannot wait for them") {
    struct owner owner = {0};
    CHECK(finish(start(link_end, &owner)), ==, 0);
    CHECK(finish(owner.child), ==, -ECANCELED);
    green_group_free(owner.group);
}

static int wait_for_event(void *event) {
    void *value = NULL;
    return green_event_wait(event, &value, GREEN_FOREVER);
}

TEST(deadlock, "threads that wait for each other and the end are a deadlock, which ends them") {
    green_event *event = NULL;
    CHECK(green_event_make(&event), ==, 0);
    green_group *group = begin();
    spawn_into(group, wait_for_event, event);
    capture_begin();
    CHECK(green_group_end(group, 0), ==, -EDEADLK);
    CHECK_CONTAINS(capture_end(), "waiting for the 1 green threads of a group to end");
    CHECK(running(), ==, 1);
    green_event_free(event);
}

/* Kills of all ------------------------------------------------------------------- */

static int kill_others(void *group) {
    CHECK(green_group_kill_all(group), ==, 0);
    return green_yield();
}

TEST(kill_all, "a kill of all can be caught, drops what has not begun, and spares the caller and the group") {
    struct sleeper sleeper = {.result = 4};
    green_group *group = begin();
    CHECK(green_group_spawn(group, &sleeper.thread, NULL, sleep_on, &sleeper), ==, 0);
    CHECK(green_yield(), ==, 0);
    spawn_into(group, kill_others, group);
    green_spawn_options options = {.discard = discard_mark};
    CHECK(green_group_spawn(group, NULL, &options, mark_it, "d"), ==, 0);
    CHECK(green_yield(), ==, 0);
    spawn_into(group, mark_it, "n");
    CHECK(green_group_end(group, 0), ==, 0);
    CHECK_TEXT(marks(), "dn");
    CHECK(finish(sleeper.thread), ==, 4);
}
