/* send and its like, and write to whatever can be waited for. */
#include "file.h"

#include <limits.h>
#include <sys/stat.h>

/* A blocking call sends all that it was given, of a stream piece by piece. */
struct output {
    green_hub *hub;
    int fd;
    int flags;
    bool is_pipe;
    struct msghdr message; /* what is left; the iov is in pieces */
    green_iovecs pieces;
    ssize_t (*attempt)(struct output *output);
};

/* Waits until there may be room. 0, or what is to end the call. */
static int wait_for_room(const struct output *output, int64_t *deadline, bool *asked, unsigned *mistaken) {
    if (!*asked) {
        if (!green__fd_is_blocking(output->fd))
            return -EAGAIN;
        *deadline = green__socket_deadline(output->fd, SO_SNDTIMEO);
        *asked = true;
    }
    return green__wait_fds_again(output->hub, output->fd, POLLOUT, *deadline, mistaken);
}

/* What has ended a call that has sent some of it is left for the next one. */
static ssize_t put_all(struct output *output) {
    ssize_t sent = 0;
    int64_t deadline = GREEN_NEVER;
    unsigned mistaken = 0;
    bool asked = false;
    for (int ended = 0;;) {
        ssize_t result = output->attempt(output);
        if (result >= 0) {
            sent += result;
            mistaken = 0;
            if (!green__iovecs_advance(&output->pieces, (size_t)result) || output->pieces.count == 0)
                return sent;
            /* A stream that is broken says so by its error from here on. */
            output->flags |= MSG_NOSIGNAL;
            output->message.msg_name = NULL;
            output->message.msg_namelen = 0;
            output->message.msg_control = NULL;
            output->message.msg_controllen = 0;
        } else if (errno != EAGAIN) {
            return sent > 0 ? sent : -1;
        }
        if (ended == 0)
            ended = wait_for_room(output, &deadline, &asked, &mistaken);
        else if (result < 0)
            return sent > 0 ? sent : green__wait_fds_failed(output->hub, ended, EAGAIN);
        if (ended == -EAGAIN || ended == -EBADF)
            return sent > 0 ? sent : green__wait_fds_failed(output->hub, ended, EAGAIN);
    }
}

static ssize_t put(struct output *output, const struct iovec *pieces, size_t count) {
    int error_number = errno;
    if (green__iovecs_copy(&output->pieces, pieces, count) < 0) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t sent = put_all(output);
    green__iovecs_free(&output->pieces);
    if (sent >= 0)
        errno = error_number;
    return sent;
}

/* Sockets --------------------------------------------------------------------- */

static ssize_t send_now(struct output *output) {
    output->message.msg_iov = output->pieces.first;
    output->message.msg_iovlen = output->pieces.count;
    return green__real.sendmsg(output->fd, &output->message, output->flags | MSG_DONTWAIT);
}

ssize_t green__patch_send(green_hub *hub, int fd, const struct msghdr *message, int flags) {
    struct output output = {.hub = hub, .fd = fd, .flags = flags, .message = *message, .attempt = send_now};
    if ((flags & MSG_DONTWAIT) || message->msg_iovlen > IOV_MAX)
        return green__real.sendmsg(fd, message, flags);
    return put(&output, message->msg_iov, message->msg_iovlen);
}

/* What is no socket ----------------------------------------------------------- */

/* A pipe that can be written to takes so many bytes without waiting. */
static ssize_t write_a_little(struct output *output) {
    struct iovec *first = output->pieces.first;
    while (first->iov_len == 0 && output->pieces.count > 1)
        first = ++output->pieces.first, output->pieces.count--;
    return green__real.write(output->fd, first->iov_base, first->iov_len < PIPE_BUF ? first->iov_len : PIPE_BUF);
}

static ssize_t write_now(struct output *output) {
    struct iovec *pieces = output->pieces.first;
    int count = (int)output->pieces.count;
    ssize_t result = green__real.pwritev2(output->fd, pieces, count, -1, RWF_NOWAIT);
    if (result >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL))
        return result;
    /* Not made for that, so it is asked first whether it has room. */
    struct pollfd state = {.fd = output->fd, .events = POLLOUT};
    if (green__real.poll(&state, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (output->is_pipe && green__iovecs_size(pieces, count) > PIPE_BUF)
        return write_a_little(output);
    return green__real.writev(output->fd, pieces, count);
}

static ssize_t write_other(green_hub *hub, int fd, const struct iovec *pieces, int count) {
    mode_t mode = green__fd_mode(fd);
    bool is_file = green__mode_is_file(mode);
    if (is_file && green__patch_files_are_green())
        return green__patch_file_transfer(hub, true, fd, pieces, count, GREEN_CURRENT_POSITION);
    if (mode == 0 || is_file || S_ISDIR(mode) || !green__fd_is_blocking(fd))
        return green__real.writev(fd, pieces, count);
    struct output output = {.hub = hub, .fd = fd, .is_pipe = S_ISFIFO(mode), .attempt = write_now};
    return put(&output, pieces, (size_t)count);
}

static ssize_t write_pieces(green_hub *hub, int fd, const struct iovec *pieces, int count) {
    int error_number = errno;
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t result = green__patch_send(hub, fd, &message, 0);
    if (result < 0 && errno == ENOTSOCK)
        result = write_other(hub, fd, pieces, count);
    if (result >= 0)
        errno = error_number;
    return result;
}

/* The calls ------------------------------------------------------------------- */

ssize_t green__green_write(int fd, const void *bytes, size_t size) {
    green_hub *hub = green__may_park();
    if (!hub || size == 0)
        return green__real.write(fd, bytes, size);
    return write_pieces(hub, fd, &(struct iovec){(void *)bytes, size}, 1);
}

ssize_t green__green_writev(int fd, const struct iovec *pieces, int count) {
    green_hub *hub = green__may_park();
    if (!hub || green__iovecs_size(pieces, count) <= 0)
        return green__real.writev(fd, pieces, count);
    return write_pieces(hub, fd, pieces, count);
}

ssize_t green__green_send(int fd, const void *bytes, size_t size, int flags) {
    green_hub *hub = green__may_park();
    if (!hub)
        return green__real.send(fd, bytes, size, flags);
    struct msghdr message = {.msg_iov = &(struct iovec){(void *)bytes, size}, .msg_iovlen = 1};
    return green__patch_send(hub, fd, &message, flags);
}

ssize_t green__green_sendto(int fd, const void *bytes, size_t size, int flags, __CONST_SOCKADDR_ARG to,
                            socklen_t length) {
    green_hub *hub = green__may_park();
    if (!hub)
        return green__real.sendto(fd, bytes, size, flags, to, length);
    struct msghdr message = {.msg_name = (void *)to.__sockaddr__,
                             .msg_namelen = to.__sockaddr__ ? length : 0,
                             .msg_iov = &(struct iovec){(void *)bytes, size},
                             .msg_iovlen = 1};
    return green__patch_send(hub, fd, &message, flags);
}

ssize_t green__green_sendmsg(int fd, const struct msghdr *message, int flags) {
    green_hub *hub = green__may_park();
    return hub ? green__patch_send(hub, fd, message, flags) : green__real.sendmsg(fd, message, flags);
}
