/* green_wait_fd(): any descriptor that poll(2) supports. */
#include "helpers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

struct watch {
    int fd;
    short events;
    int64_t timeout;
};

static int watch(void *argument) {
    struct watch *watch = argument;
    return green_wait_fd(watch->fd, watch->events, watch->timeout);
}

TEST(readable, "a pipe is readable when it has bytes, and hung up when it is closed") {
    int ends[2];
    CHECK(pipe(ends), ==, 0);
    struct watch readable = {ends[0], POLLIN, GREEN_FOREVER};
    green_thread *thread = start(watch, &readable);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(write(ends[1], "x", 1), ==, 1);
    CHECK(finish(thread), ==, POLLIN);
    CHECK(watch(&readable), ==, POLLIN); /* it still is */
    char byte;
    CHECK(read(ends[0], &byte, 1), ==, 1);
    thread = start(watch, &readable);
    let_run();
    close(ends[1]);
    CHECK(finish(thread) & POLLHUP, ==, POLLHUP);
    close(ends[0]);
}

TEST(writable, "a pipe is writable until it is full") {
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK), ==, 0);
    struct watch writable = {ends[1], POLLOUT, GREEN_FOREVER};
    CHECK(watch(&writable), ==, POLLOUT);
    static char bytes[1 << 20];
    CHECK(write(ends[1], bytes, sizeof bytes), >, 0);
    writable.timeout = GREEN_MILLISECOND;
    CHECK(watch(&writable), ==, -ETIMEDOUT);
    close(ends[0]);
    close(ends[1]);
}

TEST(still_full, "a wait for room in a pipe continues while a read leaves the pipe full") {
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK), ==, 0);
    struct watch writable = {ends[1], POLLOUT, GREEN_FOREVER};
    static char bytes[1 << 20];
    CHECK(write(ends[1], bytes, sizeof bytes), >, 0);
    green_thread *thread = start(watch, &writable);
    for (int i = 0; i < 10; i++) {
        let_run();
        CHECK(read(ends[0], bytes, 1), ==, 1);
    }
    CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(!green_thread_is_finished(thread));
    CHECK(read(ends[0], bytes, sizeof bytes), >, 0);
    CHECK(finish(thread), ==, POLLOUT);
    close(ends[0]);
    close(ends[1]);
}

TEST(zero, "a timeout of 0 polls without waiting") {
    int fd = eventfd(0, EFD_CLOEXEC);
    CHECK(green_wait_fd(fd, POLLIN, 0), ==, -ETIMEDOUT);
    uint64_t one = 1;
    CHECK(write(fd, &one, sizeof one), ==, sizeof one);
    UNTIL(green_wait_fd(fd, POLLIN, 0) == POLLIN);
    CHECK(green_wait_fd(fd, POLLIN | POLLOUT, GREEN_FOREVER), ==, POLLIN | POLLOUT);
    close(fd);
}

TEST(several, "several threads may wait for one descriptor") {
    int fd = eventfd(0, EFD_CLOEXEC);
    struct watch readable = {fd, POLLIN, GREEN_FOREVER};
    green_thread *threads[10];
    for (int i = 0; i < 10; i++)
        threads[i] = start(watch, &readable);
    let_run();
    uint64_t one = 1;
    CHECK(write(fd, &one, sizeof one), ==, sizeof one);
    for (int i = 0; i < 10; i++)
        CHECK(finish(threads[i]), ==, POLLIN);
    close(fd);
}

TEST(bad_descriptor, "an invalid descriptor is -EBADF") {
    CHECK(green_wait_fd(-1, POLLIN, GREEN_FOREVER), ==, -EBADF);
    CHECK(green_wait_fd(1 << 20, POLLIN, GREEN_FOREVER), ==, -EBADF);
    CHECK(*green_explain(-EBADF) != 0);
}

