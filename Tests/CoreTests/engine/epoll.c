/* Behaviour of the epoll engine only. The rest of the suite runs on it, too. */
#include "helpers.h"
#include "seccomp.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void use_epoll(void) {
    green_hub_options options = {.engine = "epoll", .receive_memory = 64 << 10};
    CHECK(green_hub_open(&options), ==, 0);
}

static uint64_t system_calls(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.system_calls;
}

static int echo(void *argument) {
    green_socket *socket = argument;
    char bytes[64];
    ssize_t count;
    while ((count = green_read(socket, bytes, sizeof bytes)) > 0)
        CHECK(green_write(socket, bytes, (size_t)count), ==, count);
    return (int)count;
}

TEST(calls, "a message on a busy connection costs one receive, one send and a share of one epoll_wait") {
    enum { MESSAGES = 1000 };
    use_epoll();
    struct pair pair = connected(TCP4);
    green_thread *thread = start(echo, pair.far);
    send_text(pair.near, "first");
    expect_text(pair.near, "first");
    uint64_t before = system_calls();
    for (int i = 0; i < MESSAGES; i++) {
        send_text(pair.near, "again");
        expect_text(pair.near, "again");
    }
    /* Each message is echoed: two sends, two receives, and at most as many waits. */
    CHECK(system_calls() - before, <=, 8 * MESSAGES + 16);
    CHECK(green_shutdown(pair.near, SHUT_WR), ==, 0);
    CHECK(finish(thread), ==, 0);
    release_pair(&pair);
}

static int read_to_end(void *argument) {
    char bytes[4];
    ssize_t count, all = 0;
    while ((count = green_read(argument, bytes, sizeof bytes)) > 0)
        all += count;
    return count < 0 ? (int)count : (int)all;
}

static int keep_errno(void *argument) {
    char byte;
    errno = ENOTTY;
    int error = (int)green_read(argument, &byte, 1); /* the engine learns that by an EAGAIN */
    CHECK(errno, ==, ENOTTY);
    return error;
}

TEST(errno_is_kept, "the engine's system calls do not change the errno of a green thread") {
    use_epoll();
    struct pair pair = connected(TCP4);
    green_thread *thread = start(keep_errno, pair.far);
    errno = EISDIR;
    CHECK(green_sleep(2 * GREEN_MILLISECOND), ==, 0);
    CHECK(errno, ==, EISDIR);
    send_text(pair.near, "x");
    CHECK(errno, ==, EISDIR);
    CHECK(finish(thread), ==, 1);
    release_pair(&pair);
}

TEST(end_with_bytes, "an end of stream that arrives together with bytes is reported, whatever the sizes") {
    use_epoll();
    for (int size = 0; size <= 9; size++) {
        struct pair pair = connected(TCP4);
        green_thread *thread = start(read_to_end, pair.far);
        let_run();
        if (size > 0)
            CHECK(green_write(pair.near, "123456789", (size_t)size), ==, size);
        CHECK(green_close(pair.near), ==, 0);
        CHECK(finish(thread), ==, size);
        release_pair(&pair);
    }
}

TEST(urgent, "bytes behind an urgent byte are received") {
    use_epoll();
    struct pair pair = connected(TCP4);
    green_thread *thread = start(read_to_end, pair.far);
    let_run();
    int fd = green_socket_fd(pair.near);
    CHECK(send(fd, "ab", 2, 0), ==, 2);
    CHECK(send(fd, "!", 1, MSG_OOB), ==, 1);
    CHECK(send(fd, "cd", 2, 0), ==, 2);
    CHECK(green_shutdown(pair.near, SHUT_WR), ==, 0);
    CHECK(finish(thread), ==, 4);
    release_pair(&pair);
}

