/* Killing a thread in each of its states, and the reason of a kill. */
#include "helpers.h"
#include "readers.h"

#include <poll.h>

static int letter(void *argument) {
    mark(*(const char *)argument);
    return 0;
}

/* A thread that is killed while it waits in function ends with -ECANCELED. */
static void kill_parked(green_function *function, void *argument) {
    green_thread *thread = start(function, argument);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(!green_thread_is_finished(thread)); /* kill does not wait */
    CHECK(finish(thread), ==, -ECANCELED);
}

TEST(in_sleep, "a kill ends a sleep") {
    kill_parked(nap, NULL);
}

/* Ignores errors in three calls, as code that cleans up may. */
static int ignore_errors(void *failures) {
    for (int i = 0; i < 3; i++)
        *(int *)failures += green_sleep(3600 * GREEN_SECOND) == -ECANCELED;
    return 0;
}

TEST(for_good, "a kill for good ends each call until the thread ends, and never begins one that has not begun") {
    int failures = 0;
    green_thread *thread = start(ignore_errors, &failures);
    let_run();
    CHECK(green_thread_kill_for_good(thread), ==, 0);
    CHECK(green_thread_kill_for_good(thread), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(failures, ==, 3);
    thread = start(ignore_errors, &failures);
    CHECK(green_thread_kill_for_good(thread), ==, 0);
    CHECK(green_thread_wait(thread, NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_thread_kill_for_good(thread), ==, 0); /* it has ended */
    CHECK(finish(thread), ==, -ECANCELED);
    CHECK(failures, ==, 3);
    CHECK(green_thread_kill_for_good(green_current()), ==, -EINVAL);
}

static int wait_for(void *argument) {
    return green_thread_wait(argument, NULL, GREEN_FOREVER);
}

static int wait_long_for(void *argument) {
    return green_thread_wait(argument, NULL, 3600 * GREEN_SECOND);
}

TEST(in_wait, "a kill ends a wait for another thread, with and without a timeout") {
    green_thread *target = start(nap, NULL);
    kill_parked(wait_for, target);
    kill_parked(wait_long_for, target);
    CHECK(!green_thread_is_finished(target));
    CHECK(kill_and_finish(target), ==, -ECANCELED);
}

static void kill_in_each_read(struct pair *pair) {
    kill_parked(read_byte, pair->near);
    kill_parked(read_line, pair->near);
    kill_parked(read_exactly, pair->near);
    kill_parked(receive, pair->near);
    send_text(pair->far, "still good");
    expect_text(pair->near, "still good");
}

TEST(in_read, "a kill ends a read, and the socket stays usable") {
    with_each_transport(kill_in_each_read);
}

static int write_much(void *argument) {
    static char bytes[16 << 20];
    return (int)green_write(argument, bytes, sizeof bytes);
}

static void kill_in_write(struct pair *pair) {
    kill_parked(write_much, pair->near);
}

TEST(in_write, "a kill ends a write") {
    with_each_transport(kill_in_write);
}

static int accept_one(void *argument) {
    green_socket *socket;
    return green_accept(argument, &socket);
}

TEST(in_accept, "a kill ends an accept, and the listener stays usable") {
    green_listener *listener = listen_any(TCP4);
    kill_parked(accept_one, listener);
    green_socket *client = connect_to(listener), *server = accept_from(listener);
    green_socket_release(client);
    green_socket_release(server);
    green_listener_release(listener);
}

static int wait_readable(void *argument) {
    return green_wait_fd(*(int *)argument, POLLIN, GREEN_FOREVER);
}

TEST(in_wait_fd, "a kill ends a wait for a descriptor") {
    int ends[2];
    CHECK(pipe(ends), ==, 0);
    kill_parked(wait_readable, &ends[0]);
    close(ends[0]);
    close(ends[1]);
}

static int yield_on(void *argument) {
    int *count = argument, error = 0;
    while (error == 0) {
        ++*count;
        error = green_yield();
    }
    return error;
}

TEST(ready, "a kill of a ready thread ends its next blocking call") {
    int count = 0;
    green_thread *thread = start(yield_on, &count);
    let_run();
    int before = count;
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(count, <=, before + 1);
}

static void discard_letter(void *argument) {
    mark(*(const char *)argument);
}

static void link_letter(green_thread *thread, void *argument) {
    int result = 0;
    CHECK(green_thread_is_finished(thread));
    CHECK(green_thread_wait(thread, &result, 0), ==, 0);
    CHECK(result, ==, -ECANCELED);
    mark(*(const char *)argument);
}

TEST(unstarted, "a killed thread that has not started never runs; its argument is discarded, its links are called") {
    green_spawn_options options = {.discard = discard_letter};
    green_thread *thread = NULL;
    CHECK(green_spawn_with(&thread, &options, letter, "d"), ==, 0);
    CHECK(green_thread_link(thread, NULL, link_letter, "l"), ==, 0);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
    CHECK_TEXT(marks(), "dl");
}

TEST(unstarted_twice, "a second kill of an unstarted thread has no effect") {
    green_spawn_options options = {.discard = discard_letter, .delay = 3600 * GREEN_SECOND};
    green_thread *thread = NULL;
    CHECK(green_spawn_with(&thread, &options, letter, "d"), ==, 0);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
    CHECK_TEXT(marks(), "d");
}

TEST(finished, "a kill of a finished thread has no effect") {
    int value = 5, result = 0;
    green_thread *thread = start(give, &value);
    let_run();
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(green_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, 5);
    green_thread_release(thread);
}

static int kill_self(void *argument) {
    (void)argument;
    return green_thread_kill(green_current());
}

TEST(self, "a thread that kills itself gets -ECANCELED") {
    CHECK(finish(start(kill_self, NULL)), ==, -ECANCELED);
}

static int handle_kill(void *argument) {
    (void)argument;
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(green_yield(), ==, 0);
    return 9;
}

TEST(caught, "a thread may handle a kill and continue: each kill interrupts one call") {
    green_thread *thread = start(handle_kill, NULL);
    let_run();
    CHECK(kill_and_finish(thread), ==, 9);
}

static int clean_up_slowly(void *argument) {
    green_sleep(3600 * GREEN_SECOND);
    *(bool *)argument = green_sleep(3600 * GREEN_SECOND) == 0;
    return -ECANCELED;
}

TEST(slow_end, "a killed thread may block while it cleans up, and be killed again") {
    bool cleaned = false;
    green_thread *thread = start(clean_up_slowly, &cleaned);
    let_run();
    CHECK(green_thread_kill(thread), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(!cleaned);
}

static int kill_other(void *argument) {
    return green_thread_kill(argument);
}

TEST(main_killed, "main can be killed like any other thread") {
    green_thread *thread = start(kill_other, green_current());
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
    CHECK(green_sleep(0), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(while_ready_again, "a call that has succeeded reports its success, and the next call delivers the kill") {
    struct pair pair = connected(UNIX_PAIR);
    green_thread *reader = start(read_byte, pair.near);
    let_run();
    send_text(pair.far, "x");
    green_thread_kill(reader);
    int result = finish(reader); /* either the byte was read, or it is still there */
    CHECK(result == 1 || result == -ECANCELED);
    if (result == -ECANCELED)
        expect_text(pair.near, "x");
    green_socket_release(pair.far);
    expect_end(pair.near);
    green_socket_release(pair.near);
}

/* Reasons ------------------------------------------------------------------ */

static int take_reason(void *argument) {
    (void)argument;
    CHECK(green_reason() == NULL);
    CHECK(green_sleep(3600 * GREEN_SECOND), ==, -ECANCELED);
    char *reason = green_reason();
    CHECK(reason != NULL);
    mark(*reason);
    CHECK(green_reason() == NULL);
    return 0;
}

TEST(reason, "the killed thread can read the reason once") {
    green_thread *thread = start(take_reason, NULL);
    let_run();
    CHECK(green_thread_kill_with(thread, "r", discard_letter), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "r");
}

TEST(reason_unread, "a reason that is not read is discarded when the thread ends") {
    green_thread *thread = start(nap, NULL);
    let_run();
    CHECK(green_thread_kill_with(thread, "u", discard_letter), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
    CHECK_TEXT(marks(), "u");
}

/* The address of a frame of a thread with a stack of at least this size. */
enum { STACK = 64 * 1024 };
static green_thread *spawned_by_discard;
static const char *frame_of_discard, *frame_of_spawned;

static int note_frame(void *unused) {
    (void)unused;
    frame_of_spawned = __builtin_frame_address(0);
    return 0;
}

static void spawn_in_discard(void *unused) {
    (void)unused;
    frame_of_discard = __builtin_frame_address(0);
    spawned_by_discard = start(note_frame, NULL);
}

TEST(reason_spawns, "a discard function may spawn when its thread has finished: no thread gets the stack it runs on") {
    green_thread *thread = start(nap, NULL);
    let_run();
    CHECK(green_thread_kill_with(thread, "s", spawn_in_discard), ==, 0);
    green_thread_release(thread);
    let_run();
    CHECK(spawned_by_discard != NULL);
    CHECK(finish(spawned_by_discard), ==, 0);
    CHECK(labs(frame_of_discard - frame_of_spawned), >=, STACK);
}

TEST(reason_without_discard, "a reason may have no discard function") {
    green_thread *thread = start(nap, NULL);
    let_run();
    CHECK(green_thread_kill_with(thread, "u", NULL), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
}

TEST(reason_of_unstarted, "the reason of a thread that never ran or has finished is discarded") {
    int value = 0;
    green_thread *unstarted = start(give, &value), *ended = start(give, &value);
    CHECK(green_thread_kill_with(unstarted, "a", discard_letter), ==, 0);
    CHECK(finish(unstarted), ==, -ECANCELED);
    CHECK_TEXT(marks(), "a");
    let_run();
    CHECK(green_thread_kill_with(ended, "b", discard_letter), ==, 0);
    CHECK_TEXT(marks(), "ab");
    CHECK(finish(ended), ==, 0);
}

static int kill_self_with(void *argument) {
    CHECK(green_thread_kill_with(green_current(), argument, discard_letter), ==, -ECANCELED);
    CHECK(green_reason() == argument);
    return -ECANCELED;
}

TEST(reason_of_self, "a thread that kills itself reads its own reason") {
    CHECK(finish(start(kill_self_with, "s")), ==, -ECANCELED);
    CHECK_TEXT(marks(), "");
}

static int catch_all(void *argument) {
    int *read = argument, error;
    while ((error = green_sleep(20 * GREEN_MILLISECOND)) == -ECANCELED)
        *read += green_reason() != NULL;
    return error;
}

TEST(reasons_owned_once, "after two kills in a row each reason is read or discarded, exactly once") {
    int read = 0;
    green_thread *thread = start(catch_all, &read);
    let_run();
    CHECK(green_thread_kill_with(thread, "1", discard_letter), ==, 0);
    CHECK(green_thread_kill_with(thread, "2", discard_letter), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(read, >=, 1);
    CHECK(read + strlen(marks()), ==, 2);
}
