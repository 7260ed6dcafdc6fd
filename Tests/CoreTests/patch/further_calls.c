/* Calls of a patched program that wait for other things than sockets: messages, file locks, children
 * and pipes. */
#include "patches.h"

#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static green_patch *patch;
static int pair[2];
static volatile int handled;

static void begin(void) {
    CHECK(green_monkey_patch(&patch, GREEN_PATCH_ALL | GREEN_PATCH_FILE | GREEN_PATCH_THREAD | GREEN_PATCH_SIGNAL), ==,
          0);
    CHECK(green_yield(), ==, 0); /* makes the hub */
}

static void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

/* A call that waits -------------------------------------------------------- */

/* One call, and what ends its wait. */
struct waiting {
    void (*open)(void);
    int (*call)(void);
    void (*wake)(void);
    void (*close)(void);
    int woken;       /* the result after wake() */
    bool restarts;   /* after a signal handler with SA_RESTART */
    bool stays_done; /* what an interrupt leaves behind ends by itself: no kill */
};

static int result, error_number;
static pthread_t caller;
static green_thread *calling;

static void *call_in_thread(void *waiting) {
    calling = green_current();
    errno = 0;
    result = ((const struct waiting *)waiting)->call();
    error_number = errno;
    return NULL;
}

static void let_it_wait(void) {
    for (int i = 0; i < 3; i++)
        CHECK(green_yield(), ==, 0);
}

static void start_call(const struct waiting *waiting) {
    result = -2;
    waiting->open();
    CHECK(pthread_create(&caller, NULL, call_in_thread, (void *)waiting), ==, 0);
    let_it_wait();
    CHECK(result, ==, -2); /* it waits, and this thread runs */
}

static void finish_call(const struct waiting *waiting) {
    CHECK(pthread_join(caller, NULL), ==, 0);
    waiting->close();
}

static void on_signal(int number) {
    (void)number;
    handled++;
}

static void test_signal(const struct waiting *waiting, int flags, bool ends) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    CHECK(sigaction(SIGUSR1, &action, NULL), ==, 0);
    handled = 0;
    start_call(waiting);
    CHECK(pthread_kill(caller, SIGUSR1), ==, 0);
    if (ends) {
        CHECK(pthread_join(caller, NULL), ==, 0);
        CHECK(result, ==, -1);
        CHECK(error_number, ==, EINTR);
        waiting->close();
    } else {
        let_it_wait();
        CHECK(result, ==, -2);
        waiting->wake();
        finish_call(waiting);
        CHECK(result, ==, waiting->woken);
    }
    CHECK(handled, ==, 1);
}

static void test_waiting(const struct waiting *waiting) {
    begin();
    start_call(waiting);
    waiting->wake();
    finish_call(waiting);
    CHECK(result, ==, waiting->woken);
    CHECK(error_number, ==, 0);
    if (!waiting->stays_done) {
        start_call(waiting);
        CHECK(green_thread_kill(calling), ==, 0);
        finish_call(waiting);
        CHECK(result, ==, -1);
        CHECK(error_number, ==, ECANCELED);
        test_signal(waiting, 0, true);
        test_signal(waiting, SA_RESTART, !waiting->restarts);
    }
    end();
}

static void open_datagrams(void) {
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), ==, 0);
}

static void open_stream(void) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
}

static void open_pipe(void) {
    CHECK(pipe2(pair, O_CLOEXEC), ==, 0);
}

static void close_pair(void) {
    close(pair[0]);
    close(pair[1]);
}

static void write_byte(void) {
    CHECK(write(pair[1], "x", 1), ==, 1);
}

/* Messages of sockets ------------------------------------------------------ */

static char bytes[4][8];

static void prepare(struct mmsghdr *messages, struct iovec *iovecs, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        iovecs[i] = (struct iovec){bytes[i], sizeof bytes[i]};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iovecs[i], .msg_iovlen = 1}};
    }
}

static int receive(unsigned count, int flags, struct timespec *timeout) {
    struct mmsghdr messages[4];
    struct iovec iovecs[4];
    prepare(messages, iovecs, count);
    return recvmmsg(pair[0], messages, count, flags, timeout);
}

static int receive_two(void) {
    return receive(2, 0, NULL);
}

static void write_two(void) {
    write_byte();
    let_it_wait();
    write_byte();
}

