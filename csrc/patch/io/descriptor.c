#include "descriptor.h"

#include <fcntl.h>
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

int64_t green__fd_timeout_deadline(int fd, int option) {
    struct timeval limit = {0};
    if (getsockopt(fd, SOL_SOCKET, option, &limit, &(socklen_t){sizeof limit}) < 0)
        return GREEN_NEVER;
    if (limit.tv_sec == 0 && limit.tv_usec == 0)
        return GREEN_NEVER;
    if (limit.tv_sec >= INT64_MAX / GREEN_SECOND)
        return GREEN_NEVER;
    return green__deadline_after(limit.tv_sec * GREEN_SECOND + limit.tv_usec * GREEN_MICROSECOND);
}
