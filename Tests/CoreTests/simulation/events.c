/* System calls of the epoll engine, of the inner epoll, and of the io_uring engine, with
 * the clock and the faults of the simulation. The events are real. A receive that returns
 * less than it asked for has emptied its socket, so only sends are shortened. */
#include "harness.h"
#include "request.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

static struct faults faults;
static bool plays, plays_streams, knows_pwait2;

void events_begin(const struct faults *given, bool streams) {
    faults = *given;
    plays = true;
    knows_pwait2 = !chance(250);
    plays_streams = streams;
}

void events_end(void) {
    plays = plays_streams = false;
}

static bool fails(uint32_t rate, int error) {
    if (!plays || !chance(rate))
        return false;
    fault_count++;
    errno = error;
    return true;
}

static bool stream_fails(int fd) {
    if (!plays_streams)
        return false;
    if (fails(faults.interrupted, EINTR))
        return true;
    if (!fails(faults.reset, ECONNRESET))
        return false;
    note_reset(fd);
    return true;
}

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags) {
    if (stream_fails(fd))
        return -1;
    return __real_recv(fd, bytes, size, flags);
}

ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags) {
    if (stream_fails(fd))
        return -1;
    if (plays_streams && size > 1 && fails(faults.cut, 0))
        size = 1 + below((uint32_t)size - 1);
    return __real_send(fd, bytes, size, flags);
}

int __real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    if (fails(faults.interrupted, EINTR) || fails(faults.refused / 2, EMFILE) ||
        fails(faults.refused / 2, ECONNABORTED))
        return -1;
    return __real_accept4(fd, address, length, flags);
}

int __real_connect(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length) {
    if (fails(faults.refused / 2, ECONNREFUSED) || fails(faults.refused / 2, EAGAIN))
        return -1;
    return __real_connect(fd, address, length);
}

/* Returns some of the events, in random order. If there is none, time passes. */
int __real_epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds);
static int wait_for_events(int fd, struct epoll_event *events, int most, int64_t timeout) {
    if (fails(faults.busy, EINTR))
        return -1;
    if (chance(faults.late))
        most = 1;
    int count = __real_epoll_wait(fd, events, most, 0);
    kernel_pass(below(2000));
    for (int i = count - 1; i > 0; i--) {
        int other = (int)below((uint32_t)i + 1);
        struct epoll_event event = events[i];
        events[i] = events[other];
        events[other] = event;
    }
    if (count == 0 && timeout < 0)
        check_failed(__FILE__, __LINE__, "something is under way while the hub waits without a limit");
    if (count == 0)
        kernel_pass(timeout);
    return count;
}

int __wrap_green__epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *timeout);
int __wrap_green__epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *timeout) {
    if (!knows_pwait2) {
        errno = ENOSYS;
        return -1;
    }
    return wait_for_events(fd, events, most, timeout ? timeout->tv_sec * GREEN_SECOND + timeout->tv_nsec : -1);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds) {
    return wait_for_events(fd, events, most, milliseconds < 0 ? -1 : milliseconds * GREEN_MILLISECOND);
}
