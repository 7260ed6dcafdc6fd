/* Calls of a patched library, in threads of their own. */
#ifndef GREEN_TESTS_PATCHED_CALLS_H
#define GREEN_TESTS_PATCHED_CALLS_H

#include "patches.h"

#include <sys/time.h>

/* More bytes than a socket or a pipe takes at once. */
enum { MUCH = 1 << 20 };

static const struct fixture *lib;
static green_patch *patch;

static inline void begin(void) {
    patch = import(PATCHED_NOW);
    lib = load_fixture(PATCHED_NOW);
}

/* Also patches files, and makes a hub, without which calls of main go to the C library. */
static inline void begin_with_files(void) {
    CHECK(green_yield(), ==, 0);
    green_import_options options = {.families = GREEN_PATCH_ALL | GREEN_PATCH_FILE};
    CHECK(green_import_patched(&patch, PATCHED_NOW, &options), ==, 0);
    lib = load_fixture(PATCHED_NOW);
}

static inline void end(void) {
    CHECK(green_unpatch(patch), ==, 0);
}

/* A call in a thread of its own, and its result. */
struct task {
    int fd;
    void *bytes;
    size_t size;
    int flags;
    off_t offset;
    const char *path;
    ssize_t result;
    int error;
    green_thread *thread;
    ssize_t (*call)(struct task *task);
};

static inline int run_task(void *argument) {
    struct task *task = argument;
    errno = 0;
    task->result = task->call(task);
    task->error = errno;
    return 0;
}

static inline void begin_task(struct task *task) {
    task->thread = start(run_task, task);
    let_run();
}

static inline bool is_waiting(const struct task *task) {
    return !green_thread_is_finished(task->thread);
}

static inline void end_task(struct task *task, ssize_t result, int error) {
    CHECK(finish(task->thread), ==, 0);
    CHECK(task->result, ==, result);
    CHECK(task->error, ==, error);
}

static inline ssize_t by_recv(struct task *task) {
    return lib->recv(task->fd, task->bytes, task->size, task->flags);
}

static inline ssize_t by_recvfrom(struct task *task) {
    return lib->recvfrom(task->fd, task->bytes, task->size, task->flags, NULL, NULL);
}

static inline ssize_t by_recvmsg(struct task *task) {
    struct msghdr message = {.msg_iov = &(struct iovec){task->bytes, task->size}, .msg_iovlen = 1};
    return lib->recvmsg(task->fd, &message, task->flags);
}

static inline ssize_t by_read(struct task *task) {
    return lib->read(task->fd, task->bytes, task->size);
}

static inline ssize_t by_readv(struct task *task) {
    struct iovec pieces[] = {{task->bytes, 1}, {(char *)task->bytes + 1, task->size - 1}};
    return lib->readv(task->fd, pieces, 2);
}

static inline ssize_t by_read_checked(struct task *task) {
    return lib->read_checked(task->fd, task->bytes, task->size, task->size);
}

static inline ssize_t by_recv_checked(struct task *task) {
    return lib->recv_checked(task->fd, task->bytes, task->size, task->size, task->flags);
}

static inline ssize_t by_write(struct task *task) {
    return lib->write(task->fd, task->bytes, task->size);
}

static inline ssize_t by_writev(struct task *task) {
    struct iovec pieces[] = {{task->bytes, 1}, {(char *)task->bytes + 1, task->size - 1}};
    return lib->writev(task->fd, pieces, 2);
}

static inline ssize_t by_send(struct task *task) {
    return lib->send(task->fd, task->bytes, task->size, task->flags);
}

static inline ssize_t by_sendto(struct task *task) {
    return lib->sendto(task->fd, task->bytes, task->size, task->flags, NULL, 0);
}

static inline ssize_t by_sendmsg(struct task *task) {
    struct msghdr message = {.msg_iov = &(struct iovec){task->bytes, task->size}, .msg_iovlen = 1};
    return lib->sendmsg(task->fd, &message, task->flags);
}

static inline ssize_t by_accept(struct task *task) {
    return lib->accept(task->fd, NULL, NULL);
}

static inline ssize_t by_accept4(struct task *task) {
    return lib->accept4(task->fd, NULL, NULL, SOCK_CLOEXEC);
}

static inline void set_limit(int fd, int option, int milliseconds) {
    struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};
    CHECK(setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit), ==, 0);
}

#endif
