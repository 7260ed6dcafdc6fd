/* One operation of the engine as a blocking call. */
#ifndef GREEN_CORE_IO_H
#define GREEN_CORE_IO_H

#include "hub.h"

#include <limits.h>

/* The operation and its wait, both on the caller's stack. */
typedef struct green_io {
    green_wait wait;
    green_op op;
    int32_t result;
} green_io;

void green__io_complete(green_op *op, int32_t result);

/* Prepares it: the caller then fills in the operation's arguments. */
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

/* Submits the operation and parks until its completion, which also an
 * interrupt only brings nearer: the engine uses the record until then. An
 * operation that succeeded all the same reports its success. One that an engine
 * can do at once is not waited for, unless the thread's last one was of that
 * kind, too: so whoever never has to wait still lets others run. */
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
    /* EINTR is how a cancelled operation ends that a worker had begun. */
    if (io->wait.cancelled && (io->result == -ECANCELED || io->result == -EINTR))
        return green__wait_error(hub, &io->wait);
    return io->result;
}

/* Whether it was cancelled though nobody has asked for that: the kernel could start no
 * worker for it. */
static inline bool green__io_not_started(const green_io *io) {
    return io->result == -ECANCELED && !io->wait.cancelled;
}

/* Returns -EINVAL, explained, for a length that no result can represent: most likely a
 * negative number. */
int green__size_error(const char *verb, size_t size);

static inline int green__check_size(const char *verb, size_t size) {
    return GREEN_LIKELY(size <= SSIZE_MAX) ? 0 : green__size_error(verb, size);
}

/* Closes a descriptor that sockets' operations, ended by now, have worked on. */
void green__io_close_fd(green_hub *hub, int fd);

/* The cancel of a wait that is a green_io. */
void green__io_cancel(green_wait *wait);

#endif
