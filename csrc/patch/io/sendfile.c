/* sendfile(). */
#include "nonblocking.h"
#include "retry.h"

#include <sys/sendfile.h>

/* The most that the kernel transfers in one call. */
enum { SENDFILE_MAX = 0x7ffff000 };

static ssize_t send_now(int out, int in, off_t *offset, size_t count, bool *blocking) {
    int flags = green__nonblocking_begin(out);
    ssize_t result = green__real.sendfile(out, in, offset, count);
    *blocking = green__nonblocking_end(out, flags);
    return result;
}

/* After a partial transfer, an error or an interrupt is left for the next call. */
static ssize_t send_parking(green_hub *hub, int out, int in, off_t *offset, size_t count) {
    green_retry retry = {.hub = hub, .fd = out, .events = POLLOUT, .timeout_option = SO_SNDTIMEO, .is_blocking = true};
    for (size_t sent = 0;;) {
        bool blocking;
        ssize_t result = send_now(out, in, offset, count - sent, &blocking);
        if (result > 0) {
            sent += (size_t)result;
            retry.spurious = 0;
        }
        bool is_full = result < 0 && errno == EAGAIN;
        if (sent == count || result == 0 || !blocking || (result < 0 && !is_full))
            return sent > 0 ? (ssize_t)sent : result;
        if (is_full && !green__retry_wait(&retry))
            return sent > 0 ? (ssize_t)sent : green__retry_failed(&retry);
    }
}

ssize_t green__green_sendfile(int out, int in, off_t *offset, size_t count) {
    green_hub *hub = green__may_park_fairly();
    if (!hub || count == 0)
        return green__real.sendfile(out, in, offset, count);
    if (count > SENDFILE_MAX)
        count = SENDFILE_MAX;
    int error_number = errno;
    ssize_t sent = green__cancellation_point_passed(hub, send_parking(hub, out, in, offset, count));
    if (sent >= 0)
        errno = error_number;
    return sent;
}
