/* Calls that close descriptors: close(), dup2(), dup3(), close_range() and closefrom(). Green's own
 * descriptors are not open for them. */
#include "../../base/own_fd.h"
#include "fd_in_use.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>

static int fail_with(int error) {
    errno = error;
    return -1;
}

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
    if (green__fd_is_own(fd))
        return fail_with(EBADF);
    return begin_closing(fd, EBADF) ? green__real.close(fd) : -1;
}

/* Prepares to replace a descriptor, which closes it. `from` must not be closed while this
 * waits for the calls on `to`. */
static bool begin_replacing(int from, int to) {
    green_hub *hub = green__hub;
    green_fd_in_use use;
    if (green__fd_is_own(from) || green__fd_is_own(to)) {
        errno = EBADF;
        return false;
    }
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

/* Ranges ----------------------------------------------------------------------- */

/* Calls close_range() for the parts between Green's own descriptors. */
static int close_parts(unsigned first, unsigned last, int flags) {
    for (unsigned own; (own = green__own_fd_from(first)) <= last; first = own + 1) {
        if (own > first && green__real.close_range(first, own - 1, flags) < 0)
            return -1;
        if (own > first)
            flags &= ~(int)CLOSE_RANGE_UNSHARE;
        if (own == last)
            return 0;
    }
    return green__real.close_range(first, last, flags);
}

int green__green_close_range(unsigned first, unsigned last, int flags) {
    if (first > last || flags & ~(int)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
        return green__real.close_range(first, last, flags);
    if (!(flags & (int)CLOSE_RANGE_CLOEXEC)) {
        green__fd_in_use_wait_range(first, last);
        green__wait_fds_closing_range(first, last);
    }
    return close_parts(first, last, flags);
}

/* close_range(2) exists since Linux 5.9. Without it, all possible numbers are closed. */
void green__green_closefrom(int first) {
    int lowest = first > 0 ? first : 0;
    int error_number = errno;
    if (green__green_close_range((unsigned)lowest, UINT_MAX, 0) < 0)
        for (long fd = sysconf(_SC_OPEN_MAX) - 1; fd >= lowest; fd--)
            (void)green__green_close((int)fd);
    errno = error_number;
}
