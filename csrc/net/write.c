/* Writing: all of it, or an error. */
#include "transport.h"

#include <limits.h>

/* The kernel finishes short sends by itself (MSG_WAITALL, Linux 5.19 through a
 * ring), so a large write normally is one operation too. */
enum { WHOLE = MSG_NOSIGNAL | MSG_WAITALL, TRANSPORT_PIECE = 16 * 1024 };

int green__send_all(green_socket_io *call, const void *bytes, size_t size, size_t *sent) {
    for (*sent = 0; *sent < size;) {
        int32_t result = green__socket_run(call, GREEN_OP_SEND, (char *)bytes + *sent, size - *sent, WHOLE);
        if (result < 0)
            return result;
        *sent += (size_t)result;
        if (*sent < size && (result = green__proceed(call)) < 0)
            return result;
    }
    return 0;
}

static ssize_t send_through(green_socket_io *call, const void *bytes, size_t size) {
    struct iovec piece = {(void *)bytes, size};
    return call->socket->transport->class->send(call, &piece, 1);
}

ssize_t green_write(green_socket *socket, const void *bytes, size_t size) {
    green_socket_io call;
    int error = green__enter(socket, &call, GREEN_WRITING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    size_t sent;
    ssize_t result = GREEN_UNLIKELY(socket->transport != NULL) ? send_through(&call, bytes, size)
                                                               : green__send_all(&call, bytes, size, &sent);
    return green__leave(&call, result < 0 ? result : (ssize_t)size);
}

ssize_t green_write_some(green_socket *socket, const void *bytes, size_t size) {
    green_socket_io call;
    int error = green__enter(socket, &call, GREEN_WRITING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    if (!socket->transport)
        return green__leave(&call, green__socket_run(&call, GREEN_OP_SEND, (char *)bytes, size, MSG_NOSIGNAL));
    /* As much as makes one record. */
    size = size < TRANSPORT_PIECE ? size : TRANSPORT_PIECE;
    ssize_t result = send_through(&call, bytes, size);
    return green__leave(&call, result < 0 ? result : (ssize_t)size);
}

/* Steps over what was sent; returns what is left. */
static size_t advance(struct iovec **pieces, int *count, size_t sent) {
    size_t left = 0;
    while (*count > 0 && sent >= (*pieces)->iov_len) {
        sent -= (*pieces)->iov_len;
        ++*pieces;
        --*count;
    }
    if (*count > 0) {
        (*pieces)->iov_base = (char *)(*pieces)->iov_base + sent;
        (*pieces)->iov_len -= sent;
    }
    for (int i = 0; i < *count; i++)
        left += (*pieces)[i].iov_len;
    return left;
}

ssize_t green_writev(green_socket *socket, struct iovec *pieces, int count) {
    green_socket_io call;
    if (count < 0)
        return green__fail(-EINVAL, "writev of %d pieces", count);
    int error = green__enter(socket, &call, GREEN_WRITING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    size_t size = advance(&pieces, &count, 0), left = size;
    ssize_t result = 0;
    if (socket->transport) {
        result = socket->transport->class->send(&call, pieces, count);
        left = 0;
    }
    while (left > 0) {
        /* The kernel takes IOV_MAX pieces at a time. */
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count < IOV_MAX ? (size_t)count : IOV_MAX};
        result = green__socket_run(&call, GREEN_OP_SEND_MSG, &message, 0, WHOLE);
        if (result < 0)
            break;
        left = advance(&pieces, &count, (size_t)result);
        if (left > 0 && (result = green__proceed(&call)) < 0)
            break;
    }
    return green__leave(&call, result < 0 ? result : (ssize_t)size);
}
