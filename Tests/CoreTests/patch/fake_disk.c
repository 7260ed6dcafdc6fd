#include "fake_disk.h"

#include "harness.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

size_t cached = SIZE_MAX;
unsigned tries;
atomic_bool shut;

static bool is_file(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static bool is_faked(int fd, int flags) {
    if (!(flags & RWF_NOWAIT) || !is_file(fd))
        return false;
    tries++;
    return true;
}

/* Calls the kernel. An emulator may not support the call: then a file is read without flags, but
 * another descriptor may have to be waited for. */
static ssize_t transfer(bool writes, int fd, const struct iovec *pieces, int count, off_t offset, int flags) {
    ssize_t result = syscall(writes ? SYS_pwritev2 : SYS_preadv2, fd, pieces, (long)count, offset, 0, flags);
    if (result >= 0 || errno != ENOSYS || (flags & ~(RWF_NOWAIT | RWF_DSYNC)) || (flags && !is_file(fd)))
        return result;
    if (offset == -1)
        return syscall(writes ? SYS_writev : SYS_readv, fd, pieces, (long)count);
    return syscall(writes ? SYS_pwritev : SYS_preadv, fd, pieces, (long)count, offset, 0);
}

/* One call transfers what is cached, and the next one finds nothing. */
static ssize_t play(bool writes, int fd, const struct iovec *pieces, int count, off_t offset) {
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
    return transfer(writes, fd, there, count, offset, 0);
}

/* Replaces the C library's function, also for Green. */
ssize_t preadv2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) {
    if (is_faked(fd, flags) && cached < SIZE_MAX)
        return play(false, fd, pieces, count, offset);
    return transfer(false, fd, pieces, count, offset, flags);
}

ssize_t pwritev2(int fd, const struct iovec *pieces, int count, off_t offset, int flags) {
    if (is_faked(fd, flags) && cached < SIZE_MAX)
        return play(true, fd, pieces, count, offset);
    return transfer(true, fd, pieces, count, offset, flags);
}

void pass_gate(void) {
    while (atomic_load(&shut))
        syscall(SYS_nanosleep, &(struct timespec){0, 100000}, NULL);
}

int open_gate(void *unused) {
    (void)unused;
    CHECK(green_sleep(5 * GREEN_MILLISECOND), ==, 0);
    atomic_store(&shut, false);
    return 0;
}

int fsync(int fd) {
    pass_gate();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    pass_gate();
    return (int)syscall(SYS_fdatasync, fd);
}
