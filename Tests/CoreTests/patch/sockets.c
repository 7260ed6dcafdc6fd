/* Patched calls on sockets and pipes: which calls wait, and their results. */
#include "patched_calls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Reading ----------------------------------------------------------------------- */

TEST(receive, "each receiving call waits for data and lets other threads run") {
    ssize_t (*const calls[])(struct task *) = {by_recv,  by_recvfrom,     by_recvmsg,     by_read,
                                               by_readv, by_read_checked, by_recv_checked};
    begin();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        int ends[2];
        char bytes[8] = "";
        socket_pair(ends);
        struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = calls[i]};
        begin_task(&task);
        CHECK(is_waiting(&task));
        CHECK(write(ends[1], "abc", 3), ==, 3);
        end_task(&task, 3, 0);
        CHECK_TEXT(bytes, "abc");
        CHECK(close(ends[1]), ==, 0);
        begin_task(&task);
        end_task(&task, 0, 0);
        CHECK(close(ends[0]), ==, 0);
    }
    end();
}

TEST(pipes, "a read from a pipe waits, a read from a file does not") {
    begin();
    int ends[2];
    char bytes[8] = "";
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = by_read};
    begin_task(&task);
    CHECK(is_waiting(&task));
    CHECK(lib->write(ends[1], "abc", 3), ==, 3);
    end_task(&task, 3, 0);
    CHECK(close(ends[1]), ==, 0);
    CHECK(lib->read(ends[0], bytes, sizeof bytes), ==, 0);
    CHECK(close(ends[0]), ==, 0);
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    CHECK(lib->read(file, bytes, sizeof bytes), ==, 8);
    CHECK(lib->read(file, bytes, 0), ==, 0);
    CHECK(close(file), ==, 0);
    file = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK(lib->read(file, bytes, sizeof bytes), ==, 0);
    CHECK(lib->write(file, bytes, sizeof bytes), ==, sizeof bytes);
    CHECK(close(file), ==, 0);
    errno = 0;
    CHECK(lib->read(-1, bytes, sizeof bytes), ==, -1);
    CHECK(errno, ==, EBADF);
    end();
}

TEST(all_of_it, "MSG_WAITALL waits for all data, or returns what there is at the end of the stream") {
    begin();
    int ends[2];
    char bytes[8] = "";
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = 6, .flags = MSG_WAITALL, .call = by_recv};
    begin_task(&task);
    CHECK(write(ends[1], "abc", 3), ==, 3);
    let_run();
    CHECK(is_waiting(&task));
    CHECK(write(ends[1], "defg", 4), ==, 4);
    end_task(&task, 6, 0);
    CHECK_TEXT(bytes, "abcdef");
    begin_task(&task);
    CHECK(close(ends[1]), ==, 0);
    end_task(&task, 1, 0);
    CHECK(close(ends[0]), ==, 0);
    end();
}

TEST(nonblocking, "O_NONBLOCK and MSG_DONTWAIT keep their meaning, and Green sets neither") {
    begin();
    int ends[2];
    char bytes[8];
    socket_pair(ends);
    CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK, ==, 0);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = by_recv};
    begin_task(&task);
    CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK, ==, 0);
    CHECK(write(ends[1], "x", 1), ==, 1);
    end_task(&task, 1, 0);
    CHECK(lib->recv(ends[0], bytes, 1, MSG_DONTWAIT), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK), ==, 0);
    ssize_t (*const calls[])(struct task *) = {by_recv, by_recvfrom, by_recvmsg, by_read, by_readv};
    for (size_t i = 0; i < 5; i++) {
        task.call = calls[i];
        begin_task(&task);
        CHECK(!is_waiting(&task));
        end_task(&task, -1, EAGAIN);
    }
    CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK, ==, O_NONBLOCK);
    close(ends[0]);
    close(ends[1]);
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    errno = 0;
    CHECK(lib->read(ends[0], bytes, 1), ==, -1);
    CHECK(errno, ==, EAGAIN);
    close(ends[0]);
    close(ends[1]);
    end();
}

static void fill_up(int fd) {
    static char bytes[1 << 16];
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    while (send(fd, bytes, 1, MSG_DONTWAIT) > 0)
        ;
}

TEST(limits, "SO_RCVTIMEO and SO_SNDTIMEO end a call with EAGAIN") {
    begin();
    int ends[2];
    char bytes[8] = "";
    socket_pair(ends);
    set_limit(ends[0], SO_RCVTIMEO, 20);
    set_limit(ends[0], SO_SNDTIMEO, 20);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = by_recv};
    int64_t before = green_now();
    begin_task(&task);
    end_task(&task, -1, EAGAIN);
    CHECK(green_now() - before, >=, 20 * GREEN_MILLISECOND);
    fill_up(ends[0]);
    before = green_now();
    task.call = by_send;
    begin_task(&task);
    end_task(&task, -1, EAGAIN);
    CHECK(green_now() - before, >=, 20 * GREEN_MILLISECOND);
    CHECK(close(ends[0]), ==, 0);
    CHECK(close(ends[1]), ==, 0);
    end();
}

/* Writing ----------------------------------------------------------------------- */

static int drain(void *argument) {
    static char bytes[MUCH];
    int fd = *(int *)argument;
    ssize_t count, total = 0;
    while (total < MUCH && (count = lib->read(fd, bytes, sizeof bytes)) > 0) {
        pattern_check(bytes, (size_t)count, (uint64_t)total);
        total += count;
    }
    CHECK(total, ==, MUCH);
    return 0;
}