TEST(recvmmsg, "recvmmsg() waits for all messages, and kills and signals end it") {
    test_waiting(&(struct waiting){open_datagrams, receive_two, write_two, close_pair, 2, .restarts = true});
}

TEST(recvmmsg_flags, "recvmmsg() keeps MSG_WAITFORONE, MSG_DONTWAIT, its timeout and errors") {
    begin();
    open_datagrams();
    write_byte();
    CHECK(receive(4, MSG_WAITFORONE, NULL), ==, 1);
    CHECK(receive(4, MSG_DONTWAIT, NULL), ==, -1);
    CHECK(errno, ==, EAGAIN);
    write_byte();
    CHECK(receive(4, 0, &(struct timespec){0, 0}), ==, 1);
    CHECK(receive(4, 0, &(struct timespec){-1, 0}), ==, -1);
    CHECK(errno, ==, EINVAL);
    write_byte();
    struct timespec left = {100, 0};
    CHECK(receive(1, 0, &left), ==, 1);
    CHECK(left.tv_sec, ==, 99);
    struct timeval limit = {.tv_usec = 1000};
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), ==, 0);
    CHECK(receive(1, 0, NULL), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(receive(0, 0, NULL), ==, 0);
    close_pair();
    CHECK(receive(1, 0, NULL), ==, -1);
    CHECK(errno, ==, EBADF);
    end();
}

enum { MESSAGES = 100, MESSAGE_SIZE = 20000 };

static int send_many(void) {
    static char memory[MESSAGE_SIZE];
    static struct iovec iovec = {memory, sizeof memory};
    static struct mmsghdr messages[MESSAGES];
    for (int i = 0; i < MESSAGES; i++)
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iovec, .msg_iovlen = 1}};
    int sent = sendmmsg(pair[1], messages, MESSAGES, 0);
    for (int i = 0; i < sent; i++)
        CHECK(messages[i].msg_len, ==, MESSAGE_SIZE);
    return sent;
}

static void read_many(void) {
    static char memory[MESSAGE_SIZE];
    for (size_t total = 0; total < (size_t)MESSAGES * MESSAGE_SIZE;) {
        ssize_t count = read(pair[0], memory, sizeof memory);
        CHECK(count > 0);
        total += (size_t)count;
    }
}

TEST(sendmmsg, "sendmmsg() sends all messages, whole ones to a stream") {
    struct waiting waiting = {open_datagrams, send_many, read_many, close_pair, MESSAGES, .stays_done = true};
    test_waiting(&waiting);
    waiting.open = open_stream;
    test_waiting(&waiting);
}

/* Pipes -------------------------------------------------------------------- */

static int target[2];

static void open_pipes(void) {
    open_pipe();
    CHECK(pipe2(target, O_CLOEXEC), ==, 0);
}

static void open_stream_and_pipe(void) {
    open_stream();
    CHECK(pipe2(target, O_CLOEXEC), ==, 0);
}

static void close_pipes(void) {
    close_pair();
    close(target[0]);
    close(target[1]);
}

static int splice_some(void) {
    return (int)splice(pair[0], NULL, target[1], NULL, 100, 0);
}

static int tee_some(void) {
    return (int)tee(pair[0], target[1], 100, 0);
}

static int vmsplice_some(void) {
    return (int)vmsplice(pair[0], &(struct iovec){bytes, sizeof bytes}, 1, 0);
}

TEST(splice, "splice(), tee() and vmsplice() wait for their input") {
    test_waiting(&(struct waiting){open_pipes, splice_some, write_byte, close_pipes, 1, .restarts = true});
    test_waiting(&(struct waiting){open_stream_and_pipe, splice_some, write_byte, close_pipes, 1, .restarts = true});
    test_waiting(&(struct waiting){open_pipes, tee_some, write_byte, close_pipes, 1, .restarts = true});
    test_waiting(&(struct waiting){open_pipe, vmsplice_some, write_byte, close_pair, 1, .restarts = true});
}

static void open_full(void) {
    static char memory[4096];
    open_pipes();
    CHECK(fcntl(target[1], F_SETFL, O_NONBLOCK), ==, 0);
    while (write(target[1], memory, sizeof memory) > 0)
        continue;
    CHECK(fcntl(target[1], F_SETFL, 0), ==, 0);
    write_byte();
}

static void empty_target(void) {
    static char memory[1 << 16];
    CHECK(read(target[0], memory, sizeof memory) > 0);
}

