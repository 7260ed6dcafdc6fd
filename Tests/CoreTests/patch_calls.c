/* Sockets and pipes through patched calls: who waits, what is returned, what ends
 * a call early. */
#include "patches.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

static const struct fixture *lib;
static green_patch *patch;

static void begin(void) {
    patch = import(PATCHED_NOW);
    lib = load_fixture(PATCHED_NOW);
}

static void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

/* A call in a thread of its own, and what came of it. */
struct task {
    int fd;
    void *bytes;
    size_t size;
    int flags;
    ssize_t result;
    int error;
    green_thread *thread;
    ssize_t (*call)(struct task *task);
};

static int run_task(void *argument) {
    struct task *task = argument;
    errno = 0;
    task->result = task->call(task);
    task->error = errno;
    return 0;
}

static void begin_task(struct task *task) {
    task->thread = start(run_task, task);
    let_run();
}

static bool is_waiting(const struct task *task) {
    return !green_thread_is_finished(task->thread);
}

static void end_task(struct task *task, ssize_t result, int error) {
    CHECK(finish(task->thread), ==, 0);
    CHECK(task->result, ==, result);
    CHECK(task->error, ==, error);
}

static ssize_t by_recv(struct task *task) {
    return lib->recv(task->fd, task->bytes, task->size, task->flags);
}

static ssize_t by_recvfrom(struct task *task) {
    return lib->recvfrom(task->fd, task->bytes, task->size, task->flags, NULL, NULL);
}

static ssize_t by_recvmsg(struct task *task) {
    struct msghdr message = {.msg_iov = &(struct iovec){task->bytes, task->size}, .msg_iovlen = 1};
    return lib->recvmsg(task->fd, &message, task->flags);
}

static ssize_t by_read(struct task *task) {
    return lib->read(task->fd, task->bytes, task->size);
}

static ssize_t by_readv(struct task *task) {
    struct iovec pieces[] = {{task->bytes, 1}, {(char *)task->bytes + 1, task->size - 1}};
    return lib->readv(task->fd, pieces, 2);
}

static ssize_t by_read_checked(struct task *task) {
    return lib->read_checked(task->fd, task->bytes, task->size, task->size);
}

static ssize_t by_recv_checked(struct task *task) {
    return lib->recv_checked(task->fd, task->bytes, task->size, task->size, task->flags);
}

static ssize_t by_write(struct task *task) {
    return lib->write(task->fd, task->bytes, task->size);
}

static ssize_t by_writev(struct task *task) {
    struct iovec pieces[] = {{task->bytes, 1}, {(char *)task->bytes + 1, task->size - 1}};
    return lib->writev(task->fd, pieces, 2);
}

static ssize_t by_send(struct task *task) {
    return lib->send(task->fd, task->bytes, task->size, task->flags);
}

static ssize_t by_sendto(struct task *task) {
    return lib->sendto(task->fd, task->bytes, task->size, task->flags, NULL, 0);
}

static ssize_t by_sendmsg(struct task *task) {
    struct msghdr message = {.msg_iov = &(struct iovec){task->bytes, task->size}, .msg_iovlen = 1};
    return lib->sendmsg(task->fd, &message, task->flags);
}

static ssize_t by_accept(struct task *task) {
    return lib->accept(task->fd, NULL, NULL);
}

static ssize_t by_accept4(struct task *task) {
    return lib->accept4(task->fd, NULL, NULL, SOCK_CLOEXEC);
}

/* Reading ----------------------------------------------------------------------- */

