/* Links: exit callbacks of a thread. */
#include "helpers.h"

static void letter(green_thread *thread, void *argument) {
    (void)thread;
    mark(*(const char *)argument);
}

TEST(in_order, "links are called in the order of their creation after the thread has finished") {
    int value = 0;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, letter, "a"), ==, 0);
    CHECK(green_thread_link(thread, NULL, letter, "b"), ==, 0);
    CHECK(green_thread_link(thread, NULL, letter, "c"), ==, 0);
    CHECK_TEXT(marks(), "");
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "abc");
}

static void in_context(green_thread *thread, void *argument) {
    int result = 0;
    CHECK(green_current() == thread);
    CHECK(green_thread_wait(thread, &result, 0), ==, 0);
    *(int *)argument = result;
}

TEST(context_and_result, "a link runs in the context of the finished thread and sees its result") {
    int value = -EPROTO, seen = 0;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, in_context, &seen), ==, 0);
    CHECK(finish(thread), ==, -EPROTO);
    CHECK(seen, ==, -EPROTO);
}

static void in_own_context(green_thread *thread, void *argument) {
    CHECK(green_thread_is_finished(thread));
    CHECK(green_current() == argument);
    mark('x');
}

TEST(after_exit, "a link to a finished thread is called at once, in the context of the caller") {
    int value = 0;
    green_link *link = (green_link *)&value;
    green_thread *thread = start(give, &value);
    let_run();
    CHECK(green_thread_link(thread, &link, in_own_context, green_current()), ==, 0);
    CHECK(link == NULL);
    CHECK_TEXT(marks(), "x");
    CHECK(finish(thread), ==, 0);
}

TEST(removed, "a removed link is not called, but the others are") {
    int value = 0;
    green_link *links[3];
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, &links[0], letter, "a"), ==, 0);
    CHECK(green_thread_link(thread, &links[1], letter, "b"), ==, 0);
    CHECK(green_thread_link(thread, &links[2], letter, "c"), ==, 0);
    CHECK(links[1] != NULL);
    green_link_remove(links[1]);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "ac");
}

TEST(all_removed, "all links of a thread can be removed, including the first and the last") {
    int value = 0;
    green_link *links[4];
    green_thread *thread = start(give, &value);
    for (int i = 0; i < 4; i++)
        CHECK(green_thread_link(thread, &links[i], letter, "x"), ==, 0);
    green_link_remove(links[3]);
    green_link_remove(links[0]);
    green_link_remove(links[1]);
    green_link_remove(links[2]);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "");
}

TEST(linked_after_removal, "a link made after the last one was removed is called") {
    int value = 0;
    green_link *last;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, letter, "a"), ==, 0);
    CHECK(green_thread_link(thread, &last, letter, "b"), ==, 0);
    green_link_remove(last);
    CHECK(green_thread_link(thread, NULL, letter, "c"), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "ac");
}

static void block(green_thread *thread, void *argument) {
    green_socket *socket = argument;
    char byte;
    CHECK(green_sleep(GREEN_MILLISECOND), ==, -EWOULDBLOCK);
    CHECK(green_yield(), ==, -EWOULDBLOCK);
    CHECK(green_read(socket, &byte, 1), ==, -EWOULDBLOCK);
    CHECK(green_thread_is_finished(thread));
    mark('b');
}

TEST(must_not_block, "a blocking call in a link fails with -EWOULDBLOCK, and the other links are called") {
    int value = 0;
    struct pair pair = connected(UNIX_PAIR);
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, block, pair.near), ==, 0);
    CHECK(green_thread_link(thread, NULL, letter, "c"), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "bc");
    send_text(pair.far, "x");
    expect_text(pair.near, "x");
    release_pair(&pair);
}

static int spawned(void *argument) {
    mark(*(const char *)argument);
    return 0;
}

static void spawn_more(green_thread *thread, void *argument) {
    (void)thread;
    CHECK(green_detach(spawned, argument), ==, 0);
}

TEST(spawns, "a link may spawn and link threads") {
    int value = 0;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, spawn_more, "s"), ==, 0);
    CHECK(finish(thread), ==, 0);
    let_run();
    CHECK_TEXT(marks(), "s");
}

static void link_again(green_thread *thread, void *argument) {
    mark('1');
    CHECK(green_thread_link(thread, NULL, letter, argument), ==, 0);
}

TEST(link_in_link, "a link made in a link is called") {
    int value = 0;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, link_again, "2"), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "12");
}

TEST(of_released, "links are called even if the handle of the thread has been released") {
    int value = 0;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, letter, "a"), ==, 0);
    green_thread_release(thread);
    let_run();
    CHECK_TEXT(marks(), "a");
}

static void last_release(green_thread *thread, void *argument) {
    CHECK(thread == argument);
    green_thread_release(thread);
    mark('r');
}

TEST(release_in_link, "a link may release the last handle of its thread") {
    int value = 0;
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, last_release, thread), ==, 0);
    let_run();
    CHECK_TEXT(marks(), "r");
}

TEST(of_killed, "the links of a killed thread are called") {
    green_thread *thread = start(nap, NULL);
    CHECK(green_thread_link(thread, NULL, letter, "k"), ==, 0);
    let_run();
    CHECK_TEXT(marks(), "");
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK_TEXT(marks(), "k");
}
