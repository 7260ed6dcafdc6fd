/* Files that are freed on another OS thread than that of their hub. */
#include "helpers.h"
#include "os_threads.h"

#include <signal.h>

static void free_file(void *file) {
    green_file_free(file);
}

static uint64_t files(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.sockets;
}

static green_file *adopted(int fd) {
    green_file *file;
    CHECK(fd, >=, 0);
    CHECK(green_file_adopt(&file, fd), ==, 0);
    return file;
}

TEST(files, "a file that another OS thread frees is closed: 100 of 100") {
    CHECK(green_yield(), ==, 0);
    size_t descriptors = open_descriptors();
    for (int i = 0; i < 100; i++)
        on_os_thread(free_file, adopted(open("/dev/null", O_RDWR | O_CLOEXEC)));
    UNTIL(files() == 0);
    CHECK(open_descriptors(), ==, descriptors);
}

static int read_file(void *file) {
    char byte;
    return (int)green_file_read(file, &byte, 1);
}

TEST(blocked, "a thread that reads from a pipe gets -EBADF when another OS thread frees it") {
    int fds[2];
    CHECK(pipe2(fds, O_CLOEXEC), ==, 0);
    green_file *input = adopted(fds[0]);
    green_thread *reader = start(read_file, input);
    let_run();
    on_os_thread(free_file, input);
    CHECK(finish(reader), ==, -EBADF);
    CHECK(files(), ==, 0);
    CHECK(close(fds[1]), ==, 0);
}

static int close_file(void *file) {
    return green_file_close(file);
}

static int close_elsewhere(green_file *file) {
    struct os_thread other;
    os_thread_start(&other, close_file, file);
    return os_thread_finish(&other);
}

TEST(close, "a close on another OS thread closes the file, and ends the calls of other threads") {
    int fds[2];
    CHECK(pipe2(fds, O_CLOEXEC), ==, 0);
    green_file *input = adopted(fds[0]), *output = adopted(fds[1]);
    green_thread *reader = start(read_file, input);
    let_run();
    CHECK(close_elsewhere(input), ==, 0);
    CHECK(finish(reader), ==, -EBADF);
    CHECK(green_file_fd(input), ==, -EBADF);
    CHECK(green_file_write(output, "x", 1), ==, -EPIPE);
    CHECK(close_elsewhere(input), ==, 0);
    CHECK(close_elsewhere(output), ==, 0);
    CHECK(files(), ==, 0);
    green_file_free(input);
    green_file_free(output);
}

static struct {
    green_file *reading, *idle;
    int peers[2];
} left;

static int leave_in_use(void *unused) {
    (void)unused;
    int fds[2];
    CHECK(pipe2(fds, O_CLOEXEC), ==, 0);
    left.reading = adopted(fds[0]);
    left.peers[0] = fds[1];
    CHECK(pipe2(fds, O_CLOEXEC), ==, 0);
    left.idle = adopted(fds[0]);
    left.peers[1] = fds[1];
    (void)start(read_file, left.reading);
    let_run();
    return 0;
}

static bool closes_first;

static void check_ended_in_use(void) {
    struct os_thread owner;
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    os_thread_start(&owner, leave_in_use, NULL);
    CHECK(os_thread_finish(&owner), ==, 0);
    if (closes_first) {
        CHECK(close_elsewhere(left.reading), ==, 0);
        CHECK(close_elsewhere(left.idle), ==, 0);
        CHECK(green_file_close(left.idle), ==, 0);
    }
    on_os_thread(free_file, left.reading);
    on_os_thread(free_file, left.idle);
    CHECK(write(left.peers[1], "x", 1), ==, -1);
    CHECK(green_hub_close(), ==, 0);
}

TEST(ended_in_use, "files of a hub whose OS thread ended in use are closed when another OS thread frees them") {
    struct child child;
    run_child(&child, check_ended_in_use);
    CHECK_CONTAINS(child.output, "ended while its hub was in use");
    CHECK(child.status, ==, 0);
}

TEST(closed_in_use, "files of a hub whose OS thread ended in use may be closed on another OS thread") {
    struct child child;
    closes_first = true;
    run_child(&child, check_ended_in_use);
    CHECK_CONTAINS(child.output, "ended while its hub was in use");
    CHECK(child.status, ==, 0);
}
