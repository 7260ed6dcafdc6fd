/* An epoll inside the ring, for operations that must not hold their file.
 *
 * A request that waits in a ring holds its file until the ring is destroyed, and the
 * kernel destroys a ring in the background. For 5 to 70 ms after a process was killed,
 * its listeners still listen and its ports are still in use. An epoll does not hold
 * files. So operations that wait for connections, or for datagrams on a port, wait in an
 * epoll engine that is part of this engine, and the ring polls the epoll's descriptor.
 * The files are closed with the process's descriptors, before wait(2) reports its end. */
#include "uring.h"

#include <poll.h>
#include <sys/epoll.h>

/* Sends wait in the ring, so EPOLLOUT is not needed. */
int green__inner_open(green_uring *uring) {
    return green__epoll_open(&uring->inner, &uring->base, EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET);
}

bool green__inner_takes(const green_op *op) {
    return op->kind == GREEN_OP_ACCEPT || op->kind == GREEN_OP_RECEIVE_MSG || (op->kind == GREEN_OP_POLL && op->unheld);
}

/* Makes the ring poll the epoll while operations wait in it. */
static bool watch(green_uring *uring) {
    struct io_uring_sqe *sqe = green__uring_entry(uring);
    if (!sqe)
        return false;
    io_uring_prep_poll_add(sqe, uring->inner.fd, POLLIN);
    io_uring_sqe_set_data64(sqe, GREEN_NAME_INNER);
    uring->watching = true;
    return true;
}

bool green__inner_begin(green_uring *uring) {
    bool busy = uring->inner.fresh.first && green__epoll_try(&uring->inner);
    bool blind = green__inner_is_blind(uring) && !watch(uring);
    return busy || blind;
}

void green__inner_end(green_uring *uring) {
    if (!uring->noticed)
        return;
    uring->watching = uring->noticed = false;
    green__epoll_gather(&uring->inner, 0);
}