TEST(receive, "every call that receives waits for its bytes, and others run meanwhile") {
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

TEST(pipes, "pipes are waited for, files are not") {
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

TEST(all_of_it, "MSG_WAITALL waits for all of it, and gives what there is at the end of the stream") {
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

TEST(nonblocking, "O_NONBLOCK and MSG_DONTWAIT mean what they say, and Green sets neither") {
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

static void set_limit(int fd, int option, int milliseconds) {
    struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};
    CHECK(setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit), ==, 0);
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

enum { MUCH = 1 << 20 };

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

TEST(send_all, "every call that sends waits until all has been taken") {
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

TEST(broken, "a broken stream is EPIPE; what was sent until then counts") {
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

TEST(connects, "accept waits for a connect, and both leave the descriptors as they are") {
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

TEST(refused, "a connect that is refused says so") {
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

/* What ends a call early -------------------------------------------------------- */

TEST(closed, "a close, or a dup2 in its place, ends the calls that wait with EBADF") {
    begin();
    for (int way = 0; way < 2; way++) {
        int ends[2], other[2];
        char bytes[8];
        socket_pair(ends);
        socket_pair(other);
        struct task tasks[3];
        for (int i = 0; i < 3; i++) {
            tasks[i] = (struct task){.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = by_recv};
            begin_task(&tasks[i]);
        }
        if (way == 0)
            CHECK(lib->close(ends[0]), ==, 0);
        else
            CHECK(lib->dup2(other[0], ends[0]), ==, ends[0]);
        CHECK(write(other[1], "abc", 3), ==, 3); /* for nobody who waited before */
        for (int i = 0; i < 3; i++)
            end_task(&tasks[i], -1, EBADF);
        if (way == 1)
            close(ends[0]);
        close(ends[1]);
        close(other[0]);
        close(other[1]);
    }
    end();
}

TEST(killed, "a kill ends a call with ECANCELED, once") {
    begin();
    int ends[2];
    char bytes[8];
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes, .call = by_recv};
    begin_task(&task);
    CHECK(green_thread_kill(task.thread), ==, 0);
    end_task(&task, -1, ECANCELED);
    begin_task(&task);
    CHECK(is_waiting(&task));
    CHECK(write(ends[1], "abc", 3), ==, 3);
    CHECK(green_thread_kill(task.thread), ==, 0);
    end_task(&task, 3, 0); /* the bytes are there: the interrupt is for the next call */
    close(ends[0]);
    close(ends[1]);
    end();
}

static int two_calls(void *argument) {
    struct task *task = argument;
    static char bytes[MUCH];
    task->result = lib->send(task->fd, bytes, MUCH, 0);
    CHECK(task->result, >, 0);
    CHECK(task->result, <, MUCH);
    CHECK(lib->send(task->fd, bytes, MUCH, 0), ==, -1);
    CHECK(errno, ==, ECANCELED);
    return 0;
}

TEST(killed_halfway, "a call that has sent some of it says so, and the next one has the interrupt") {
    begin();
    int ends[2];
    socket_pair(ends);
    struct task task = {.fd = ends[0]};
    green_thread *thread = start(two_calls, &task);
    let_run();
    CHECK(kill_and_finish(thread), ==, 0);
    close(ends[0]);
    close(ends[1]);
    end();
}

static int receive_within(void *argument) {
    struct task *task = argument;
    green_timeout *limit;
    CHECK(green_timeout_start(&limit, 10 * GREEN_MILLISECOND), ==, 0);
    CHECK(lib->recv(task->fd, task->bytes, task->size, 0), ==, -1);
    CHECK(errno, ==, ETIMEDOUT);
    CHECK(green_timeout_has_fired(limit));
    green_timeout_cancel(limit);
    return 0;
}

TEST(timeout, "a timeout of the thread ends a call with ETIMEDOUT") {
    begin();
    int ends[2];
    char bytes[8];
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes};
    CHECK(finish(start(receive_within, &task)), ==, 0);
    close(ends[0]);
    close(ends[1]);
    end();
}

/* Who passes through -------------------------------------------------------------- */

static void *call_without_hub(void *argument) {
    struct task *task = argument;
    task->result = lib->recv(task->fd, task->bytes, task->size, 0);
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, -ENOENT);
    return NULL;
}

TEST(without_hub, "an OS thread without a hub blocks as ever, and gets none by it") {
    begin();
    int ends[2];
    char bytes[8];
    pthread_t thread;
    socket_pair(ends);
    struct task task = {.fd = ends[0], .bytes = bytes, .size = sizeof bytes};
    CHECK(pthread_create(&thread, NULL, call_without_hub, &task), ==, 0);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    CHECK(write(ends[1], "abc", 3), ==, 3);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(task.result, ==, 3);
    close(ends[0]);
    close(ends[1]);
    end();
}

static void call_in_link(green_thread *thread, void *argument) {
    (void)thread;
    struct task *task = argument;
    task->result = lib->poll(NULL, 0, 5);
}

TEST(in_a_link, "in a link, where nothing may block, a call passes through") {
    begin();
    int value = 3;
    struct task task = {.result = -7};
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, call_in_link, &task), ==, 0);
    CHECK(finish(thread), ==, 3);
    CHECK(task.result, ==, 0);
    end();
}

/* Many ----------------------------------------------------------------------------- */

enum { CROWD = 200 };

static int wait_in_crowd(void *argument) {
    char byte;
    return (int)lib->recv(*(int *)argument, &byte, 1, 0);
}

TEST(crowd, "many green threads wait in a library's calls on one OS thread") {
    begin();
    static int ends[CROWD][2];
    green_thread *threads[CROWD];
    size_t before = os_threads();
    for (int i = 0; i < CROWD; i++) {
        socket_pair(ends[i]);
        threads[i] = start(wait_in_crowd, &ends[i][0]);
    }
    let_run();
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, 0);
    CHECK(statistics.parked, ==, CROWD);
    CHECK(os_threads(), ==, before);
    for (int i = CROWD; i-- > 0;)
        CHECK(write(ends[i][1], "x", 1), ==, 1);
    for (int i = 0; i < CROWD; i++) {
        CHECK(finish(threads[i]), ==, 1);
        close(ends[i][0]);
        close(ends[i][1]);
    }
    end();
}

/* At random -------------------------------------------------------------------------- */

enum { WANDERERS = 50, STEPS = 60 };

static int wandering;

/* Any call that waits: it ends by itself, or with one of the errors of an interrupt. */
static int wait_at_random(const int ends[2]) {
    struct pollfd polled[] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLIN}};
    fd_set readable;
    char byte;
    switch (random_below(6)) {
    case 0:
        return (int)lib->recv(ends[0], &byte, 1, 0);
    case 1:
        return lib->poll(polled, 2, (int)random_below(3));
    case 2:
        FD_ZERO(&readable);
        FD_SET(ends[0], &readable);
        return lib->select(ends[0] + 1, &readable, NULL, NULL, &(struct timeval){0, random_below(2000)});
    case 3:
        return lib->usleep(random_below(2000));
    case 4:
        return (int)lib->write(ends[1], "x", 1);
    default:
        return (int)lib->read(ends[0], &byte, 1);
    }
}

static int wander(void *unused) {
    (void)unused;
    int ends[2];
    socket_pair(ends);
    set_limit(ends[0], SO_RCVTIMEO, 2);
    wandering++;
    for (int i = 0; i < STEPS; i++) {
        green_timeout *limit = NULL;
        if (random_below(3) == 0)
            CHECK(green_timeout_start(&limit, random_below(2) * GREEN_MILLISECOND), ==, 0);
        errno = 0;
        if (wait_at_random(ends) < 0)
            CHECK(errno == EAGAIN || errno == ECANCELED || errno == ETIMEDOUT);
        green_timeout_cancel(limit);
    }
    wandering--;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

TEST(at_random, "calls, kills and timeouts at random leave nothing behind") {
    begin();
    green_thread *threads[WANDERERS];
    for (int i = 0; i < WANDERERS; i++)
        threads[i] = start(wander, NULL);
    let_run();
    CHECK(wandering, >, 0);
    while (wandering > 0) {
        (void)green_thread_kill(threads[random_below(WANDERERS)]);
        CHECK(green_sleep(100 * GREEN_MICROSECOND), ==, 0);
    }
    for (int i = 0; i < WANDERERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    end();
}
