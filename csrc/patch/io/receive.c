/* recv() and similar calls, and read() from descriptors that can be polled. */
#include "file.h"
#include "retry.h"

#include <fcntl.h>

/* Receives once. If the call already has bytes (have_some), an error or an interrupt is left
 * for the next call. */
static ssize_t receive_some(green_hub *hub, int fd, struct msghdr *message, int flags, bool have_some) {
    const struct msghdr original = *message;
    green_retry retry = {.hub = hub,
                         .fd = fd,
                         .events = POLLIN,
                         .timeout_option = SO_RCVTIMEO,
                         /* A caller that asks for the sender's address has a datagram socket. */
                         .occupies_port = message->msg_name != NULL};
    for (;;) {
        *message = original;
        ssize_t received = green__real.recvmsg(fd, message, flags | MSG_DONTWAIT);
        if (received >= 0 || errno != EAGAIN)
            return received;
        if (!green__retry_wait(&retry))
            return have_some ? -1 : green__retry_failed(&retry);
    }
}

static bool is_stream(int fd) {
    int type = 0;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type}) == 0 && type == SOCK_STREAM;
}

/* MSG_WAITALL: fills the buffers, unless the stream or the wait ends. */
static ssize_t receive_all(green_hub *hub, int fd, struct msghdr *message, int flags) {
    green_iovecs iovecs;
    ssize_t received = receive_some(hub, fd, message, flags, false), more;
    if (received <= 0 || received == green__iovecs_size(message->msg_iov, (int)message->msg_iovlen) || !is_stream(fd))
        return received;
    if (green__iovecs_copy(&iovecs, message->msg_iov, message->msg_iovlen) < 0)
        return received;
    for (more = received; green__iovecs_advance(&iovecs, (size_t)more); received += more) {
        struct msghdr rest = {.msg_iov = iovecs.first, .msg_iovlen = iovecs.count};
        more = receive_some(hub, fd, &rest, flags, true);
        if (more <= 0)
            break;
    }
    green__iovecs_free(&iovecs);
    return received;
}

static ssize_t receive_message(green_hub *hub, int fd, struct msghdr *message, int flags) {
    int error_number = errno;
    ssize_t received;
    if (flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) /* never blocks */
        return green__real.recvmsg(fd, message, flags);
    if ((flags & MSG_WAITALL) && !(flags & MSG_PEEK))
        received = receive_all(hub, fd, message, flags);
    else
        received = receive_some(hub, fd, message, flags, false);
    if (received >= 0)
        errno = error_number;
    return received;
}

/* Other descriptors -------------------------------------------------------- */

static ssize_t read_now(int fd, const struct iovec *iovecs, int count) {
    ssize_t result = green__real.preadv2(fd, iovecs, count, -1, RWF_NOWAIT);
    if (result >= 0 || !green__fd_lacks_nowait())
        return result;
    struct pollfd state = {.fd = fd, .events = POLLIN};
    if (green__real.poll(&state, 1, 0) != 0)
        return green__real.readv(fd, iovecs, count);
    errno = EAGAIN;
    return -1;
}

static ssize_t read_other(green_hub *hub, int fd, const struct iovec *iovecs, int count) {
    mode_t mode;
    green_fd_way way = green__fd_way(fd, &mode);
    if (way == GREEN_FD_TRANSFER)
        return green__patch_file_transfer(hub, false, fd, iovecs, count, GREEN_CURRENT_POSITION);
    if (way == GREEN_FD_DIRECT)
        return green__real.readv(fd, iovecs, count);
    green_retry retry = {.hub = hub, .fd = fd, .events = POLLIN, .is_blocking = true};
    for (;;) {
        ssize_t result = read_now(fd, iovecs, count);
        if (result >= 0 || errno != EAGAIN)
            return result;
        if (!green__retry_wait(&retry))
            return green__retry_failed(&retry);
        if (retry.error == -EPERM)
            return green__real.readv(fd, iovecs, count);
    }
}

static ssize_t read_any(green_hub *hub, int fd, const struct iovec *iovecs, int count) {
    int error_number = errno;
    struct msghdr message = {.msg_iov = (struct iovec *)iovecs, .msg_iovlen = (size_t)count};
    ssize_t result = receive_message(hub, fd, &message, 0);
    if (result < 0 && errno == ENOTSOCK)
        result = read_other(hub, fd, iovecs, count);
    if (result >= 0)
        errno = error_number;
    return result;
}

/* The calls ---------------------------------------------------------------- */

ssize_t green__green_read(int fd, void *bytes, size_t size) {
    green_hub *hub = green__may_park_fairly();
    if (!hub || size == 0)
        return green__real.read(fd, bytes, size);
    return green__cancellation_point_passed(hub, read_any(hub, fd, &(struct iovec){bytes, size}, 1));
}

ssize_t green__green_readv(int fd, const struct iovec *iovecs, int count) {
    green_hub *hub = green__may_park_fairly();
    if (!hub || green__iovecs_size(iovecs, count) <= 0)
        return green__real.readv(fd, iovecs, count);
    return green__cancellation_point_passed(hub, read_any(hub, fd, iovecs, count));
}

ssize_t green__green_recv(int fd, void *bytes, size_t size, int flags) {
    green_hub *hub = green__may_park_fairly();
    if (!hub)
        return green__real.recv(fd, bytes, size, flags);
    struct msghdr message = {.msg_iov = &(struct iovec){bytes, size}, .msg_iovlen = 1};
    return green__cancellation_point_passed(hub, receive_message(hub, fd, &message, flags));
}

ssize_t green__green_recvfrom(int fd, void *restrict bytes, size_t size, int flags, __SOCKADDR_ARG from,
                              socklen_t *restrict length) {
    struct sockaddr *address = from.__sockaddr__;
    green_hub *hub = green__may_park_fairly();
    if (!hub || (address && !length))
        return green__real.recvfrom(fd, bytes, size, flags, from, length);
    struct msghdr message = {.msg_name = address,
                             .msg_namelen = address ? *length : 0,
                             .msg_iov = &(struct iovec){bytes, size},
                             .msg_iovlen = 1};
    ssize_t received = green__cancellation_point_passed(hub, receive_message(hub, fd, &message, flags));
    if (received >= 0 && address)
        *length = message.msg_namelen;
    return received;
}

ssize_t green__green_recvmsg(int fd, struct msghdr *message, int flags) {
    green_hub *hub = green__may_park_fairly();
    if (!hub)
        return green__real.recvmsg(fd, message, flags);
    return green__cancellation_point_passed(hub, receive_message(hub, fd, message, flags));
}

/* The C library's version aborts the process if the buffer is too small. */
ssize_t green__green___read_chk(int fd, void *bytes, size_t size, size_t room) {
    return size > room ? green__real.__read_chk(fd, bytes, size, room) : green__green_read(fd, bytes, size);
}

ssize_t green__green___recv_chk(int fd, void *bytes, size_t size, size_t room, int flags) {
    return size > room ? green__real.__recv_chk(fd, bytes, size, room, flags)
                       : green__green_recv(fd, bytes, size, flags);
}

ssize_t green__green___recvfrom_chk(int fd, void *restrict bytes, size_t size, size_t room, int flags,
                                    struct sockaddr *restrict address, socklen_t *restrict length) {
    if (size > room)
        return green__real.__recvfrom_chk(fd, bytes, size, room, flags, address, length);
    return green__green_recvfrom(fd, bytes, size, flags, (__SOCKADDR_ARG){.__sockaddr__ = address}, length);
}
