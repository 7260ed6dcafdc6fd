/* Calls that close a descriptor: close(), dup2() and dup3(). */
#include "fd_in_use.h"

#include <fcntl.h>

/* Waits for file calls, because nothing interrupts them, and ends all other calls. */
static bool begin_closing(int fd, int refusal) {
    if (green__fd_in_use_wait(fd) < 0) {
        errno = refusal;
        return false;
    }
    green__wait_fds_closing(fd);
    return true;
}

int green__green_close(int fd) {
    return begin_closing(fd, EBADF) ? green__real.close(fd) : -1;
}

/* Prepares to replace a descriptor, which closes it. `from` must not be closed while this
 * waits for the calls on `to`. */
static bool begin_replacing(int from, int to) {
    green_hub *hub = green__hub;
    green_fd_in_use use;
    if (from == to || fcntl(from, F_GETFD) < 0)
        return true;
    if (!hub)
        return true;
    if (green__fd_in_use_begin(hub, &use, from) < 0) {
        errno = EBUSY;
        return false;
    }
    bool begun = begin_closing(to, EBUSY);
    green__fd_in_use_end(&use);
    return begun;
}

int green__green_dup2(int from, int to) {
    return begin_replacing(from, to) ? green__real.dup2(from, to) : -1;
}

int green__green_dup3(int from, int to, int flags) {
    return begin_replacing(from, to) ? green__real.dup3(from, to, flags) : -1;
}