static void send_much(int ends[2], ssize_t (*call)(struct task *task)) {
    static char bytes[MUCH];
    pattern_fill(bytes, MUCH, 0);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = MUCH, .call = call};
    begin_task(&task);
    CHECK(is_waiting(&task));
    green_thread *reader = start(drain, &ends[1]);
    end_task(&task, MUCH, 0);
    CHECK(finish(reader), ==, 0);
    close(ends[0]);
    close(ends[1]);
}

TEST(send_all, "each sending call waits until all data has been accepted") {
    ssize_t (*const calls[])(struct task *) = {by_write, by_writev, by_send, by_sendto, by_sendmsg};
    begin();
    for (size_t i = 0; i < 5; i++) {
        int ends[2];
        socket_pair(ends);
        send_much(ends, calls[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        int ends[2], turned[2];
        CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
        turned[0] = ends[1];
        turned[1] = ends[0];
        send_much(turned, calls[i]);
    }
    end();
}

TEST(broken, "a broken stream is EPIPE, but a partial transfer reports its bytes") {
    begin();
    static char bytes[MUCH];
    int ends[2];
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = MUCH, .flags = MSG_NOSIGNAL, .call = by_send};
    begin_task(&task);
    CHECK(is_waiting(&task));
    CHECK(close(ends[1]), ==, 0);
    CHECK(finish(task.thread), ==, 0);
    CHECK(task.result, >, 0);
    CHECK(task.result, <, MUCH);
    begin_task(&task);
    CHECK(finish(task.thread), ==, 0);
    CHECK(task.result, ==, -1);
    CHECK(task.error == EPIPE || task.error == ECONNRESET);
    CHECK(close(ends[0]), ==, 0);
    end();
}

/* Connecting -------------------------------------------------------------------- */

static int listen_on_loopback(struct sockaddr_in *address, int backlog) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(bind(fd, (struct sockaddr *)address, sizeof *address), ==, 0);
    CHECK(listen(fd, backlog), ==, 0);
    CHECK(getsockname(fd, (struct sockaddr *)address, &length), ==, 0);
    return fd;
}

TEST(connects, "accept waits for a connect, and both leave the descriptor flags unchanged") {
    begin();
    struct sockaddr_in address, from;
    socklen_t length = sizeof from;
    int listener = listen_on_loopback(&address, 16);
    struct task task = {.fd = listener, .call = by_accept};
    begin_task(&task);
    CHECK(is_waiting(&task));
    CHECK(fcntl(listener, F_GETFL) & O_NONBLOCK, ==, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(lib->connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, 0);
    CHECK(finish(task.thread), ==, 0);
    CHECK(task.result, >, 0);
    CHECK(getpeername((int)task.result, (struct sockaddr *)&from, &length), ==, 0);
    CHECK(fcntl((int)task.result, F_GETFL) & O_NONBLOCK, ==, 0);
    CHECK(fcntl((int)task.result, F_GETFD) & FD_CLOEXEC, ==, 0);
    CHECK(lib->connect(fd, (struct sockaddr *)&address, sizeof address), ==, -1);
    CHECK(errno, ==, EISCONN);
    close(fd);
    close((int)task.result);
    task.call = by_accept4;
    begin_task(&task);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(lib->connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    CHECK(finish(task.thread), ==, 0);
    CHECK(fcntl((int)task.result, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
    close(fd);
    close((int)task.result);
    CHECK(fcntl(listener, F_SETFL, O_NONBLOCK), ==, 0);
    CHECK(lib->accept(listener, NULL, NULL), ==, -1);
    CHECK(errno, ==, EAGAIN);
    close(listener);
    end();
}

TEST(refused, "a refused connect is ECONNREFUSED") {
    begin();
    struct sockaddr_in address;
    close(listen_on_loopback(&address, 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(lib->connect(fd, (struct sockaddr *)&address, sizeof address), ==, -1);
    CHECK(errno, ==, ECONNREFUSED);
    CHECK(lib->connect(-1, (struct sockaddr *)&address, sizeof address), ==, -1);
    CHECK(errno, ==, EBADF);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK), ==, 0);
    int listener = listen_on_loopback(&address, 1);
    CHECK(lib->connect(fd, (struct sockaddr *)&address, sizeof address), ==, -1);
    CHECK(errno, ==, EINPROGRESS);
    close(fd);
    close(listener);
    end();
}

static struct sockaddr_un full_address = {.sun_family = AF_UNIX, .sun_path = "\0green-patch-full"};

static ssize_t by_connect(struct task *task) {
    return lib->connect(task->fd, (struct sockaddr *)&full_address, sizeof full_address);
}

TEST(full_listener, "a connect to a full unix listener waits for room, up to SO_SNDTIMEO") {
    begin();
    snprintf(full_address.sun_path + 1, sizeof full_address.sun_path - 1, "green-patch-full-%d", getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[3];
    CHECK(bind(listener, (struct sockaddr *)&full_address, sizeof full_address), ==, 0);
    CHECK(listen(listener, 0), ==, 0);
    for (int i = 0; i < 3; i++)
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct task first = {.fd = fds[0], .call = by_connect}, second = {.fd = fds[1], .call = by_connect};
    begin_task(&first);
    end_task(&first, 0, 0);
    begin_task(&second);
    CHECK(is_waiting(&second));
    set_limit(fds[2], SO_SNDTIMEO, 10);
    struct task third = {.fd = fds[2], .call = by_connect};
    begin_task(&third);
    end_task(&third, -1, EAGAIN);
    CHECK(is_waiting(&second));
    close(accept(listener, NULL, NULL));
    end_task(&second, 0, 0);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(listener);
    end();
}
