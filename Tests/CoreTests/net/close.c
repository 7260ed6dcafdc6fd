/* Close: blocked threads are woken, unread bytes, and reuse of the descriptor's number. */
#include "helpers.h"
#include "readers.h"

#include <fcntl.h>

static int write_much(void *argument) {
    static char bytes[16 << 20];
    return (int)green_write(argument, bytes, sizeof bytes);
}

static int write_much_in_pieces(void *argument) {
    static char bytes[16 << 20];
    struct iovec pieces[2] = {{bytes, sizeof bytes / 2}, {bytes + sizeof bytes / 2, sizeof bytes / 2}};
    return (int)green_writev(argument, pieces, 2);
}

static green_function *const readers[] = {read_byte, read_line, read_exactly, receive};
static green_function *const writers[] = {write_much, write_much_in_pieces};

static void close_under_both(struct pair *pair) {
    green_thread *reader = start(read_byte, pair->near), *writer = start(write_much, pair->near);
    let_run();
    CHECK(green_close(pair->near), ==, 0);
    CHECK(finish(reader), ==, -EBADF);
    CHECK(finish(writer), ==, -EBADF);
}

TEST(wakes_both, "close wakes the reader and the writer with -EBADF") {
    with_each_transport(close_under_both);
}

TEST(wakes_one, "close wakes each kind of reader and writer") {
    for (size_t i = 0; i < 6; i++) {
        struct pair pair = connected(TCP4);
        green_thread *thread = start(i < 4 ? readers[i] : writers[i - 4], pair.near);
        let_run();
        CHECK(green_close(pair.near), ==, 0);
        CHECK(finish(thread), ==, -EBADF);
        release_pair(&pair);
    }
}

TEST(descriptor_is_gone, "the descriptor is closed when close returns, even with threads blocked in the socket") {
    for (int blocked = 0; blocked < 2; blocked++) {
        struct pair pair = connected(TCP4);
        green_thread *thread = blocked ? start(read_byte, pair.near) : NULL;
        let_run();
        int fd = green_socket_fd(pair.near);
        CHECK(fd, >=, 0);
        CHECK(green_close(pair.near), ==, 0);
        CHECK(fcntl(fd, F_GETFD), ==, -1);
        CHECK(errno, ==, EBADF);
        CHECK(green_socket_fd(pair.near), ==, -EBADF);
        expect_end(pair.far);
        if (thread)
            CHECK(finish(thread), ==, -EBADF);
        release_pair(&pair);
    }
}

TEST(twice, "a second close is 0") {
    struct pair pair = connected(TCP4);
    CHECK(green_close(pair.near), ==, 0);
    CHECK(green_close(pair.near), ==, 0);
    CHECK(green_close(pair.near), ==, 0);
    release_pair(&pair);
}

static int close_it(void *argument) {
    return green_close(argument);
}

TEST(twice_at_once, "two threads may close a socket while a third one reads") {
    struct pair pair = connected(TCP4);
    green_thread *reader = start(read_byte, pair.near);
    let_run();
    green_thread *a = start(close_it, pair.near), *b = start(close_it, pair.near);
    CHECK(finish(a), ==, 0);
    CHECK(finish(b), ==, 0);
    CHECK(finish(reader), ==, -EBADF);
    release_pair(&pair);
}

