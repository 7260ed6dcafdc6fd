/* connect(), accept() and accept4(). */
#include "../signal_wait.h"
#include "descriptor.h"
#include "nonblocking.h"
#include "retry.h"

/* How often a connect() to a full listener is tried. */
static const int64_t FULL_PAUSE = 2 * 1000 * 1000;

/* A system call to make while its descriptor is non-blocking. */
struct nonblocking_call {
    int fd;
    struct sockaddr *address;
    socklen_t *length; /* of accept */
    socklen_t size;    /* of connect */
    int flags;
    int (*call)(const struct nonblocking_call *call);
};

/* Makes the call. Sets *blocking to whether the descriptor is a blocking one otherwise. */
static int call_nonblocking(const struct nonblocking_call *call, bool *blocking) {
    int flags = green__nonblocking_begin(call->fd);
    int result = call->call(call);
    *blocking = green__nonblocking_end(call->fd, flags);
    return result;
}

/* Connecting --------------------------------------------------------------- */

static int call_connect(const struct nonblocking_call *call) {
    return green__real.connect(call->fd, (__CONST_SOCKADDR_ARG){.__sockaddr__ = call->address}, call->size);
}

/* Calls connect() again for the result of a connection in progress. This also completes the
 * socket's state: until then the kernel would accept another connect(). */
static int connect_parking(green_hub *hub, const struct nonblocking_call *call) {
    int64_t deadline = green__fd_timeout_deadline(call->fd, SO_SNDTIMEO);
    unsigned spurious = 0;
    bool begun = false;
    green__signals_begin(hub, green__signals_class_of(deadline));
    for (int ended = 0;;) {
        bool blocking;
        int result = call_nonblocking(call, &blocking);
        if (result == 0 || (errno == EISCONN && begun))
            return 0;
        bool is_full = errno == EAGAIN, is_under_way = errno == EINPROGRESS || errno == EALREADY;
        if (!blocking || (!is_full && !is_under_way))
            return -1;
        if (ended < 0)
            return green__wait_fds_failed(hub, ended, is_full ? EAGAIN : EINPROGRESS);
        begun = begun || is_under_way;
        ended = is_full ? green__wait_fds_pause(hub, call->fd, FULL_PAUSE, deadline)
                        : green__wait_fds_again(hub, call->fd, POLLOUT, deadline, &spurious);
        if (ended == -EBADF)
            return green__wait_fds_failed(hub, ended, EINPROGRESS);
    }
}

int green__green_connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t length) {
    int error_number = errno;
    green_hub *hub = green__may_park_fairly();
    if (!hub)
        return green__real.connect(fd, to, length);
    struct nonblocking_call call = {
        .fd = fd, .address = (struct sockaddr *)to.__sockaddr__, .size = length, .call = call_connect};
    int result = (int)green__cancellation_point_passed(hub, connect_parking(hub, &call));
    if (result == 0)
        errno = error_number;
    return result;
}

/* Accepting ---------------------------------------------------------------- */

static int call_accept(const struct nonblocking_call *call) {
    return green__real.accept4(call->fd, (__SOCKADDR_ARG){.__sockaddr__ = call->address}, call->length, call->flags);
}

/* Tries again, because another OS thread may have accepted the connection. */
static int accept_parking(green_hub *hub, const struct nonblocking_call *call) {
    green_retry retry = {
        .hub = hub, .fd = call->fd, .timeout_option = SO_RCVTIMEO, .is_blocking = true, .occupies_port = true};
    for (;;) {
        bool blocking;
        int fd = call_nonblocking(call, &blocking);
        if (fd >= 0 || errno != EAGAIN || !blocking)
            return fd;
        if (!green__retry_wait(&retry))
            return green__retry_failed(&retry);
    }
}

int green__green_accept4(int fd, __SOCKADDR_ARG from, socklen_t *restrict length, int flags) {
    int error_number = errno;
    green_hub *hub = green__may_park_fairly();
    if (!hub)
        return green__real.accept4(fd, from, length, flags);
    struct nonblocking_call call = {
        .fd = fd, .address = from.__sockaddr__, .length = length, .flags = flags, .call = call_accept};
    int result = (int)green__cancellation_point_passed(hub, accept_parking(hub, &call));
    if (result >= 0)
        errno = error_number;
    return result;
}

int green__green_accept(int fd, __SOCKADDR_ARG from, socklen_t *restrict length) {
    return green__may_park_fairly() ? green__green_accept4(fd, from, length, 0) : green__real.accept(fd, from, length);
}
