/* Patched calls on sockets whose state causes wake-ups without progress: a peer that has
 * closed its half, an unread error in a queue, a full receiver of datagrams. */
#include "patched_calls.h"

#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/un.h>

static ssize_t by_poll(struct task *task) {
    struct pollfd polled = {.fd = task->fd, .events = (short)task->flags};
    return lib->poll(&polled, 1, (int)task->size);
}

static uint64_t system_calls(void) {
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, 0);
    return statistics.system_calls;
}

/* A state that persists wakes a call about once a millisecond. */
static void expect_few_calls(const struct task *task) {
    uint64_t before = system_calls();
    int64_t begun = green_now();
    for (int i = 0; i < 10; i++)
        CHECK(green_sleep(3 * GREEN_MILLISECOND), ==, 0);
    int64_t milliseconds = (green_now() - begun) / GREEN_MILLISECOND;
    CHECK(is_waiting(task));
    CHECK(system_calls() - before, <, 200 + 10 * milliseconds);
}

/* A state that the call does not wait for does not wake it. */
static void expect_no_calls(const struct task *task) {
    uint64_t before = system_calls();
    CHECK(green_sleep(100 * GREEN_MILLISECOND), ==, 0);
    CHECK(is_waiting(task));
    CHECK(system_calls() - before, <, 50);
}

static void fill(int fd) {
    static const char bytes[64 * 1024];
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
}

static size_t drain(int fd) {
    static char bytes[64 * 1024];
    ssize_t count = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return count > 0 ? (size_t)count : 0;
}

/* Its second end has closed its half. */
static void half_closed_pair(int ends[2]) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    CHECK(shutdown(ends[1], SHUT_WR), ==, 0);
}

TEST(send_half_closed, "a send waits for a peer that has closed its half and does not read") {
    ssize_t (*const calls[])(struct task *) = {by_send, by_sendto, by_sendmsg, by_write, by_writev};
    static char bytes[MUCH];
    begin();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        int ends[2];
        half_closed_pair(ends);
        struct task task = {.fd = ends[0], .bytes = bytes, .size = MUCH, .call = calls[i]};
        begin_task(&task);
        expect_no_calls(&task);
        for (size_t got = 0; got < MUCH;) {
            got += drain(ends[1]);
            CHECK(green_yield(), ==, 0);
        }
        end_task(&task, MUCH, 0);
        fill(ends[0]);
        set_limit(ends[0], SO_SNDTIMEO, 5);
        begin_task(&task);
        end_task(&task, -1, EAGAIN);
        close(ends[0]);
        close(ends[1]);
    }
    end();
}

TEST(poll_half_closed, "poll waits for room even if the peer has closed its half") {
    int ends[2];
    begin();
    half_closed_pair(ends);
    fill(ends[0]);
    struct task task = {.fd = ends[0], .flags = POLLOUT, .size = 5, .call = by_poll};
    begin_task(&task);
    end_task(&task, 0, 0);
    task.size = (size_t)-1;
    begin_task(&task);
    expect_no_calls(&task);
    while (drain(ends[1]) > 0)
        ;
    end_task(&task, 1, 0);
    close(ends[0]);
    close(ends[1]);
    end();
}

static int bound_socket(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(bind(fd, (struct sockaddr *)address, sizeof *address), ==, 0);
    CHECK(getsockname(fd, (struct sockaddr *)address, &(socklen_t){sizeof *address}), ==, 0);
    return fd;
}

/* A socket with an unread error in its queue. */
static int with_error(struct sockaddr_in *address) {
    struct sockaddr_in dead;
    int yes = 1, fd = bound_socket(address);
    close(bound_socket(&dead));
    CHECK(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof yes), ==, 0);
    CHECK(sendto(fd, "x", 1, 0, (struct sockaddr *)&dead, sizeof dead), ==, 1);
    struct pollfd error = {.fd = fd};
    while (poll(&error, 1, -1) != 1)
        ;
    CHECK(recv(fd, &yes, 1, MSG_DONTWAIT), ==, -1);
    CHECK(errno, ==, ECONNREFUSED);
    return fd;
}

TEST(error_queue, "a receive waits on a socket with a queued error, and a close ends it") {
    ssize_t (*const calls[])(struct task *) = {by_recv, by_recvfrom, by_recvmsg, by_read, by_readv};
    begin();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct sockaddr_in address;
        char bytes[8];
        int fd = with_error(&address);
        struct task task = {.fd = fd, .bytes = bytes, .size = sizeof bytes, .call = calls[i]};
        begin_task(&task);
        expect_few_calls(&task);
        CHECK(sendto(fd, "abc", 3, 0, (struct sockaddr *)&address, sizeof address), ==, 3);
        end_task(&task, 3, 0);
        set_limit(fd, SO_RCVTIMEO, 5);
        begin_task(&task);
        end_task(&task, -1, EAGAIN);
        set_limit(fd, SO_RCVTIMEO, 0);
        begin_task(&task);
        expect_few_calls(&task);
        CHECK(lib->close(fd), ==, 0);
        end_task(&task, -1, EBADF);
    }
    end();
}

TEST(error_queue_killed, "a kill ends a receive on a socket with a queued error") {
    struct sockaddr_in address;
    char bytes[8];
    begin();
    int fd = with_error(&address);
    struct task task = {.fd = fd, .bytes = bytes, .size = sizeof bytes, .call = by_recv};
    for (int i = 0; i < 20; i++) {
        begin_task(&task);
        CHECK(green_sleep(i % 5 * GREEN_MILLISECOND / 3), ==, 0);
        green_thread_kill(task.thread);
        end_task(&task, -1, ECANCELED);
    }
    close(fd);
    end();
}

static struct sockaddr_un receiver_address = {.sun_family = AF_UNIX};
static socklen_t receiver_length;

static ssize_t by_sendto_receiver(struct task *task) {
    return lib->sendto(task->fd, task->bytes, task->size, 0, (struct sockaddr *)&receiver_address, receiver_length);
}

TEST(full_receiver, "a datagram to a full unix socket waits for room") {
    int receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0),
        filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), count = 0;
    begin();
    /* The kernel selects a free name. */
    CHECK(bind(receiver, (struct sockaddr *)&receiver_address, offsetof(struct sockaddr_un, sun_path)), ==, 0);
    receiver_length = sizeof receiver_address;
    CHECK(getsockname(receiver, (struct sockaddr *)&receiver_address, &receiver_length), ==, 0);
    while (sendto(filler, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&receiver_address, receiver_length) == 1)
        count++;
    CHECK(count, >, 0);
    struct task task = {.fd = sender, .bytes = "y", .size = 1, .call = by_sendto_receiver};
    begin_task(&task);
    expect_few_calls(&task);
    CHECK(drain(receiver), ==, 1);
    end_task(&task, 1, 0);
    close(sender);
    close(filler);
    close(receiver);
    end();
}
