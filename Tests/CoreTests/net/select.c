/* Sockets as cases of a select. */
#include "helpers.h"

/* A thread that selects one case. */
struct selector {
    green_case it;
    green_thread *thread;
    ssize_t index;
};

static int select_once(void *argument) {
    struct selector *self = argument;
    self->index = green_select(&self->it, 1, GREEN_FOREVER);
    return self->index < 0 ? (int)self->index : self->it.error;
}

static void begin(struct selector *self, green_case it) {
    *self = (struct selector){.it = it, .index = -1};
    self->thread = start(select_once, self);
    let_run();
}

static void check_readable(struct pair *pair) {
    green_case cases[] = {green_case_readable(pair->near), green_case_writable(pair->near)};
    struct selector selector;
    char line[8];
    CHECK(green_select(cases, 1, 0), ==, -ETIMEDOUT);
    CHECK(green_select(cases, 1, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_select(cases, 2, GREEN_FOREVER), ==, 1);
    begin(&selector, cases[0]);
    CHECK(selector.index, ==, -1);
    send_text(pair->far, "one\ntwo\n");
    CHECK(finish(selector.thread), ==, 0);
    CHECK(green_select(cases, 1, 0), ==, 0); /* nothing was read */
    CHECK(green_read_line(pair->near, line, sizeof line), ==, 4);
    CHECK(green_select(cases, 1, 0), ==, 0); /* the second line is unread in the socket */
    CHECK(green_read_line(pair->near, line, sizeof line), ==, 4);
    CHECK(green_select(cases, 1, 0), ==, -ETIMEDOUT);
    green_close(pair->far);
    CHECK(green_select(cases, 1, GREEN_FOREVER), ==, 0); /* the end of the stream */
    CHECK(cases[0].error, ==, 0);
    expect_end(pair->near);
}

static void with_readable(void) {
    with_each_transport(check_readable);
}

TEST(readable, "a socket is readable when it has unread bytes, received ones, or the end of the stream") {
    on_each_engine(with_readable);
}

static void check_closed(struct pair *pair) {
    struct selector reader, writer;
    begin(&reader, green_case_readable(pair->near));
    CHECK(green_close(pair->near), ==, 0);
    CHECK(finish(reader.thread), ==, -EBADF);
    CHECK(reader.index, ==, 0);
    begin(&writer, green_case_writable(pair->near));
    CHECK(finish(writer.thread), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "closed");
}

static void with_closed(void) {
    with_each_transport(check_closed);
}

TEST(closed, "a close serves the case with -EBADF, during the wait and before it") {
    on_each_engine(with_closed);
}

static int read_byte(void *socket) {
    char byte;
    return (int)green_read(socket, &byte, 1);
}

static void check_busy(struct pair *pair) {
    struct selector selector;
    green_case it = green_case_readable(pair->near);
    green_thread *reader = start(read_byte, pair->near);
    let_run();
    CHECK(green_select(&it, 1, GREEN_FOREVER), ==, 0);
    CHECK(it.error, ==, -EBUSY);
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    begin(&selector, it);
    CHECK(read_byte(pair->near), ==, -EBUSY);
    CHECK(green_thread_kill(selector.thread), ==, 0);
    CHECK(finish(selector.thread), ==, -ECANCELED);
    send_text(pair->far, "x");
    CHECK(read_byte(pair->near), ==, 1); /* the select has left nothing behind */
}

static void with_busy(void) {
    with_each_transport(check_busy);
}

TEST(busy, "a select for reading is the reader of its socket while it waits") {
    on_each_engine(with_busy);
}

static void check_released(struct pair *pair) {
    struct selector selector;
    begin(&selector, green_case_readable(pair->near));
    green_socket_release(pair->near);
    CHECK(finish(selector.thread), ==, -EBADF);
    pair->near = NULL;
}

static void with_released(void) {
    with_each_transport(check_released);
}

TEST(released, "the release of a socket ends a select that waits for it") {
    on_each_engine(with_released);
}

static void check_twice(struct pair *pair) {
    green_case cases[] = {green_case_readable(pair->near), green_case_readable(pair->near), green_case_after(1)};
    CHECK(green_select(cases, 2, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_select(cases, 3, GREEN_FOREVER), ==, 2);
    send_text(pair->far, "x");
    CHECK(green_select(cases, 2, GREEN_FOREVER), <=, 1);
    expect_text(pair->near, "x");
}

static void with_twice(void) {
    with_each_transport(check_twice);
}

TEST(twice, "a socket may be in several cases") {
    on_each_engine(with_twice);
}
