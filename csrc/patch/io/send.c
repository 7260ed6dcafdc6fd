/* send() and similar calls, and write() to descriptors that can be polled. */
#include "file.h"
#include "retry.h"

#include <limits.h>
#include <sys/stat.h>

/* A blocking call that sends everything, in parts if it is a stream. */
struct output {
    green_hub *hub;
    int fd;
    int flags;
    int timeout_option; /* see green_retry */
    bool is_pipe;
    struct msghdr message; /* without the iovecs */
    green_iovecs iovecs;   /* the part that is left */
    ssize_t (*attempt)(struct output *output);
};

/* After a partial transfer, an error or an interrupt is left for the next call. */
static ssize_t send_all(struct output *output) {
    green_retry retry = {
        .hub = output->hub, .fd = output->fd, .events = POLLOUT, .timeout_option = output->timeout_option};
    for (ssize_t sent = 0;;) {
        ssize_t result = output->attempt(output);
        if (result >= 0) {
            sent += result;
            retry.spurious = 0;
            if (!green__iovecs_advance(&output->iovecs, (size_t)result) || output->iovecs.count == 0)
                return sent;
            /* After the first part, a broken stream is an error without SIGPIPE. */
            output->flags |= MSG_NOSIGNAL;
            output->message.msg_name = NULL;
            output->message.msg_namelen = 0;
            output->message.msg_control = NULL;
            output->message.msg_controllen = 0;
        } else if (errno != EAGAIN) {
            return sent > 0 ? sent : -1;
        }
        if ((result < 0 || retry.error == 0) && !green__retry_wait(&retry))
            return sent > 0 ? sent : green__retry_failed(&retry);
    }
}

static ssize_t send_copy(struct output *output, const struct iovec *iovecs, size_t count) {
    int error_number = errno;
    if (green__iovecs_copy(&output->iovecs, iovecs, count) < 0) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t sent = send_all(output);
    green__iovecs_free(&output->iovecs);
    if (sent >= 0)
        errno = error_number;
    return sent;
}

/* Sockets ------------------------------------------------------------------ */

static ssize_t send_now(struct output *output) {
    output->message.msg_iov = output->iovecs.first;
    output->message.msg_iovlen = output->iovecs.count;
    return green__real.sendmsg(output->fd, &output->message, output->flags | MSG_DONTWAIT);
}

static ssize_t send_message(green_hub *hub, int fd, const struct msghdr *message, int flags) {
    struct output output = {
        .hub = hub, .fd = fd, .flags = flags, .timeout_option = SO_SNDTIMEO, .message = *message, .attempt = send_now};
    if ((flags & MSG_DONTWAIT) || message->msg_iovlen > IOV_MAX)
        return green__real.sendmsg(fd, message, flags);
    return send_copy(&output, message->msg_iov, message->msg_iovlen);
}

/* Other descriptors -------------------------------------------------------- */

/* A pipe that is ready takes PIPE_BUF bytes without blocking. */
static ssize_t write_to_pipe(struct output *output) {
    struct iovec *first = output->iovecs.first;
    while (first->iov_len == 0 && output->iovecs.count > 1)
        first = ++output->iovecs.first, output->iovecs.count--;
    return green__real.write(output->fd, first->iov_base, first->iov_len < PIPE_BUF ? first->iov_len : PIPE_BUF);
}

static ssize_t write_now(struct output *output) {
    struct iovec *iovecs = output->iovecs.first;
    int count = (int)output->iovecs.count;
    ssize_t result = green__real.pwritev2(output->fd, iovecs, count, -1, RWF_NOWAIT);
    if (result >= 0 || !green__fd_lacks_nowait())
        return result;
    struct pollfd state = {.fd = output->fd, .events = POLLOUT};
    if (green__real.poll(&state, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (output->is_pipe && green__iovecs_size(iovecs, count) > PIPE_BUF)
        return write_to_pipe(output);
    return green__real.writev(output->fd, iovecs, count);
}

static ssize_t write_other(green_hub *hub, int fd, const struct iovec *iovecs, int count) {
    mode_t mode;
    green_fd_way way = green__fd_way(fd, &mode);
    if (way == GREEN_FD_TRANSFER)
        return green__patch_file_transfer(hub, true, fd, iovecs, count, GREEN_CURRENT_POSITION);
    if (way == GREEN_FD_DIRECT)
        return green__real.writev(fd, iovecs, count);
    struct output output = {.hub = hub, .fd = fd, .is_pipe = S_ISFIFO(mode), .attempt = write_now};
    return send_copy(&output, iovecs, (size_t)count);
}

static ssize_t write_any(green_hub *hub, int fd, const struct iovec *iovecs, int count) {
    int error_number = errno;
    struct msghdr message = {.msg_iov = (struct iovec *)iovecs, .msg_iovlen = (size_t)count};
    ssize_t result = send_message(hub, fd, &message, 0);
    if (result < 0 && errno == ENOTSOCK)
        result = write_other(hub, fd, iovecs, count);
    if (result >= 0)
        errno = error_number;
    return result;
}

/* The calls ---------------------------------------------------------------- */

ssize_t green__green_write(int fd, const void *bytes, size_t size) {
    green_hub *hub = green__may_park_fairly();
    if (!hub || size == 0)
        return green__real.write(fd, bytes, size);
    return green__cancellation_point_passed(hub, write_any(hub, fd, &(struct iovec){(void *)bytes, size}, 1));
}

ssize_t green__green_writev(int fd, const struct iovec *iovecs, int count) {
    green_hub *hub = green__may_park_fairly();
    if (!hub || green__iovecs_size(iovecs, count) <= 0)
        return green__real.writev(fd, iovecs, count);
    return green__cancellation_point_passed(hub, write_any(hub, fd, iovecs, count));
}

ssize_t green__green_send(int fd, const void *bytes, size_t size, int flags) {
    green_hub *hub = green__may_park_fairly();
    if (!hub)
        return green__real.send(fd, bytes, size, flags);
    struct msghdr message = {.msg_iov = &(struct iovec){(void *)bytes, size}, .msg_iovlen = 1};
    return green__cancellation_point_passed(hub, send_message(hub, fd, &message, flags));
}

ssize_t green__green_sendto(int fd, const void *bytes, size_t size, int flags, __CONST_SOCKADDR_ARG to,
                            socklen_t length) {
    green_hub *hub = green__may_park_fairly();
    if (!hub)
        return green__real.sendto(fd, bytes, size, flags, to, length);
    struct msghdr message = {.msg_name = (void *)to.__sockaddr__,
                             .msg_namelen = to.__sockaddr__ ? length : 0,
                             .msg_iov = &(struct iovec){(void *)bytes, size},
                             .msg_iovlen = 1};
    return green__cancellation_point_passed(hub, send_message(hub, fd, &message, flags));
}

ssize_t green__green_sendmsg(int fd, const struct msghdr *message, int flags) {
    green_hub *hub = green__may_park_fairly();
    if (!hub)
        return green__real.sendmsg(fd, message, flags);
    return green__cancellation_point_passed(hub, send_message(hub, fd, message, flags));
}