TEST(splice_full, "splice() waits for room in its output, and non-blocking descriptors answer at once") {
    test_waiting(&(struct waiting){open_full, splice_some, empty_target, close_pipes, 1, .restarts = true});
    begin();
    open_pipes();
    CHECK(splice(pair[0], NULL, target[1], NULL, 1, SPLICE_F_NONBLOCK), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(fcntl(pair[0], F_SETFL, O_NONBLOCK), ==, 0);
    CHECK(splice_some(), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(tee_some(), ==, -1);
    CHECK(errno, ==, EAGAIN);
    close_pipes();
    CHECK(splice_some(), ==, -1);
    CHECK(errno, ==, EBADF);
    end();
}

/* Children ----------------------------------------------------------------- */

static pid_t child;

static void open_child(void) {
    open_pipe();
    child = fork();
    if (child == 0) {
        char byte;
        close(pair[1]);
        _exit(read(pair[0], &byte, 1) == 1 ? 3 : 4);
    }
    CHECK(child > 0);
}

/* Reaps the child of a call that was interrupted. */
static void close_child(void) {
    int status;
    close_pair();
    pid_t found;
    while ((found = waitpid(child, &status, 0)) < 0 && errno == EINTR)
        continue;
}

static int check(int ended, const siginfo_t *info) {
    if (ended == 0) {
        CHECK(info->si_pid, ==, child);
        CHECK(info->si_status, ==, 3);
        CHECK(info->si_code, ==, CLD_EXITED);
    }
    return ended;
}

static int wait_by_id(void) {
    siginfo_t info;
    return check(waitid(P_PID, (id_t)child, &info, WEXITED), &info);
}

static int wait_for_any(void) {
    siginfo_t info;
    return check(waitid(P_ALL, 0, &info, WEXITED | WSTOPPED), &info);
}

static int wait_3(void) {
    return wait3(NULL, 0, NULL) < 0 ? -1 : 0;
}

TEST(children, "waitid() and wait3() wait for a child") {
    test_waiting(&(struct waiting){open_child, wait_by_id, write_byte, close_child, 0, .restarts = true});
    test_waiting(&(struct waiting){open_child, wait_for_any, write_byte, close_child, 0, .restarts = true});
    test_waiting(&(struct waiting){open_child, wait_3, write_byte, close_child, 0, .restarts = true});
}

TEST(children_errors, "waitid() fails as natively, and leaves a child with WNOWAIT") {
    begin();
    siginfo_t info;
    CHECK(waitid(P_ALL, 0, &info, WEXITED), ==, -1);
    CHECK(errno, ==, ECHILD);
    CHECK(waitid(P_ALL, 0, &info, 0), ==, -1);
    CHECK(errno, ==, EINVAL);
    open_child();
    info.si_pid = 1;
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG), ==, 0);
    CHECK(info.si_pid, ==, 0);
    write_byte();
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), ==, 0);
    CHECK(info.si_status, ==, 3);
    CHECK(waitid(P_PID, (id_t)child, NULL, WEXITED), ==, 0);
    close_pair();
    end();
}

static FILE *command;

static void open_command(void) {
    open_pipe();
    char text[64];
    snprintf(text, sizeof text, "read line <&%d; exit 5", pair[0]);
    CHECK(fcntl(pair[0], F_SETFD, 0), ==, 0);
    command = popen(text, "we");
    CHECK(command != NULL);
}

static int close_command(void) {
    return pclose(command);
}

static void write_line(void) {
    CHECK(write(pair[1], "\n", 1), ==, 1);
}

TEST(pclose, "pclose() waits for its command") {
    test_waiting(&(struct waiting){open_command, close_command, write_line, close_pair, 5 << 8, .stays_done = true});
}

/* Message queues ----------------------------------------------------------- */

static mqd_t queue;
static char name[64];

