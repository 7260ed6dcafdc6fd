/* Writing: all bytes, or an error. */
#include "transport.h"

#include <limits.h>

enum { TRANSPORT_PIECE = 16 * 1024 };

/* Sends some of the bytes. */
static int32_t send_some(green_socket_io *call, const void *bytes, size_t size) {
    int32_t result = green__socket_run(call, GREEN_OP_SEND, (void *)bytes, size, MSG_NOSIGNAL);
    if (result >= 0)
        call->socket->full = (size_t)result < size;
    return result;
}

int green__socket_send_all(green_socket_io *call, const void *bytes, size_t size, size_t *sent) {
    for (*sent = 0; *sent < size;) {
        int32_t result = send_some(call, (const char *)bytes + *sent, size - *sent);
        if (result < 0)
            return result;
        *sent += (size_t)result;
        if (*sent < size && (result = green__socket_continue(call)) < 0)
            return result;
    }
    return 0;
}

/* On a stream a write of 0 bytes does nothing; on other sockets it sends an empty message. */
static int send_nothing(green_socket_io *call) {
    struct msghdr message = {0};
    return green__socket_keeps_messages(call->socket)
               ? green__socket_run(call, GREEN_OP_SEND_MSG, &message, 0, MSG_NOSIGNAL)
               : 0;
}

static ssize_t send_through(green_socket_io *call, const void *bytes, size_t size) {
    struct iovec piece = {(void *)bytes, size};
    return call->socket->transport->class->send(call, &piece, 1);
}

ssize_t green_write(green_socket *socket, const void *bytes, size_t size) {
    green_socket_io call;
    int error = green__socket_begin_sized(socket, &call, GREEN_WRITING, size);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    size_t sent;
    ssize_t result;
    if (GREEN_UNLIKELY(socket->transport != NULL))
        result = send_through(&call, bytes, size);
    else if (GREEN_UNLIKELY(size == 0))
        result = send_nothing(&call);
    else
        result = green__socket_send_all(&call, bytes, size, &sent);
    return green__socket_end(&call, result < 0 ? result : (ssize_t)size);
}

ssize_t green_write_some(green_socket *socket, const void *bytes, size_t size) {
    green_socket_io call;
    int error = green__socket_begin_sized(socket, &call, GREEN_WRITING, size);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    if (!socket->transport)
        return green__socket_end(&call, send_some(&call, bytes, size));
    /* At most one TLS record. */
    size = size < TRANSPORT_PIECE ? size : TRANSPORT_PIECE;
    ssize_t result = send_through(&call, bytes, size);
    return green__socket_end(&call, result < 0 ? result : (ssize_t)size);
}

/* Skips the bytes that were sent, and empty pieces. */
static void advance(struct iovec **pieces, int *count, size_t sent) {
    while (*count > 0 && sent >= (*pieces)->iov_len) {
        sent -= (*pieces)->iov_len;
        ++*pieces;
        --*count;
    }
    if (*count > 0) {
        (*pieces)->iov_base = (char *)(*pieces)->iov_base + sent;
        (*pieces)->iov_len -= sent;
    }
}

/* The sum of the lengths of the pieces, or -EINVAL, explained. */
static ssize_t size_of(const struct iovec *pieces, int count) {
    size_t size = 0;
    if (count < 0)
        return green__fail(-EINVAL, "cannot write %d pieces", count);
    for (int i = 0; i < count; i++)
        if (__builtin_add_overflow(size, pieces[i].iov_len, &size) || size > SSIZE_MAX)
            return green__fail(-EINVAL, "cannot write more than %zd bytes", (ssize_t)SSIZE_MAX);
    return (ssize_t)size;
}

/* The kernel accepts IOV_MAX pieces at a time. A stream can be split into several calls; a
 * message cannot. */
static int send_pieces(green_socket_io *call, struct iovec *pieces, int count, size_t size) {
    if (count > IOV_MAX && green__socket_keeps_messages(call->socket))
        return -EMSGSIZE;
    for (size_t sent = 0; sent < size;) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count < IOV_MAX ? (size_t)count : IOV_MAX};
        int32_t result = green__socket_run(call, GREEN_OP_SEND_MSG, &message, 0, MSG_NOSIGNAL);
        if (result < 0)
            return result;
        sent += (size_t)result;
        call->socket->full = sent < size;
        advance(&pieces, &count, (size_t)result);
        if (sent < size && (result = green__socket_continue(call)) < 0)
            return result;
    }
    return 0;
}

ssize_t green_writev(green_socket *socket, struct iovec *pieces, int count) {
    green_socket_io call;
    ssize_t size = size_of(pieces, count), result;
    if (size < 0)
        return size;
    int error = green__socket_begin(socket, &call, GREEN_WRITING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    advance(&pieces, &count, 0);
    if (socket->transport)
        result = socket->transport->class->send(&call, pieces, count);
    else if (size == 0)
        result = send_nothing(&call);
    else
        result = send_pieces(&call, pieces, count, (size_t)size);
    return green__socket_end(&call, result < 0 ? result : size);
}
