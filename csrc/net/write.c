/* Writing: all of it, or an error. */
#include "socket.h"

#include <limits.h>

/* The kernel finishes short sends by itself (MSG_WAITALL, Linux 5.19 through a
 * ring), so a large write normally is one operation too. */
enum { WHOLE = MSG_NOSIGNAL | MSG_WAITALL };

ssize_t green_write(green_socket *socket, const void *bytes, size_t size) {
    green_socket_io call;
    int error = green__enter(socket, &call, GREEN_WRITING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    ssize_t result = 0;
    for (size_t sent = 0; sent < size;) {
        result = green__socket_run(&call, GREEN_OP_SEND, (char *)bytes + sent, size - sent, WHOLE);
        if (result < 0)
            break;
        sent += (size_t)result;
        if (sent < size && (result = green__proceed(&call)) < 0)
            break;
    }
    return green__leave(&call, result < 0 ? result : (ssize_t)size);
}

ssize_t green_write_some(green_socket *socket, const void *bytes, size_t size) {
    green_socket_io call;
    int error = green__enter(socket, &call, GREEN_WRITING);
    if (GREEN_UNLIKELY(error < 0))
        return error;
    return green__leave(&call, green__socket_run(&call, GREEN_OP_SEND, (char *)bytes, size, MSG_NOSIGNAL));
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
