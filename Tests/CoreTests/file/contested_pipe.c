/* A pipe whose bytes another process takes between a poll and the read that follows it,
 * where the kernel has no non-blocking read of pipes, as before Linux 6.4. */
#include "files.h"
#include "seccomp.h"

#include <poll.h>
#include <sys/syscall.h>

enum { BYTES = 3 };
static int contested = -1; /* its bytes vanish after the next poll that reports it */

/* Replaces the function of the C library. */
int poll(struct pollfd *polls, nfds_t count, int timeout) {
    struct timespec limit = {timeout / 1000, timeout % 1000 * 1000000L};
    int result = (int)syscall(SYS_ppoll, polls, count, timeout < 0 ? NULL : &limit, NULL, 0);
    if (result > 0 && count == 1 && polls->fd == contested) {
        char bytes[BYTES];
        contested = -1;
        CHECK(syscall(SYS_read, polls->fd, bytes, sizeof bytes), ==, BYTES);
    }
    return result;
}

static int read_some(void *file) {
    char bytes[256];
    return (int)green_file_read(file, bytes, sizeof bytes);
}

static void read_contested(void) {
    int ends[2];
    green_file *file;
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    CHECK(green_file_adopt(&file, ends[0]), ==, 0);
    green_thread *reader = start(read_some, file);
    let_run();
    contested = ends[0];
    CHECK(write(ends[1], "abc", BYTES), ==, BYTES);
    UNTIL(contested < 0);
    for (int i = 0; i < 5; i++)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(!green_thread_is_finished(reader));
    CHECK(write(ends[1], "defgh", 5), ==, 5);
    CHECK(finish(reader), ==, 5);
    close(ends[1]);
    CHECK(read_some(file), ==, 0);
    green_file_free(file);
}

static void read_packets(void) {
    int ends[2];
    green_file *file;
    CHECK(pipe2(ends, O_CLOEXEC | O_DIRECT), ==, 0);
    CHECK(green_file_adopt(&file, ends[0]), ==, 0);
    CHECK(write(ends[1], "abc", 3), ==, 3);
    CHECK(write(ends[1], "defgh", 5), ==, 5);
    CHECK(read_some(file), ==, 3);
    CHECK(read_some(file), ==, 5);
    green_file_free(file);
    close(ends[1]);
}

/* Bytes that a read leaves behind must not be returned by the next one. */
static void read_to_nowhere(void) {
    int ends[2];
    char bytes[8];
    green_file *file;
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    CHECK(green_file_adopt(&file, ends[0]), ==, 0);
    CHECK(write(ends[1], "abc", 3), ==, 3);
    CHECK(green_file_read(file, (void *)8, 3), ==, -EFAULT);
    CHECK(write(ends[1], "xyz", 3), ==, 3);
    ssize_t count = green_file_read(file, bytes, sizeof bytes);
    CHECK(count, >=, 3);
    CHECK(memcmp(bytes + count - 3, "xyz", 3), ==, 0);
    green_file_free(file);
    close(ends[1]);
}

static void read_much(void) {
    enum { MUCH = 50000 };
    static char sent[MUCH], received[MUCH];
    struct pipe_ends ends = pipe_of(0);
    size_t count = 0;
    for (int i = 0; i < MUCH; i++)
        sent[i] = (char)(i * 7 + i / 4096);
    CHECK(green_file_write(ends.far, sent, MUCH), ==, MUCH);
    while (count < MUCH) {
        ssize_t result = green_file_read(ends.near, received + count, MUCH - count);
        CHECK(result, >, 0);
        count += (size_t)result;
    }
    CHECK(memcmp(sent, received, MUCH), ==, 0);
    green_file_free(ends.near);
    green_file_free(ends.far);
}

static int next_descriptor(void) {
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    close(fd);
    return fd;
}

static void (*body)(void);

static void run_body(void) {
    int next = next_descriptor();
    refuse_call(SYS_preadv2, EOPNOTSUPP);
    on_each_engine(body);
    CHECK(next_descriptor(), ==, next);
}

static void without_nowait(void (*which)(void)) {
    struct child child;
    needs_kernel();
    body = which;
    run_child(&child, run_body);
    if (child.status != 0)
        printf("%s\n", child.output);
    CHECK(child.status, ==, 0);
}

TEST(taken, "a hub is not blocked when another process takes the bytes that a poll has reported") {
    without_nowait(read_contested);
}

TEST(packets, "without non-blocking reads of pipes, a read returns one packet") {
    without_nowait(read_packets);
}

TEST(failed_read, "without non-blocking reads of pipes, a failed read leaves no bytes to the next one") {
    without_nowait(read_to_nowhere);
}

TEST(in_order, "without non-blocking reads of pipes, all bytes arrive in order") {
    without_nowait(read_much);
}
