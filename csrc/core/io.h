/* One operation of the engine as a blocking call. */
#ifndef GREEN_CORE_IO_H
#define GREEN_CORE_IO_H

#include "interrupt.h"

#include <limits.h>

/* The operation and its wait, both on the caller's stack. */
typedef struct green_io {
    green_wait wait;
    green_op op;
    int32_t result;
} green_io;

void green__io_complete(green_op *op, int32_t result);

/* Initializes the wait and the operation. The caller then sets the operation's arguments. */
static inline void green__io_init(green_hub *hub, green_io *io, const green_wait_kind *kind, green_op_kind op, int fd) {
    green__wait_init(hub, &io->wait, kind);
    io->op.complete = green__io_complete;
    io->op.kind = op;
    io->op.fd = fd;
    io->op.flags = 0;
    io->op.nowait = false;
    io->op.exact = false;
    io->op.no_file_ref = false;
    io->op.must_try = false;
    io->op.address = NULL;
    io->op.length = 0;
}

/* Submits the operation and parks until it completes. An interrupt only cancels it: the
 * engine uses the record until the completion, and an operation that has succeeded
 * nevertheless returns its success. An operation that the engine can complete inline does
 * not wait, unless the thread's last operation was completed inline, too: so a thread that
 * never has to wait still lets others run. */
static inline int32_t green__io_run(green_hub *hub, green_io *io, int64_t timeout) {
    const green_engine_class *class = hub->engine->class;
    green_thread *self = hub->current;
    if (GREEN_UNLIKELY(timeout == 0)) {
        io->op.must_try = true;
        io->op.drained = false;
    }
    if ((class->try_kinds >> io->op.kind & 1) && !self->completed_inline &&
        class->try_now(hub->engine, &io->op, &io->result)) {
        self->completed_inline = true;
        return io->result;
    }
    self->completed_inline = false;
    class->submit(hub->engine, &io->op);
    hub->io_waiters++;
    green__park_for(hub, &io->wait, timeout);
    hub->io_waiters--;
    /* A cancelled operation that a worker of the kernel had begun fails with EINTR. */
    if (io->wait.cancelled && (io->result == -ECANCELED || io->result == -EINTR))
        return green__wait_error(hub, &io->wait);
    return io->result;
}

/* Whether the operation was cancelled without a request: the kernel could not start a
 * worker for it. */
static inline bool green__io_not_started(const green_io *io) {
    return io->result == -ECANCELED && !io->wait.cancelled;
}

/* Returns -EINVAL, with a message, for a length that no result can represent, which was
 * most likely a negative number. */
int green__size_error(const char *verb, size_t size);

static inline int green__check_size(const char *verb, size_t size) {
    return GREEN_LIKELY(size <= SSIZE_MAX) ? 0 : green__size_error(verb, size);
}

/* Closes a descriptor of the engine. All operations on it must have completed. */
void green__io_close_fd(green_hub *hub, int fd);

/* Whether the descriptor is a socket that occupies its address: it listens, or receives
 * datagrams. */
bool green__io_keeps_address(int fd);

/* The cancel() of a wait that is part of a green_io. */
void green__io_cancel(green_wait *wait);

#endif
