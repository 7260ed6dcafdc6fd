#include "epoll_try.h"
#include "epoll.h"

#include "../base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int32_t outcome(ssize_t result) {
    if (GREEN_LIKELY(result >= 0))
        return (int32_t)result;
    if (errno == EINTR)
        return GREEN_TRY_AT_ONCE;
    return errno == EAGAIN ? GREEN_TRY_NOT_READY : -errno;
}

static int32_t receive_now(green_op *op, void *bytes, uint32_t size) {
    int32_t result = outcome(recv(op->fd, bytes, size, (op->flags & ~MSG_WAITALL) | MSG_DONTWAIT));
    op->drained = result < (int32_t)size;
    return result;
}

static int32_t receive_message_now(const green_op *op) {
    return outcome(recvmsg(op->fd, op->address, op->flags | MSG_DONTWAIT));
}

static int32_t poll_now(int fd, int events) {
    struct pollfd state = {.fd = fd, .events = (short)events};
    if (poll(&state, 1, 0) <= 0)
        return GREEN_TRY_NOT_READY;
    return state.revents & POLLNVAL ? -EBADF : state.revents;
}

/* Whether a call need not wait. After an error of poll(2) it is made, too, and reports its
 * own error. */
static bool may_proceed(int fd, short events) {
    return poll(&(struct pollfd){.fd = fd, .events = events}, 1, 0) != 0;
}

/* A send to the address of a full unix socket has to wait although poll(2) reports the
 * sending socket as writable. No event reports room at the receiver. */
static int32_t send_message_now(const green_op *op) {
    const struct msghdr *message = op->address;
    int32_t result = outcome(sendmsg(op->fd, message, op->flags | MSG_DONTWAIT));
    bool waits_for_peer =
        result == GREEN_TRY_NOT_READY && message->msg_name && poll_now(op->fd, POLLOUT) != GREEN_TRY_NOT_READY;
    return waits_for_peer ? GREEN_TRY_AFTER_PAUSE : result;
}

static int32_t send_now(const green_op *op) {
    if (op->kind == GREEN_OP_SEND_MSG)
        return send_message_now(op);
    return outcome(send(op->fd, op->address, green__op_size(op), op->flags | MSG_DONTWAIT));
}

/* Sets O_NONBLOCK, and returns the previous flags or -errno. */
static int stop_blocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return flags;
}

/* Other processes may share the descriptor's flags, so O_NONBLOCK is set only during the
 * call. A full unix listener returns EAGAIN, and no event reports room. */
static int32_t begin_connect(const green_op *op) {
    int flags = stop_blocking(op->fd);
    if (flags < 0)
        return flags;
    int32_t result = connect(op->fd, op->address, (socklen_t)op->length) < 0 ? -errno : 0;
    if (!(flags & O_NONBLOCK))
        fcntl(op->fd, F_SETFL, flags);
    if (result == -EINPROGRESS || result == -EINTR)
        return GREEN_TRY_NOT_READY;
    return result == -EAGAIN ? GREEN_TRY_AFTER_PAUSE : result;
}

/* Reads from a file that does not support RWF_NOWAIT: pipes before Linux 6.4, signalfd and
 * timerfd before 6.10, terminals and inotify on every kernel. If the descriptor is blocking
 * and another process takes the bytes between the two calls, the read blocks the hub, except
 * for a pipe. */
static int32_t read_if_readable(green_epoll *epoll, const green_op *op) {
    if (poll_now(op->fd, POLLIN) == GREEN_TRY_NOT_READY)
        return GREEN_TRY_NOT_READY;
    ssize_t result = green__read_pipe(&epoll->splice_pipe, op->fd, op->address, green__op_size(op));
    return outcome(result < 0 && errno == EINVAL ? read(op->fd, op->address, green__op_size(op)) : result);
}

static int32_t read_now(green_epoll *epoll, green_op *op) {
    struct iovec piece = {op->address, green__op_size(op)};
    ssize_t result = preadv2(op->fd, &piece, 1, -1, RWF_NOWAIT);
    op->nowait = result >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL);
    return op->nowait ? outcome(result) : read_if_readable(epoll, op);
}

int32_t green__epoll_try_syscall(green_epoll *epoll, green_op *op) {
    switch (op->kind) {
    case GREEN_OP_RECEIVE:
        return receive_now(op, op->address, green__op_size(op));
    case GREEN_OP_SEND:
    case GREEN_OP_SEND_MSG:
        return send_now(op);
    case GREEN_OP_CONNECT:
        return begin_connect(op);
    case GREEN_OP_READ:
        return read_now(epoll, op);
    case GREEN_OP_POLL:
        return poll_now(op->fd, op->flags);
    default:
        return GREEN_TRY_NOT_READY;
    }
}

