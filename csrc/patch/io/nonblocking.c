#include "nonblocking.h"

#include "../../base/lock.h"

#include <errno.h>
#include <fcntl.h>

static green_lock flags_lock = GREEN_LOCK_INITIALIZER(NULL);

int green__nonblocking_register_lock(void) {
    return green__lock_register(&flags_lock);
}

static bool is_blocking(int flags) {
    return flags >= 0 && !(flags & O_NONBLOCK);
}

int green__nonblocking_begin(int fd) {
    green__lock(&flags_lock);
    int flags = fcntl(fd, F_GETFL);
    if (is_blocking(flags))
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    return flags;
}

bool green__nonblocking_end(int fd, int flags) {
    int error = errno;
    if (is_blocking(flags))
        fcntl(fd, F_SETFL, flags);
    green__unlock(&flags_lock);
    errno = error;
    return is_blocking(flags);
}
