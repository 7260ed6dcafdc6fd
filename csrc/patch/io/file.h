/* Regular files and block devices, which cannot be polled. */
#ifndef GREEN_PATCH_IO_FILE_H
#define GREEN_PATCH_IO_FILE_H

#include "descriptor.h"
#include "iovecs.h"

#include <sys/stat.h>

/* The offset that means the current position of the file. */
enum { GREEN_CURRENT_POSITION = -1 };

static inline bool green__mode_is_file(mode_t mode) {
    return S_ISREG(mode) || S_ISBLK(mode);
}

static inline bool green__fd_is_file(int fd) {
    return green__mode_is_file(green__fd_mode(fd));
}

/* Adds to the number of patches with GREEN_PATCH_FILE. While there are any, read() and similar
 * calls are green for files, too. */
void green__patch_files_count(int change);

/* How read() and write() treat a descriptor that is not a socket. */
typedef enum green_fd_way {
    GREEN_FD_DIRECT,   /* the C library's call does not block, or blocks because it must */
    GREEN_FD_TRANSFER, /* green__patch_file_transfer() */
    GREEN_FD_POLL,     /* try, and wait for readiness */
} green_fd_way;

green_fd_way green__fd_way(int fd, mode_t *mode);

/* After a failed preadv2() or pwritev2() with RWF_NOWAIT: whether the file does not support
 * the flag. */
bool green__fd_lacks_nowait(void);

/* preadv() or pwritev(). Parks if the kernel would have to wait. A descriptor that is not a
 * file goes directly to the C library; at GREEN_CURRENT_POSITION it must be a file. Returns
 * the number of bytes, or -1 with errno. */
ssize_t green__patch_file_transfer(green_hub *hub, bool writes, int fd, const struct iovec *iovecs, int count,
                                   off_t offset);

/* Runs a function on an OS thread. It may use two descriptors, which cannot be closed meanwhile; -1
 * stands for none. Returns its result, or -1 with errno. Parks, and nothing interrupts it. */
ssize_t green__patch_file_call(green_hub *hub, int fd, int other, ssize_t (*function)(void *argument), void *argument);

/* fsync(), or fdatasync() for the data only. */
int green__patch_file_sync(green_hub *hub, int fd, bool only_data);

#endif
