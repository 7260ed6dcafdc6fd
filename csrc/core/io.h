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

/* Prepares it: the caller then fills in the operation's arguments. */
void green__io_init(green_hub *hub, green_io *io, const green_wait_kind *kind, green_op_kind op, int fd);

/* Submits the operation and parks until its last completion, which also an
 * interrupt only brings nearer: the engine uses the record until then. An
 * operation that succeeded all the same reports its success. */
int32_t green__io_run(green_hub *hub, green_io *io, int64_t timeout);

/* The cancel of a wait that is a green_io. */
void green__io_cancel(green_wait *wait);

#endif
