#include "descriptor.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

bool green__fd_is_blocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && !(flags & O_NONBLOCK);
}

mode_t green__fd_mode(int fd) {
    struct statx status;
    return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) == 0 ? status.stx_mode : 0;
}

int64_t green__socket_deadline(int fd, int option) {
    struct timeval limit = {0};
    if (getsockopt(fd, SOL_SOCKET, option, &limit, &(socklen_t){sizeof limit}) < 0)
        return GREEN_NEVER;
    if (limit.tv_sec == 0 && limit.tv_usec == 0)
        return GREEN_NEVER;
    if (limit.tv_sec >= INT64_MAX / GREEN_SECOND)
        return GREEN_NEVER;
    return green__deadline_after(limit.tv_sec * GREEN_SECOND + limit.tv_usec * GREEN_MICROSECOND);
}

int green__iovecs_copy(green_iovecs *pieces, const struct iovec *from, size_t count) {
    pieces->memory = NULL;
    pieces->first = pieces->few;
    if (count > sizeof pieces->few / sizeof *pieces->few) {
        pieces->first = pieces->memory = malloc(count * sizeof *from);
        if (!pieces->memory)
            return -ENOMEM;
    }
    memcpy(pieces->first, from, count * sizeof *from);
    pieces->count = count;
    return 0;
}

void green__iovecs_free(green_iovecs *pieces) {
    free(pieces->memory);
}

bool green__iovecs_advance(green_iovecs *pieces, size_t bytes) {
    while (pieces->count > 0 && bytes >= pieces->first->iov_len) {
        bytes -= pieces->first->iov_len;
        pieces->first++;
        pieces->count--;
    }
    if (pieces->count == 0)
        return false;
    pieces->first->iov_base = (char *)pieces->first->iov_base + bytes;
    pieces->first->iov_len -= bytes;
    return true;
}

ssize_t green__iovecs_size(const struct iovec *pieces, int count) {
    size_t size = 0;
    if (count < 0 || count > IOV_MAX)
        return -1;
    for (int i = 0; i < count; i++) {
        if (pieces[i].iov_len > (size_t)SSIZE_MAX - size)
            return -1;
        size += pieces[i].iov_len;
    }
    return (ssize_t)size;
}
