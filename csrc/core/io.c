#include "io.h"

#include "hub.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void green__io_complete(green_op *op, int32_t result) {
    green_io *io = GREEN_CONTAINER(op, green_io, op);
    io->result = result;
    green__ready(io->wait.thread);
}

void green__io_cancel(green_wait *wait) {
    green_engine *engine = wait->thread->hub->engine;
    engine->class->cancel(engine, &GREEN_CONTAINER(wait, green_io, wait)->op);
}

int green__size_error(const char *verb, size_t size) {
    return green__fail(-EINVAL, "cannot %s %zu bytes: the maximum is %zd", verb, size, (ssize_t)SSIZE_MAX);
}

void green__io_close_fd(green_hub *hub, int fd) {
    hub->engine->class->forget(hub->engine, fd, false);
    close(fd);
}

static void describe_poll(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "waiting for descriptor %d", GREEN_CONTAINER(wait, const green_io, wait)->op.fd);
}

static const green_wait_kind polling = {green__io_cancel, describe_poll};

bool green__io_keeps_address(int fd) {
    int type = 0, listens = 0, error_number = errno;
    bool is_socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type}) == 0;
    if (is_socket && type != SOCK_DGRAM)
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){sizeof listens});
    errno = error_number;
    return is_socket && (type == SOCK_DGRAM || listens);
}

int green_wait_fd(int fd, short events, int64_t timeout) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub || (error = green__begin(hub, timeout)) < 0)
        return error;
    green_io io;
    green__io_init(hub, &io, &polling, GREEN_OP_POLL, fd);
    io.op.flags = (unsigned short)events;
    io.op.no_file_ref = !(events & POLLOUT) && green__io_keeps_address(fd);
    io.op.exact = events & POLLOUT;
    error = green__io_run(hub, &io, timeout);
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "descriptor %d was not ready", fd);
    else if (error < 0 && !green__is_explained(error))
        green__fail(error, "cannot wait for descriptor %d", fd);
    return error;
}