TEST(datagrams, "all queued datagrams are received, although each is shorter than the buffer") {
    int ends[2];
    use_epoll();
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    green_socket *near, *far;
    CHECK(green_socket_adopt(&near, ends[0]), ==, 0);
    CHECK(green_socket_adopt(&far, ends[1]), ==, 0);
    char bytes[16];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5; i++)
            CHECK(green_write(near, "abc", 3), ==, 3);
        for (int i = 0; i < 5; i++)
            CHECK(green_read(far, bytes, sizeof bytes), ==, 3);
    }
    green_socket_release(near);
    green_socket_release(far);
}

TEST(number, "a reused descriptor number gets no events of the previous socket, even if a copy is still open") {
    use_epoll();
    for (int keep = 0; keep < 2; keep++) {
        struct pair first = connected(UNIX_PAIR);
        int fd = green_socket_fd(first.near);
        send_text(first.far, "x");
        expect_text(first.near, "x");
        int kept = keep ? dup(fd) : -1;
        release_pair(&first);
        struct pair second = connected(UNIX_PAIR);
        CHECK(green_socket_fd(second.near) == fd || green_socket_fd(second.far) == fd);
        green_thread *thread = start(echo, second.near);
        let_run();
        send_text(second.far, "fresh");
        expect_text(second.far, "fresh");
        CHECK(green_shutdown(second.far, SHUT_WR), ==, 0);
        CHECK(finish(thread), ==, 0);
        release_pair(&second);
        if (keep)
            CHECK(close(kept), ==, 0);
    }
}

static int wait_readable(void *argument) {
    return green_wait_fd(*(int *)argument, POLLIN, GREEN_FOREVER);
}

/* The number of entries with this descriptor number in an epoll of this process. */
static int watches_of(int number) {
    char path[64], line[256];
    int count = 0, watched;
    for (int fd = 3; fd < 2048; fd++) {
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
        FILE *file = fopen(path, "re");
        while (file && fgets(line, sizeof line, file))
            count += sscanf(line, "tfd: %d", &watched) == 1 && watched == number;
        if (file)
            fclose(file);
    }
    return count;
}

TEST(child_holds, "a closed socket is no longer watched, even if a forked child has a copy of its descriptor") {
    int go[2], status;
    use_epoll();
    needs_kernel();
    CHECK(pipe2(go, O_CLOEXEC), ==, 0);
    struct pair pair = connected(TCP4);
    send_text(pair.far, "x");
    expect_text(pair.near, "x");
    green_thread *reader = start(read_to_end, pair.near); /* it is watched once it waits */
    let_run();
    int number = green_socket_fd(pair.near);
    CHECK(watches_of(number), ==, 1);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(go[1]);
        _exit((int)read(go[0], &byte, 1));
    }
    CHECK(green_close(pair.near), ==, 0);
    CHECK(finish(reader), ==, -EBADF);
    CHECK(watches_of(number), ==, 0);
    close(go[1]);
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    close(go[0]);
    release_pair(&pair);
}

TEST(foreign, "green_wait_fd works for a descriptor that was closed and reopened without Green's knowledge") {
    use_epoll();
    for (int round = 0; round < 3; round++) {
        int ends[2];
        CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
        green_thread *first = start(wait_readable, &ends[0]), *second = start(wait_readable, &ends[0]);
        let_run();
        CHECK(write(ends[1], "x", 1), ==, 1);
        CHECK(finish(first), ==, POLLIN);
        CHECK(finish(second), ==, POLLIN);
        close(ends[0]);
        close(ends[1]);
    }
}

TEST(waiter_of_closed, "green_wait_fd on a socket's descriptor ends when the socket is closed") {
    use_epoll();
    struct pair pair = connected(TCP4);
    int fd = green_socket_fd(pair.near);
    green_thread *thread = start(wait_readable, &fd);
    let_run();
    CHECK(green_close(pair.near), ==, 0);
    CHECK(finish(thread), ==, -EBADF);
    release_pair(&pair);
}

TEST(files, "a regular file is always ready, as poll(2) reports it") {
    use_epoll();
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(fd, >=, 0);
    CHECK(green_wait_fd(fd, POLLIN, GREEN_FOREVER), ==, POLLIN);
    close(fd);
    CHECK(green_wait_fd(fd, POLLIN, GREEN_FOREVER), ==, -EBADF);
}