TEST(no_events, "no event is -EINVAL for a file, and reports only errors and the end for a socket") {
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC), ends[2];
    CHECK(green_wait_fd(file, 0, GREEN_FOREVER), ==, -EINVAL);
    close(file);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    CHECK(green_wait_fd(ends[0], 0, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    close(ends[1]);
    CHECK(green_wait_fd(ends[0], 0, GREEN_FOREVER), ==, POLLHUP);
    close(ends[0]);
}

/* Sockets whose peer has closed its half ------------------------------------------ */

/* From now on, bytes sent by the socket stay in its buffer, and no more bytes arrive. */
static void end_half(struct pair *pair) {
    CHECK(green_shutdown(pair->far, SHUT_WR), ==, 0);
    struct pollfd end = {.fd = green_socket_fd(pair->near), .events = POLLRDHUP};
    while (poll(&end, 1, -1) != 1)
        ;
}

static void fill(int fd) {
    static const char bytes[64 * 1024];
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
}

/* Fills a socket until it stays full: TCP may make room a little later. */
static void fill_and_wait(int fd, short events, int64_t timeout) {
    int result;
    do {
        fill(fd);
        result = green_wait_fd(fd, events, timeout);
    } while (result == POLLOUT);
    CHECK(result, ==, -ETIMEDOUT);
}

static void drain(int fd) {
    char bytes[64 * 1024];
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
}

static void expect_no_room(struct pair *pair) {
    int near = green_socket_fd(pair->near), far = green_socket_fd(pair->far);
    end_half(pair);
    fill_and_wait(near, POLLOUT, 5 * GREEN_MILLISECOND);
    struct watch room = {near, POLLOUT, GREEN_FOREVER};
    green_thread *thread = start(watch, &room);
    let_run();
    while (!green_thread_is_finished(thread)) {
        drain(far);
        CHECK(green_yield(), ==, 0);
    }
    CHECK(finish(thread), ==, POLLOUT);
}

TEST(half_closed_room, "a wait for room does not end because the peer has closed its half") {
    with_each_transport(expect_no_room);
}

static void expect_events_asked_for(struct pair *pair) {
    int near = green_socket_fd(pair->near);
    end_half(pair);
    CHECK(green_wait_fd(near, POLLIN, GREEN_FOREVER), ==, POLLIN);
    CHECK(green_wait_fd(near, POLLRDHUP, GREEN_FOREVER), ==, POLLRDHUP);
    CHECK(green_wait_fd(near, POLLIN | POLLRDHUP, GREEN_FOREVER), ==, POLLIN | POLLRDHUP);
    CHECK(green_wait_fd(near, POLLPRI, 2 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    struct watch none = {near, 0, 2 * GREEN_MILLISECOND};
    CHECK(watch(&none), ==, -ETIMEDOUT);
    none.timeout = GREEN_FOREVER;
    green_thread *thread = start(watch, &none), *killed = start(watch, &none);
    let_run();
    CHECK(kill_and_finish(killed), ==, -ECANCELED);
    CHECK(!green_thread_is_finished(thread));
    CHECK(shutdown(near, SHUT_WR), ==, 0);
    CHECK(finish(thread), ==, POLLHUP);
}

TEST(half_closed_events, "a wait reports only the requested events, errors and hang-ups") {
    with_each_transport(expect_events_asked_for);
}

TEST(half_closed_end, "a wait for room ends when the peer resets the connection") {
    struct pair pair = connected(TCP4);
    int near = green_socket_fd(pair.near);
    end_half(&pair);
    fill_and_wait(near, POLLOUT, 2 * GREEN_MILLISECOND);
    struct watch room = {near, POLLOUT, GREEN_FOREVER};
    green_thread *thread = start(watch, &room);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    reset_and_release(pair.far);
    CHECK(finish(thread) & (POLLERR | POLLHUP), ==, POLLERR | POLLHUP);
    green_socket_release(pair.near);
}

/* Urgent data ---------------------------------------------------------------------- */

static void send_byte(const struct pair *pair, int flags) {
    CHECK(send(green_socket_fd(pair->far), "x", 1, flags), ==, 1);
}

TEST(urgent, "a wait for urgent data ends when the data arrives, and not before") {
    struct pair pair = connected(TCP4);
    int near = green_socket_fd(pair.near);
    struct watch urgent = {near, POLLPRI, GREEN_FOREVER}, killed = urgent;
    green_thread *thread = start(watch, &urgent), *other = start(watch, &killed);
    let_run();
    for (int i = 0; i < 3; i++) {
        send_byte(&pair, 0);
        CHECK(green_wait_fd(near, POLLIN | POLLPRI, GREEN_FOREVER), ==, POLLIN);
        let_run();
        CHECK(!green_thread_is_finished(thread));
    }
    CHECK(kill_and_finish(other), ==, -ECANCELED);
    CHECK(green_wait_fd(near, POLLPRI, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    send_byte(&pair, MSG_OOB);
    CHECK(finish(thread), ==, POLLPRI);
    CHECK(watch(&urgent), ==, POLLPRI); /* the data is still unread */
    CHECK(green_wait_fd(near, POLLIN | POLLPRI, GREEN_FOREVER), ==, POLLIN | POLLPRI);
    release_pair(&pair);
}