/* A stream that returns less than was asked for has no more bytes for now. If it ends later,
 * an event reports that. */
static int32_t receive(green_epoll_fd *record, green_op *op, void *bytes, uint32_t size) {
    int32_t result = receive_now(op, bytes, size);
    if (result == 0)
        record->always_try = true;
    record->not_readable = !record->always_try && (result == GREEN_TRY_NOT_READY || (record->is_stream && op->drained));
    return result;
}

static int32_t receive_provided(green_epoll *epoll, green_epoll_fd *record, green_op *op) {
    green_epoll_buffers *buffers = &epoll->buffers;
    green_provided_buffer *buffer = op->address;
    if (buffers->free_count == 0)
        return -ENOBUFS;
    uint16_t id = buffers->free[buffers->free_count - 1];
    char *bytes = buffers->memory + id * (size_t)GREEN_PROVIDED_BUFFER_SIZE;
    int32_t result = receive(record, op, bytes, GREEN_PROVIDED_BUFFER_SIZE);
    if (result > 0) {
        buffers->free_count--;
        epoll->base.buffers_in_use++;
        *buffer = (green_provided_buffer){.bytes = bytes, .id = id};
    }
    return result;
}

static int32_t receive_message(green_epoll_fd *record, const green_op *op) {
    int32_t result = receive_message_now(op);
    record->not_readable = result == GREEN_TRY_NOT_READY && !record->always_try;
    return result;
}

static int32_t send_bytes(green_epoll_fd *record, const green_op *op) {
    int32_t result = send_now(op);
    record->not_writable = result == GREEN_TRY_NOT_READY;
    return result;
}

/* An accept4() that returns EAGAIN creates and frees a socket. So this first calls poll(2),
 * at a tenth of the cost, unless an event has just reported a connection and no other process
 * accepts from the listener. */
static int32_t accept_next(green_epoll_fd *record, const green_op *op) {
    int32_t result = GREEN_TRY_NOT_READY;
    bool reported = record->has_event && !record->contested;
    if (reported || may_proceed(op->fd, POLLIN))
        result = outcome(green__above_stdio(accept4(op->fd, NULL, NULL, SOCK_CLOEXEC)));
    record->contested |= reported && result == GREEN_TRY_NOT_READY;
    record->has_event = false;
    record->not_readable = result == GREEN_TRY_NOT_READY;
    return result;
}

static int32_t end_connect(const green_op *op) {
    if (!may_proceed(op->fd, POLLOUT))
        return GREEN_TRY_NOT_READY;
    int error = 0;
    if (getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}) < 0)
        return -errno;
    return -error;
}

int32_t green__epoll_try_op(green_epoll *epoll, green_epoll_fd *record, green_op *op) {
    epoll->counters->system_calls++;
    switch (op->kind) {
    case GREEN_OP_RECEIVE:
        return receive(record, op, op->address, green__op_size(op));
    case GREEN_OP_RECEIVE_PROVIDED:
        return receive_provided(epoll, record, op);
    case GREEN_OP_RECEIVE_MSG:
        return receive_message(record, op);
    case GREEN_OP_SEND:
    case GREEN_OP_SEND_MSG:
        return send_bytes(record, op);
    case GREEN_OP_ACCEPT:
        return accept_next(record, op);
    case GREEN_OP_CONNECT:
        return op->begun ? end_connect(op) : begin_connect(op);
    case GREEN_OP_READ:
        return read_now(epoll, op);
    case GREEN_OP_POLL:
        return poll_now(op->fd, op->flags);
    default:
        return -EINVAL; /* supports() returns false for files */
    }
}

bool green__epoll_worth_trying(const green_epoll_fd *record, const green_op *op) {
    switch (op->kind) {
    case GREEN_OP_RECEIVE:
    case GREEN_OP_RECEIVE_PROVIDED:
        /* If nothing is known about the socket yet, the caller's guess decides. */
        return !record->not_readable && (record->registered || !op->drained);
    case GREEN_OP_RECEIVE_MSG:
    case GREEN_OP_ACCEPT:
        return !record->not_readable;
    case GREEN_OP_SEND:
    case GREEN_OP_SEND_MSG:
        return !record->not_writable;
    default:
        return true;
    }
}