TEST(flags, "the engine does not change the O_NONBLOCK flag of sockets") {
    use_epoll();
    struct pair pair = connected(TCP4);
    CHECK(fcntl(green_socket_fd(pair.near), F_GETFL) & O_NONBLOCK, ==, 0);
    CHECK(fcntl(green_socket_fd(pair.far), F_GETFL) & O_NONBLOCK, ==, 0);
    release_pair(&pair);
}

TEST(high_numbers, "descriptors with high numbers can be waited for") {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    limit.rlim_cur = limit.rlim_max < 100000 ? limit.rlim_max : 100000;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    use_epoll();
    /* Includes the numbers at which the engine's table grows. */
    const int numbers[] = {1024, 2048, 4096, (int)limit.rlim_cur - 1};
    struct pair pair = connected(TCP4);
    for (int i = 0; i < 4; i++) {
        int high = fcntl(green_socket_fd(pair.near), F_DUPFD_CLOEXEC, numbers[i]);
        CHECK(high, ==, numbers[i]);
        green_socket *socket;
        CHECK(green_socket_adopt(&socket, high), ==, 0);
        send_text(socket, "up here");
        expect_text(pair.far, "up here");
        send_text(pair.far, "down there");
        expect_text(socket, "down there");
        green_socket_release(socket);
    }
    release_pair(&pair);
}

static int refusal; /* the error of the refused call */

static void sleep_in_milliseconds(void) {
    refuse_call(SYS_epoll_pwait2, refusal);
    use_epoll();
    int64_t before = green_now();
    CHECK(green_sleep(1), ==, 0);
    CHECK(green_sleep(1500 * GREEN_MICROSECOND), ==, 0);
    CHECK(green_now() - before, >=, 1500 * GREEN_MICROSECOND);
    struct pair pair = connected(TCP4);
    send_text(pair.near, "old kernel");
    expect_text(pair.far, "old kernel");
    release_pair(&pair);
}

/* Filters older than epoll_pwait2 refuse it with EPERM. */
TEST(before_pwait2, "without epoll_pwait2, sleeps last at least as long as requested, in whole milliseconds") {
    static const int refusals[] = {ENOSYS, EPERM};
    needs_kernel();
    struct child child;
    for (int i = 0; i < 2; i++) {
        refusal = refusals[i];
        run_child(&child, sleep_in_milliseconds);
        CHECK_TEXT(child.output, "");
        CHECK(child.status, ==, 0);
    }
}

static void sleep_without_pwait2(void) {
    CHECK(setenv("GREEN_DISABLE", "epoll_pwait2", 1), ==, 0);
    sleep_in_milliseconds();
}

/* This error would end the process. */
TEST(disabled_pwait2, "epoll_pwait2 is not called if GREEN_DISABLE names it") {
    needs_kernel();
    struct child child;
    refusal = E2BIG;
    run_child(&child, sleep_without_pwait2);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

static void read_signal(void) {
    refuse_call(SYS_preadv2, refusal);
    use_epoll();
    green_signals *signals;
    CHECK(green_signals_open(&signals, (int[]){SIGUSR1}, 1), ==, 0);
    CHECK(green_signals_next(signals, 0), ==, -ETIMEDOUT);
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    CHECK(green_signals_next(signals, GREEN_FOREVER), ==, SIGUSR1);
    green_signals_free(signals);
}

TEST(before_nowait, "a file that cannot be read without blocking is read when poll(2) reports it as readable") {
    static const int refusals[] = {EOPNOTSUPP, ENOSYS, EINVAL};
    needs_kernel();
    struct child child;
    for (int i = 0; i < 3; i++) {
        refusal = refusals[i];
        run_child(&child, read_signal);
        CHECK_TEXT(child.output, "");
        CHECK(child.status, ==, 0);
    }
}