TEST(use_after, "every call on a closed socket is -EBADF") {
    struct pair pair = connected(TCP4);
    char bytes[16];
    const void *received;
    int value = 0;
    green_address address;
    struct iovec piece = {"x", 1};
    send_text(pair.far, "unread");
    CHECK(green_read(pair.near, bytes, 1), ==, 1); /* the rest may be in the socket's own buffer */
    CHECK(green_close(pair.near), ==, 0);
    CHECK(green_read(pair.near, bytes, 1), ==, -EBADF);
    CHECK(green_read_exactly(pair.near, bytes, 1), ==, -EBADF);
    CHECK(green_read_line(pair.near, bytes, sizeof bytes), ==, -EBADF);
    CHECK(green_receive(pair.near, &received), ==, -EBADF);
    CHECK(green_write(pair.near, "x", 1), ==, -EBADF);
    CHECK(green_write_some(pair.near, "x", 1), ==, -EBADF);
    CHECK(green_writev(pair.near, &piece, 1), ==, -EBADF);
    CHECK(green_shutdown(pair.near, SHUT_RDWR), ==, -EBADF);
    CHECK(green_receive_from(pair.near, bytes, 1, NULL), ==, -EBADF);
    CHECK(green_socket_option(pair.near, SOL_SOCKET, SO_KEEPALIVE, &value), ==, -EBADF);
    CHECK(green_socket_set_option(pair.near, SOL_SOCKET, SO_KEEPALIVE, 1), ==, -EBADF);
    CHECK(green_socket_local_address(pair.near, &address), ==, -EBADF);
    CHECK(green_socket_peer_address(pair.near, &address), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "closed");
    release_pair(&pair);
}

TEST(release_closes, "the last release closes the socket, and an earlier one does not") {
    struct pair pair = connected(TCP4);
    CHECK(green_socket_retain(pair.near) == pair.near);
    green_socket_release(pair.near);
    send_text(pair.near, "still open");
    expect_text(pair.far, "still open");
    green_socket_release(pair.near);
    expect_end(pair.far);
    green_socket_release(pair.far);
    green_socket_release(NULL);
}

TEST(unread_data, "bytes written before a close are still delivered") {
    struct pair pair = connected(TCP4);
    send_text(pair.near, "last words");
    CHECK(green_close(pair.near), ==, 0);
    expect_text(pair.far, "last words");
    expect_end(pair.far);
    release_pair(&pair);
}

TEST(received_data, "received bytes stay valid if the socket is closed, and may be consumed") {
    struct pair pair = connected(TCP4);
    const void *bytes = NULL;
    send_text(pair.far, "on loan");
    CHECK(green_receive(pair.near, &bytes), ==, 7);
    CHECK(finish(start(close_it, pair.near)), ==, 0);
    struct pair others = connected(TCP4); /* whose bytes would overwrite a released buffer */
    send_text(others.far, "stolen!");
    expect_text(others.near, "stolen!");
    CHECK(memcmp(bytes, "on loan", 7), ==, 0);
    green_consume(pair.near, 7);
    CHECK(green_receive(pair.near, &bytes), ==, -EBADF);
    release_pair(&others);
    release_pair(&pair);
}

/* The number of a descriptor can be reused at once. A thread that waited on the old socket
 * must not take a byte of the new one. */
TEST(reused_number, "a stale reader does not read from a new socket with the same descriptor") {
    for (int i = 0; i < SCALED(1000); i++) {
        struct pair old = connected(UNIX_PAIR), new;
        int fd = green_socket_fd(old.near);
        green_thread *stale = start(readers[i % 4], old.near);
        CHECK(green_yield(), ==, 0);
        CHECK(green_close(old.near), ==, 0);
        new = connected(UNIX_PAIR);
        CHECK(green_socket_fd(new.near) == fd || green_socket_fd(new.far) == fd);
        send_text(new.near, "for far");
        send_text(new.far, "for near");
        CHECK(finish(stale), ==, -EBADF);
        expect_text(new.near, "for near");
        expect_text(new.far, "for far");
        release_pair(&old);
        release_pair(&new);
    }
}

TEST(reused_number_writer, "a stale writer does not write to a new socket with the same descriptor") {
    for (int i = 0; i < SCALED(100); i++) {
        struct pair old = connected(UNIX_PAIR), new;
        green_thread *stale = start(writers[i % 2], old.near);
        let_run();
        CHECK(green_close(old.near), ==, 0);
        new = connected(UNIX_PAIR);
        let_run();
        CHECK(finish(stale), ==, -EBADF);
        CHECK(green_shutdown(new.near, SHUT_WR), ==, 0);
        CHECK(green_shutdown(new.far, SHUT_WR), ==, 0);
        expect_end(new.near);
        expect_end(new.far);
        release_pair(&old);
        release_pair(&new);
    }
}

/* One reader, one writer --------------------------------------------------- */

