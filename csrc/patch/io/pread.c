/* Calls with an offset, such as pread() and pwritev(). Calls that the kernel would refuse go directly
 * to the C library. */
#include "file.h"

#include <limits.h>

/* Whether the offset is invalid, or is the current position of a descriptor that is not a
 * file. */
static bool is_not_green(int fd, off_t offset) {
    return offset < GREEN_CURRENT_POSITION || (offset == GREEN_CURRENT_POSITION && !green__fd_is_file(fd));
}

/* Reading ------------------------------------------------------------------ */

ssize_t green__green_pread(int fd, void *bytes, size_t size, off_t offset) {
    green_hub *hub = green__may_park();
    if (!hub || size == 0 || size > SSIZE_MAX || offset < 0)
        return green__real.pread(fd, bytes, size, offset);
    return green__patch_file_transfer(hub, false, fd, &(struct iovec){bytes, size}, 1, offset);
}

ssize_t green__green_preadv(int fd, const struct iovec *iovecs, int count, off_t offset) {
    green_hub *hub = green__may_park();
    if (!hub || green__iovecs_size(iovecs, count) <= 0 || offset < 0)
        return green__real.preadv(fd, iovecs, count, offset);
    return green__patch_file_transfer(hub, false, fd, iovecs, count, offset);
}

/* An offset of -1 means the current position. */
ssize_t green__green_preadv2(int fd, const struct iovec *iovecs, int count, off_t offset, int flags) {
    green_hub *hub = green__may_park();
    if (!hub || flags != 0 || green__iovecs_size(iovecs, count) <= 0 || is_not_green(fd, offset))
        return green__real.preadv2(fd, iovecs, count, offset, flags);
    return green__patch_file_transfer(hub, false, fd, iovecs, count, offset);
}

/* The C library's version aborts the process if the buffer is too small. */
ssize_t green__green___pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room) {
    return size > room ? green__real.__pread_chk(fd, bytes, size, offset, room)
                       : green__green_pread(fd, bytes, size, offset);
}

/* Writing ------------------------------------------------------------------ */

ssize_t green__green_pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    green_hub *hub = green__may_park();
    if (!hub || size == 0 || size > SSIZE_MAX || offset < 0)
        return green__real.pwrite(fd, bytes, size, offset);
    return green__patch_file_transfer(hub, true, fd, &(struct iovec){(void *)bytes, size}, 1, offset);
}

ssize_t green__green_pwritev(int fd, const struct iovec *iovecs, int count, off_t offset) {
    green_hub *hub = green__may_park();
    if (!hub || green__iovecs_size(iovecs, count) <= 0 || offset < 0)
        return green__real.pwritev(fd, iovecs, count, offset);
    return green__patch_file_transfer(hub, true, fd, iovecs, count, offset);
}

ssize_t green__green_pwritev2(int fd, const struct iovec *iovecs, int count, off_t offset, int flags) {
    green_hub *hub = green__may_park();
    if (!hub || flags != 0 || green__iovecs_size(iovecs, count) <= 0 || is_not_green(fd, offset))
        return green__real.pwritev2(fd, iovecs, count, offset, flags);
    return green__patch_file_transfer(hub, true, fd, iovecs, count, offset);
}