static void open_queue(void) {
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    snprintf(name, sizeof name, "/green-test-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, &attributes);
    CHECK(queue >= 0);
    CHECK(mq_unlink(name), ==, 0);
}

static void open_full_queue(void) {
    open_queue();
    CHECK(mq_send(queue, "x", 1, 0), ==, 0);
}

static void close_queue(void) {
    CHECK(mq_close(queue), ==, 0);
}

static int receive_from_queue(void) {
    char message[8];
    return (int)mq_receive(queue, message, sizeof message, NULL);
}

static int receive_within_a_day(void) {
    char message[8];
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += 86400;
    return (int)mq_timedreceive(queue, message, sizeof message, NULL, &time);
}

static void send_to_queue(void) {
    CHECK(mq_send(queue, "abc", 3, 0), ==, 0);
}

static int send_more(void) {
    return mq_send(queue, "abc", 3, 0);
}

static void drain_queue(void) {
    CHECK(receive_from_queue(), ==, 1);
}

TEST(message_queues, "mq_receive(), mq_timedreceive() and mq_send() wait") {
    begin();
    mqd_t any = mq_open("/green-test-none", O_RDONLY);
    bool has_queues = any >= 0 || errno != ENOSYS;
    end();
    if (!has_queues)
        skip("this kernel has no message queues");
    test_waiting(&(struct waiting){open_queue, receive_from_queue, send_to_queue, close_queue, 3, .restarts = true});
    test_waiting(&(struct waiting){open_queue, receive_within_a_day, send_to_queue, close_queue, 3, .restarts = true});
    test_waiting(&(struct waiting){open_full_queue, send_more, drain_queue, close_queue, 0, .restarts = true});
}

TEST(message_queue_errors, "mq_receive() and mq_send() keep limits, O_NONBLOCK and errors") {
    begin();
    mqd_t any = mq_open("/green-test-none", O_RDONLY);
    if (any < 0 && errno == ENOSYS) {
        end();
        skip("this kernel has no message queues");
    }
    open_queue();
    char message[8];
    struct timespec time = {0, 0};
    CHECK(mq_timedreceive(queue, message, sizeof message, NULL, &time), ==, -1);
    CHECK(errno, ==, ETIMEDOUT);
    clock_gettime(CLOCK_REALTIME, &time);
    CHECK(mq_timedreceive(queue, message, sizeof message, NULL, &time), ==, -1);
    CHECK(errno, ==, ETIMEDOUT);
    time.tv_nsec = -1;
    CHECK(mq_timedreceive(queue, message, sizeof message, NULL, &time), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(mq_receive(queue, message, 1, NULL), ==, -1);
    CHECK(errno, ==, EMSGSIZE);
    struct mq_attr attributes = {.mq_flags = O_NONBLOCK};
    CHECK(mq_setattr(queue, &attributes, NULL), ==, 0);
    CHECK(receive_from_queue(), ==, -1);
    CHECK(errno, ==, EAGAIN);
    send_to_queue();
    CHECK(send_more(), ==, -1);
    CHECK(errno, ==, EAGAIN);
    close_queue();
    CHECK(receive_from_queue(), ==, -1);
    CHECK(errno, ==, EBADF);
    end();
}

/* System V ----------------------------------------------------------------- */

struct text {
    long type;
    char bytes[8];
};

static int id;

static void open_messages(void) {
    id = msgget(IPC_PRIVATE, 0600);
    CHECK(id >= 0);
}

static int receive_message(void) {
    struct text text;
    return (int)msgrcv(id, &text, sizeof text.bytes, 0, 0);
}

static void send_message(void) {
    CHECK(msgsnd(id, &(struct text){1, "abc"}, 3, 0), ==, 0);
}

static void remove_messages(void) {
    (void)msgctl(id, IPC_RMID, NULL);
}

static void open_full_messages(void) {
    open_messages();
    while (msgsnd(id, &(struct text){1, "abcdefg"}, 8, IPC_NOWAIT) == 0)
        continue;
    CHECK(errno, ==, EAGAIN);
}

static int send_another(void) {
    return msgsnd(id, &(struct text){1, "abcdefg"}, 8, 0);
}

static void receive_one(void) {
    CHECK(receive_message(), ==, 8);
}

static void open_set(void) {
    id = semget(IPC_PRIVATE, 1, 0600);
    CHECK(id >= 0);
    CHECK(semctl(id, 0, SETVAL, 0), ==, 0);
}

static int decrement(void) {
    return semop(id, &(struct sembuf){0, -1, 0}, 1);
}

static int decrement_within_a_day(void) {
    return semtimedop(id, &(struct sembuf){0, -1, 0}, 1, &(struct timespec){86400, 0});
}

static void increment(void) {
    CHECK(semop(id, &(struct sembuf){0, 1, 0}, 1), ==, 0);
}

static void remove_set(void) {
    (void)semctl(id, 0, IPC_RMID);
}

TEST(system_v, "msgrcv(), msgsnd(), semop() and semtimedop() wait") {
    test_waiting(
        &(struct waiting){open_messages, receive_message, send_message, remove_messages, 3, .restarts = false});
    test_waiting(
        &(struct waiting){open_full_messages, send_another, receive_one, remove_messages, 0, .restarts = false});
    test_waiting(&(struct waiting){open_set, decrement, increment, remove_set, 0, .restarts = false});
    test_waiting(&(struct waiting){open_set, decrement_within_a_day, increment, remove_set, 0, .restarts = false});
}

TEST(system_v_errors, "msgrcv() and semop() keep IPC_NOWAIT, timeouts and EIDRM") {
    begin();
    open_messages();
    struct text text;
    CHECK(msgrcv(id, &text, sizeof text.bytes, 0, IPC_NOWAIT), ==, -1);
    CHECK(errno, ==, ENOMSG);
    end();
    remove_messages();
    const struct waiting queue_removed = {open_messages, receive_message, remove_messages, remove_messages,
                                          .woken = -1};
    const struct waiting set_removed = {open_set, decrement, remove_set, remove_set, .woken = -1};
    begin();
    start_call(&queue_removed);
    queue_removed.wake();
    finish_call(&queue_removed);
    CHECK(result, ==, -1);
    CHECK(error_number, ==, EIDRM);
    start_call(&set_removed);
    set_removed.wake();
    finish_call(&set_removed);
    CHECK(result, ==, -1);
    CHECK(error_number, ==, EIDRM);
    CHECK(decrement(), ==, -1);
    CHECK(errno, ==, EINVAL);
    open_set();
    CHECK(semtimedop(id, &(struct sembuf){0, -1, 0}, 1, &(struct timespec){0, 1000}), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(semtimedop(id, &(struct sembuf){0, -1, 0}, 1, &(struct timespec){-1, 0}), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(semop(id, &(struct sembuf){0, -1, IPC_NOWAIT}, 1), ==, -1);
    CHECK(errno, ==, EAGAIN);
    remove_set();
    end();
}

/* File locks --------------------------------------------------------------- */

static int file, holder;

static void open_file(void) {
    char path[64];
    file = memfd_create("locked", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    holder = open(path, O_RDWR | O_CLOEXEC);
    CHECK(holder >= 0);
}

static void close_file(void) {
    close(file);
    close(holder);
}

static void open_flock(void) {
    open_file();
    CHECK(flock(holder, LOCK_EX), ==, 0);
}

static int take_flock(void) {
    return flock(file, LOCK_EX);
}

static void release_flock(void) {
    CHECK(flock(holder, LOCK_UN), ==, 0);
}

static struct flock whole(short type) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static void open_ofd_lock(void) {
    open_file();
    struct flock lock = whole(F_WRLCK);
    CHECK(fcntl(holder, F_OFD_SETLK, &lock), ==, 0);
}

static int take_ofd_lock(void) {
    struct flock lock = whole(F_WRLCK);
    return fcntl(file, F_OFD_SETLKW, &lock);
}

static int take_record_lock(void) {
    struct flock lock = whole(F_WRLCK);
    return fcntl(file, F_SETLKW, &lock);
}

static int take_lockf(void) {
    return lockf(file, F_LOCK, 0);
}

static void release_ofd_lock(void) {
    struct flock lock = whole(F_UNLCK);
    CHECK(fcntl(holder, F_OFD_SETLK, &lock), ==, 0);
}

TEST(file_locks, "flock(), lockf() and fcntl() wait for a lock of a file") {
    test_waiting(&(struct waiting){open_flock, take_flock, release_flock, close_file, 0, .restarts = true});
    test_waiting(&(struct waiting){open_ofd_lock, take_ofd_lock, release_ofd_lock, close_file, 0, .restarts = true});
    test_waiting(&(struct waiting){open_ofd_lock, take_record_lock, release_ofd_lock, close_file, 0, .restarts = true});
    test_waiting(&(struct waiting){open_ofd_lock, take_lockf, release_ofd_lock, close_file, 0, .restarts = true});
}

TEST(file_lock_errors, "file locks that must not wait fail at once, and fcntl() passes other commands on") {
    begin();
    open_flock();
    CHECK(flock(file, LOCK_EX | LOCK_NB), ==, -1);
    CHECK(errno, ==, EWOULDBLOCK);
    CHECK(flock(file, 0), ==, -1);
    CHECK(errno, ==, EINVAL);
    close_file();
    open_ofd_lock();
    struct flock lock = whole(F_WRLCK);
    CHECK(fcntl(file, F_OFD_SETLK, &lock), ==, -1);
    CHECK(errno, ==, EAGAIN);
    CHECK(lockf(file, F_TLOCK, 0), ==, -1);
    CHECK(fcntl(file, F_SETFD, FD_CLOEXEC), ==, 0);
    CHECK(fcntl(file, F_GETFD), ==, FD_CLOEXEC);
    close_file();
    CHECK(take_ofd_lock(), ==, -1);
    CHECK(errno, ==, EBADF);
    CHECK(take_flock(), ==, -1);
    CHECK(errno, ==, EBADF);
    end();
}

enum { MANY = 100 };

static void *take_in_thread(void *taken) {
    CHECK(take_ofd_lock(), ==, 0);
    ++*(int *)taken;
    return NULL;
}

TEST(many_file_locks, "more threads than any pool has wait for a file lock while others work with files") {
    begin();
    pthread_t threads[MANY];
    int taken = 0;
    open_ofd_lock();
    for (int i = 0; i < MANY; i++)
        CHECK(pthread_create(&threads[i], NULL, take_in_thread, &taken), ==, 0);
    let_it_wait();
    CHECK(taken, ==, 0);
    CHECK(fsync(file), ==, 0);
    release_ofd_lock();
    for (int i = 0; i < MANY; i++)
        CHECK(pthread_join(threads[i], NULL), ==, 0);
    CHECK(taken, ==, MANY);
    close_file();
    end();
}

/* Others ------------------------------------------------------------------- */

static int epoll_fd;

static void open_epoll(void) {
    open_pipe();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair[0], &event), ==, 0);
}

static void close_epoll(void) {
    close(epoll_fd);
    close_pair();
}

#if __GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 35)
static int wait_for_epoll(void) {
    struct epoll_event event;
    return epoll_pwait2(epoll_fd, &event, 1, NULL, NULL);
}

TEST(epoll_pwait2, "epoll_pwait2() waits, with a timeout of nanoseconds") {
    struct epoll_event event;
    test_waiting(&(struct waiting){open_epoll, wait_for_epoll, write_byte, close_epoll, 1, .restarts = false});
    begin();
    open_epoll();
    CHECK(epoll_pwait2(epoll_fd, &event, 1, &(struct timespec){0, 1}, NULL), ==, 0);
    CHECK(epoll_pwait2(epoll_fd, &event, 1, &(struct timespec){-1, 0}, NULL), ==, -1);
    CHECK(errno, ==, EINVAL);
    close_epoll();
    end();
}
#endif

static sem_t *named;

static void open_named(void) {
    snprintf(name, sizeof name, "/green-test-%d", (int)getpid());
    named = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    CHECK(named != SEM_FAILED);
    CHECK(sem_unlink(name), ==, 0);
}

static int wait_for_named(void) {
    return sem_wait(named);
}

/* Another process. */
static void post_named(void) {
    pid_t poster = fork();
    if (poster == 0)
        _exit(sem_post(named));
    int status = -1;
    CHECK(waitpid(poster, &status, 0), ==, poster);
    CHECK(status, ==, 0);
}

static void close_named(void) {
    CHECK(sem_close(named), ==, 0);
}

TEST(named_semaphores, "sem_wait() parks for a semaphore of sem_open(), which another process posts") {
    test_waiting(&(struct waiting){open_named, wait_for_named, post_named, close_named, 0, .stays_done = true});
}

/* Files and terminals ------------------------------------------------------ */

TEST(syncs, "msync(), syncfs(), sync_file_range() and copy_file_range() work on files, and fail as natively") {
    begin();
    int from = memfd_create("from", MFD_CLOEXEC), to = memfd_create("to", MFD_CLOEXEC);
    CHECK(ftruncate(from, 4096), ==, 0);
    CHECK(syncfs(from), ==, 0);
    CHECK(sync_file_range(from, 0, 0, 0), ==, 0);
    char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, from, 0);
    CHECK(memory != MAP_FAILED);
    memory[0] = 'x';
    CHECK(msync(memory, 4096, MS_SYNC), ==, 0);
    CHECK(msync(memory + 1, 4096, MS_SYNC), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(munmap(memory, 4096), ==, 0);
    off64_t offset = 0;
    CHECK(copy_file_range(from, &offset, to, NULL, 4096, 0), ==, 4096);
    CHECK(offset, ==, 4096);
    close(from);
    CHECK(copy_file_range(from, NULL, to, NULL, 1, 0), ==, -1);
    CHECK(errno, ==, EBADF);
    CHECK(syncfs(from), ==, -1);
    CHECK(errno, ==, EBADF);
    CHECK(tcdrain(to), ==, -1);
    CHECK(errno, ==, ENOTTY);
    close(to);
    CHECK(tcdrain(to), ==, -1);
    CHECK(errno, ==, EBADF);
    end();
}

/* Asynchronous I/O ---------------------------------------------------------- */

static struct aiocb operation;

static void open_operation(void) {
    open_pipe();
    operation = (struct aiocb){.aio_fildes = pair[0], .aio_buf = bytes, .aio_nbytes = 1};
    CHECK(aio_read(&operation), ==, 0);
}

static int suspend(void) {
    return aio_suspend((const struct aiocb *const[]){&operation}, 1, NULL);
}

/* Ends the operation of a call that was interrupted. */
static void close_operation(void) {
    if (aio_error(&operation) == EINPROGRESS)
        write_byte();
    while (aio_error(&operation) == EINPROGRESS)
        (void)poll(NULL, 0, 1);
    (void)aio_return(&operation);
    close_pair();
}

TEST(aio_suspend, "aio_suspend() waits for an operation, and keeps its timeout") {
    test_waiting(&(struct waiting){open_operation, suspend, write_byte, close_operation, 0, .restarts = false});
    begin();
    open_operation();
    CHECK(aio_suspend((const struct aiocb *const[]){&operation}, 1, &(struct timespec){0, 1000}), ==, -1);
    CHECK(errno, ==, EAGAIN);
    close_operation();
    end();
}

/* eventfd ------------------------------------------------------------------ */

static void open_event(void) {
    pair[1] = pair[0] = eventfd(0, EFD_CLOEXEC);
    CHECK(pair[0] >= 0);
}

static int read_event(void) {
    eventfd_t value = 0;
    return eventfd_read(pair[0], &value) < 0 ? -1 : (int)value;
}

static void write_event(void) {
    CHECK(eventfd_write(pair[0], 7), ==, 0);
}

static void close_event(void) {
    close(pair[0]);
}

TEST(eventfd, "eventfd_read() waits") {
    test_waiting(&(struct waiting){open_event, read_event, write_event, close_event, 7, .restarts = true});
}

/* Second names ------------------------------------------------------------- */

pid_t __wait(int *status);
pid_t __waitpid(pid_t pid, int *status, int options);
int __nanosleep(const struct timespec *time, struct timespec *rest);
int __xpg_sigpause(int number);

TEST(aliases, "names by which the C library exports a call a second time are patched") {
    static const char *const names[] = {"__wait", "__waitpid", "__nanosleep", "gsignal", "ssignal"};
    begin();
    CHECK(__nanosleep(&(struct timespec){0, 1}, NULL), ==, 0);
    CHECK(__wait(NULL), ==, -1);
    CHECK(errno, ==, ECHILD);
    CHECK(__waitpid(-1, NULL, 0), ==, -1);
    CHECK(errno, ==, ECHILD);
    handled = 0;
    CHECK(ssignal(SIGUSR2, on_signal) != SIG_ERR);
    CHECK(gsignal(SIGUSR2), ==, 0);
    CHECK(handled, ==, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(slots_of(patch, "further_calls", names[i]), ==, 1);
    end();
}

TEST(sigpause, "sigpause() of System V waits for a signal that is blocked") {
    begin();
    sigset_t set;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(sigaction(SIGUSR1, &action, NULL), ==, 0);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL), ==, 0);
    handled = 0;
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(handled, ==, 0);
    CHECK(__xpg_sigpause(SIGUSR1), ==, -1);
    CHECK(errno, ==, EINTR);
    CHECK(handled, ==, 1);
    CHECK(__xpg_sigpause(-1), ==, -1);
    CHECK(errno, ==, EINVAL);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL), ==, 0);
    end();
}
