/* Calls of a patched library on files. */
#ifndef GREEN_TESTS_PATCHED_FILES_H
#define GREEN_TESTS_PATCHED_FILES_H

#include "fake_disk.h"
#include "files.h"
#include "patched_calls.h"

#include <fcntl.h>

static inline ssize_t by_pread(struct task *task) {
    return lib->pread(task->fd, task->bytes, task->size, task->offset);
}

static inline ssize_t by_pread64(struct task *task) {
    return lib->pread64(task->fd, task->bytes, task->size, task->offset);
}

static inline ssize_t by_pread_checked(struct task *task) {
    return lib->pread_checked(task->fd, task->bytes, task->size, task->offset, task->size);
}

static inline ssize_t by_pread64_checked(struct task *task) {
    return lib->pread64_checked(task->fd, task->bytes, task->size, task->offset, task->size);
}

static inline ssize_t by_preadv(struct task *task) {
    struct iovec pieces[] = {{task->bytes, 1}, {NULL, 0}, {(char *)task->bytes + 1, task->size - 1}};
    return lib->preadv(task->fd, pieces, 3, task->offset);
}

static inline ssize_t by_preadv2(struct task *task) {
    struct iovec pieces[] = {{task->bytes, 1}, {NULL, 0}, {(char *)task->bytes + 1, task->size - 1}};
    return lib->preadv2(task->fd, pieces, 3, task->offset, 0);
}

static inline ssize_t by_pwrite(struct task *task) {
    return lib->pwrite(task->fd, task->bytes, task->size, task->offset);
}

static inline ssize_t by_pwrite64(struct task *task) {
    return lib->pwrite64(task->fd, task->bytes, task->size, task->offset);
}

static inline ssize_t by_pwritev(struct task *task) {
    struct iovec pieces[] = {{task->bytes, 1}, {NULL, 0}, {(char *)task->bytes + 1, task->size - 1}};
    return lib->pwritev(task->fd, pieces, 3, task->offset);
}

static inline ssize_t by_pwritev2(struct task *task) {
    struct iovec pieces[] = {{task->bytes, 1}, {NULL, 0}, {(char *)task->bytes + 1, task->size - 1}};
    return lib->pwritev2(task->fd, pieces, 3, task->offset, 0);
}

static inline ssize_t by_fsync(struct task *task) {
    return lib->fsync(task->fd);
}

static inline ssize_t by_fdatasync(struct task *task) {
    return lib->fdatasync(task->fd);
}

typedef ssize_t task_call(struct task *task);

/* The last ones of each use the file position. */
static task_call *const readers[] = {by_pread,   by_pread64, by_pread_checked, by_pread64_checked, by_preadv,
                                     by_preadv2, by_read,    by_readv,         by_read_checked};
static task_call *const writers[] = {by_pwrite, by_pwrite64, by_pwritev, by_pwritev2, by_write, by_writev};

enum { SIZE = 700 * 1000, READERS = 9, WRITERS = 6, AT = 1234 };

static char bytes[SIZE + 1], others[SIZE + 1];

/* A new file with size bytes of the pattern. */
static inline int new_file(const char *name, int flags, size_t size) {
    int fd = open(path_of(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0600);
    CHECK(fd, >=, 0);
    pattern_fill(bytes, size, 0);
    CHECK(pwrite(fd, bytes, size, 0), ==, size);
    return fd;
}

static inline void finish_files(int fd) {
    CHECK(close(fd), ==, 0);
    cached = SIZE_MAX;
    remove_directory();
    end();
}

#endif
