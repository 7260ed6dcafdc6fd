#include "played.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

size_t cached = SIZE_MAX;
unsigned tries;
atomic_bool shut;

static bool is_played(int fd, int flags) {
    struct stat status;
    if (!(flags & RWF_NOWAIT) || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return false;
    tries++;
    return true;
}

/* One try takes what is in the cache, and the next one, behind it, finds nothing. */
static ssize_t play(long number, int fd, const struct iovec *pieces, int count, off_t offset) {
    static off_t empty = -1;
    struct iovec there[16];
    size_t left = cached;
    if (cached == 0 || offset == empty) {
        empty = -1;
        errno = EAGAIN;
        return -1;
    }
    empty = -1;
    for (int i = 0; i < count; i++) {
        there[i] = pieces[i];
        if (there[i].iov_len > left) {
            there[i].iov_len = left;
            empty = offset + (off_t)cached;
        }
        left -= there[i].iov_len;
    }
    return syscall(number, fd, there, (long)count, offset, 0, 0);
}

/* In the place of the C library's, also for Green. */
ssize_t preadv2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) {
    if (is_played(fd, flags) && cached < SIZE_MAX)
        return play(SYS_preadv2, fd, pieces, count, offset);
    return syscall(SYS_preadv2, fd, pieces, (long)count, offset, 0, flags);
}

ssize_t pwritev2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) {
    if (is_played(fd, flags) && cached < SIZE_MAX)
        return play(SYS_pwritev2, fd, pieces, count, offset);
    return syscall(SYS_pwritev2, fd, pieces, (long)count, offset, 0, flags);
}

static void pass_gate(void) {
    while (atomic_load(&shut))
        syscall(SYS_sched_yield);
}

int fsync(int fd) {
    pass_gate();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    pass_gate();
    return (int)syscall(SYS_fdatasync, fd);
}
