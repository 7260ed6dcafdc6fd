/* green_wait_fd: any descriptor that poll(2) knows. */
#include "helpers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

struct watch {
    int fd;
    short events;
    int64_t timeout;
};

static int watch(void *argument) {
    struct watch *watch = argument;
    return green_wait_fd(watch->fd, watch->events, watch->timeout);
}

TEST(readable, "a pipe is readable once there is something, and hung up once it is closed") {
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

TEST(zero, "a timeout of 0 asks without waiting") {
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

TEST(bad_descriptor, "a descriptor that is none is -EBADF") {
    CHECK(green_wait_fd(-1, POLLIN, GREEN_FOREVER), ==, -EBADF);
    CHECK(green_wait_fd(1 << 20, POLLIN, GREEN_FOREVER), ==, -EBADF);
    CHECK(*green_explain(-EBADF) != 0);
}
