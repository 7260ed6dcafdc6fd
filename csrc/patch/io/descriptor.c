#include "descriptor.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

bool green__is_blocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && !(flags & O_NONBLOCK);
}

mode_t green__mode_of(int fd) {
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
    return green__moment(limit.tv_sec * GREEN_SECOND + limit.tv_usec * GREEN_MICROSECOND);
}

int green__pieces_copy(green_pieces *pieces, const struct iovec *from, size_t count) {
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

void green__pieces_free(green_pieces *pieces) {
    free(pieces->memory);
}

bool green__pieces_cut(green_pieces *pieces, size_t bytes) {
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

ssize_t green__pieces_size(const struct iovec *pieces, int count) {
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
