/* An epoll inside the ring, for operations that must not hold their file.
 *
 * A request that waits in a ring holds its file until the ring is destroyed, and the kernel
 * destroys a ring in the background. For 5 to 70 ms after a process was killed, its listeners
 * still listen, and its ports are in use. An epoll does not hold files: they are closed with
 * the process's descriptors, before wait(2) reports its end.
 *
 * So operations that wait for connections, or for datagrams on a port, wait in an epoll engine
 * inside this engine, and the ring polls the epoll's descriptor. */
#include "uring.h"

#include <poll.h>
#include <sys/epoll.h>

/* Sends wait in the ring, so EPOLLOUT is not needed. */
int green__inner_epoll_open(green_uring *uring) {
    return green__epoll_open(&uring->inner, &uring->base, EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET);
}

static bool poll_epoll(green_uring *uring) {
    struct io_uring_sqe *sqe = green__uring_entry(uring);
    if (!sqe)
        return false;
    io_uring_prep_poll_add(sqe, uring->inner.fd, POLLIN);
    io_uring_sqe_set_data64(sqe, GREEN_USER_DATA_INNER_EPOLL);
    uring->inner_polled = true;
    return true;
}

bool green__inner_epoll_begin(green_uring *uring) {
    bool busy = uring->inner.to_try.first && green__epoll_try_queued(&uring->inner);
    bool unpolled = green__inner_epoll_needs_poll(uring) && !poll_epoll(uring);
    return busy || unpolled;
}

void green__inner_epoll_end(green_uring *uring) {
    if (!uring->inner_ready)
        return;
    uring->inner_polled = uring->inner_ready = false;
    green__epoll_wait_and_try(&uring->inner, 0);
}
