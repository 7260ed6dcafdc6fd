/* One operation of the engine as a blocking call. */
#ifndef GREEN_CORE_IO_H
#define GREEN_CORE_IO_H

#include "hub.h"

/* The operation and its wait, both on the caller's stack. */
typedef struct green_io {
    green_wait wait;
    green_op op;
    int32_t result;
} green_io;

void green__io_complete(green_op *op, int32_t result, bool more);

/* Prepares it: the caller then fills in the operation's arguments. */
static inline void green__io_init(green_hub *hub, green_io *io, const green_wait_kind *kind, green_op_kind op, int fd) {
    green__wait_init(hub, &io->wait, kind);
    io->op.complete = green__io_complete;
    io->op.kind = op;
    io->op.fd = fd;
    io->op.flags = 0;
    io->op.address = NULL;
    io->op.length = 0;
}

/* Submits the operation and parks until its last completion, which also an
 * interrupt only brings nearer: the engine uses the record until then. An
 * operation that succeeded all the same reports its success. */
static inline int32_t green__io_run(green_hub *hub, green_io *io, int64_t timeout) {
    hub->engine->class->submit(hub->engine, &io->op);
    hub->awaited++;
    green__park_for(hub, &io->wait, timeout);
    hub->awaited--;
    /* EINTR is how a cancelled operation ends that a worker had begun. */
    if (io->wait.cancelled && (io->result == -ECANCELED || io->result == -EINTR))
        return green__why(hub, &io->wait);
    return io->result;
}

/* Closes a descriptor that sockets' operations, ended by now, have worked on. */
void green__forget_and_close(green_hub *hub, int fd);

/* The cancel of a wait that is a green_io. */
void green__io_cancel(green_wait *wait);

#endif