static int read_twice(void *argument) {
    int error = read_byte(argument);
    CHECK(error, ==, -EBUSY);
    CHECK_CONTAINS(green_explain(error), "first");
    CHECK_CONTAINS(green_explain(error), "second");
    return 0;
}

TEST(second_reader, "a second reader is -EBUSY, and the message names both") {
    for (size_t i = 0; i < 4; i++) {
        struct pair pair = connected(TCP4);
        green_thread *first = start_named("first", readers[i], pair.near);
        let_run();
        CHECK(finish(start_named("second", read_twice, pair.near)), ==, 0);
        for (size_t k = 0; k < 4; k++)
            CHECK(finish(start(readers[k], pair.near)), ==, -EBUSY);
        send_text(pair.far, "a line, and more of it than a message has, so that it ends each kind of read\n");
        int result = finish(first); /* the first reader still waits; the line is too long for it */
        CHECK(result > 0 || result == -EMSGSIZE);
        release_pair(&pair);
    }
}

static int write_twice(void *argument) {
    int error = write_much(argument);
    CHECK(error, ==, -EBUSY);
    CHECK_CONTAINS(green_explain(error), "first");
    CHECK_CONTAINS(green_explain(error), "second");
    CHECK(write_much_in_pieces(argument), ==, -EBUSY);
    CHECK(green_write_some(argument, "x", 1), ==, -EBUSY);
    return 0;
}

TEST(second_writer, "a second writer is -EBUSY, and the message names both") {
    for (size_t i = 0; i < 2; i++) {
        struct pair pair = connected(TCP4);
        green_thread *first = start_named("first", writers[i], pair.near);
        let_run();
        CHECK(finish(start_named("second", write_twice, pair.near)), ==, 0);
        CHECK(kill_and_finish(first), ==, -ECANCELED);
        release_pair(&pair);
    }
}

TEST(reader_and_writer, "one reader and one writer do not disturb each other") {
    struct pair pair = connected(TCP4);
    green_thread *reader = start(read_byte, pair.near), *writer = start(write_much, pair.near);
    let_run();
    send_text(pair.far, "x");
    CHECK(finish(reader), ==, 1);
    CHECK(!green_thread_is_finished(writer));
    CHECK(kill_and_finish(writer), ==, -ECANCELED);
    release_pair(&pair);
}

static int close_then_sleep(void *argument) {
    int error = green_close(argument);
    CHECK(error, ==, 0);
    return green_sleep(3600 * GREEN_SECOND);
}

TEST(close_is_not_interrupted, "a kill does not interrupt a close, and is delivered by the next call") {
    for (int yields = 0; yields < 8; yields++) {
        struct pair pair = connected(TCP4);
        green_thread *reader = start(read_byte, pair.near);
        let_run();
        int fd = green_socket_fd(pair.near);
        green_thread *closer = start(close_then_sleep, pair.near);
        CHECK(green_yield(), ==, 0);
        for (int i = 0; i < yields; i++)
            CHECK(green_yield(), ==, 0);
        CHECK(kill_and_finish(closer), ==, -ECANCELED);
        CHECK(fcntl(fd, F_GETFD), ==, -1);
        CHECK(finish(reader), ==, -EBADF);
        release_pair(&pair);
    }
}

/* The last release of a socket whose reader has just got the end of the stream. */

static int read_ten(void *socket) {
    char bytes[10];
    return (int)green_read_exactly(socket, bytes, sizeof bytes);
}

static int receive_ten(void *socket) {
    const void *bytes;
    return (int)green_receive_exactly(socket, 10, &bytes);
}

static void release_under(green_function *read) {
    struct pair pair = connected(UNIX_PAIR);
    green_thread *reader = start(read, pair.near);
    let_run();
    green_thread *releaser = release_on_completion(pair.near);
    CHECK(green_shutdown(pair.far, SHUT_WR), ==, 0);
    CHECK(finish(releaser), ==, 0);
    CHECK(finish(reader), ==, -ENODATA);
    green_socket_release(pair.far);
}

TEST(released_at_end, "a read that ends early may have released the socket") {
    release_under(read_ten);
    release_under(receive_ten);
}
