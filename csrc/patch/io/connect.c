/* Calls that make and end descriptors: connect, accept, close. */
#include "connect.h"

#include "../../base/lock.h"
#include "descriptor.h"
#include "fd_in_use.h"

#include <fcntl.h>

/* A listener that is full is asked again so often. */
static const int64_t FULL_PAUSE = 2 * 1000 * 1000;

/* connect and accept have no flag against waiting, so their descriptor is made
 * non-blocking for the moment of the call. Whoever shares it sees that, so the
 * green calls of all OS threads take turns, and none believes what it sees then. */
static green_lock flags_lock = GREEN_LOCK_INITIALIZER(NULL);

int green__connect_register_lock(void) {
    return green__lock_register(&flags_lock);
}

/* A call at a moment when its descriptor does not block. */
struct brief {
    int fd;
    struct sockaddr *address;
    socklen_t *length; /* of accept */
    socklen_t size;    /* of connect */
    int flags;
    int (*call)(const struct brief *brief);
};

/* The call's result, with *blocking telling what the descriptor is otherwise. */
static int without_waiting(const struct brief *brief, bool *blocking) {
    green__lock(&flags_lock);
    int flags = fcntl(brief->fd, F_GETFL);
    *blocking = flags >= 0 && !(flags & O_NONBLOCK);
    if (*blocking)
        fcntl(brief->fd, F_SETFL, flags | O_NONBLOCK);
    int result = brief->call(brief);
    int error = errno;
    if (*blocking)
        fcntl(brief->fd, F_SETFL, flags);
    green__unlock(&flags_lock);
    errno = error;
    return result;
}

/* Connecting ------------------------------------------------------------------ */

static int call_connect(const struct brief *brief) {
    return green__real.connect(brief->fd, (__CONST_SOCKADDR_ARG){.__sockaddr__ = brief->address}, brief->size);
}

/* A connection that was begun is asked for by calling again, which also makes the
 * socket one that is connected: so far the kernel would take another connect. */
static int connect_parking(green_hub *hub, const struct brief *brief) {
    int64_t deadline = green__socket_deadline(brief->fd, SO_SNDTIMEO);
    unsigned mistaken = 0;
    bool begun = false;
    for (int ended = 0;;) {
        bool blocking;
        int result = without_waiting(brief, &blocking);
        if (result == 0 || (errno == EISCONN && begun))
            return 0;
        bool is_full = errno == EAGAIN, is_under_way = errno == EINPROGRESS || errno == EALREADY;
        if (!blocking || (!is_full && !is_under_way))
            return -1;
        if (ended < 0)
            return green__wait_fds_failed(hub, ended, is_full ? EAGAIN : EINPROGRESS);
        begun = begun || is_under_way;
        ended = is_full ? green__wait_fds_pause(hub, brief->fd, FULL_PAUSE, deadline)
                        : green__wait_fds_again(hub, brief->fd, POLLOUT, deadline, &mistaken);
        if (ended == -EBADF)
            return green__wait_fds_failed(hub, ended, EINPROGRESS);
    }
}

int green__green_connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t length) {
    int error_number = errno;
    green_hub *hub = green__may_park();
    if (!hub)
        return green__real.connect(fd, to, length);
    struct brief brief = {
        .fd = fd, .address = (struct sockaddr *)to.__sockaddr__, .size = length, .call = call_connect};
    int result = connect_parking(hub, &brief);
    if (result == 0)
        errno = error_number;
    return result;
}

/* Accepting ------------------------------------------------------------------- */

static int call_accept(const struct brief *brief) {
    return green__real.accept4(brief->fd, (__SOCKADDR_ARG){.__sockaddr__ = brief->address}, brief->length,
                               brief->flags);
}

/* Another OS thread may take the connection that woke this one. */
static int accept_parking(green_hub *hub, const struct brief *brief) {
    int64_t deadline = GREEN_NEVER;
    unsigned mistaken = 0;
    bool asked = false;
    for (int ended = 0;;) {
        bool blocking;
        int fd = without_waiting(brief, &blocking);
        if (fd >= 0 || errno != EAGAIN || !blocking)
            return fd;
        if (ended < 0)
            return green__wait_fds_failed(hub, ended, EAGAIN);
        if (!asked)
            deadline = green__socket_deadline(brief->fd, SO_RCVTIMEO);
        asked = true;
        ended = green__wait_fds_port_again(hub, brief->fd, deadline, &mistaken);
        if (ended == -EBADF)
            return green__wait_fds_failed(hub, ended, EAGAIN);
    }
}

int green__green_accept4(int fd, __SOCKADDR_ARG from, socklen_t *restrict length, int flags) {
    int error_number = errno;
    green_hub *hub = green__may_park();
    if (!hub)
        return green__real.accept4(fd, from, length, flags);
    struct brief brief = {
        .fd = fd, .address = from.__sockaddr__, .length = length, .flags = flags, .call = call_accept};
    int result = accept_parking(hub, &brief);
    if (result >= 0)
        errno = error_number;
    return result;
}

int green__green_accept(int fd, __SOCKADDR_ARG from, socklen_t *restrict length) {
    return green__may_park() ? green__green_accept4(fd, from, length, 0) : green__real.accept(fd, from, length);
}

/* Ending ---------------------------------------------------------------------- */

/* A file's calls are waited for, since nothing ends them; all others end. */
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

/* Closes a descriptor by putting a copy of another in its place, which is to be the
 * same one when that has been waited for. */
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
