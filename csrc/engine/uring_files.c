/* Requests on files. The kernel performs those that would block in its own worker threads. */
#include "uring.h"

#include "../base/feature.h"

#include <fcntl.h>

/* The most bytes that are copied while the hub enters the kernel, if the page cache has them.
 * A longer transfer goes to a kernel worker, because several in one loop iteration would
 * block the hub for too long. */
enum { INLINE_MAX = 64 * 1024 };

/* Since Linux 6.9. liburing 2.3 does not define it. */
enum { OP_FTRUNCATE = 55 };

/* An open may block a kernel worker forever, for example until the other end of a FIFO is
 * opened. So opens may use only half of the workers. */
void green__uring_files_probe(green_uring *uring, struct io_uring_probe *probe) {
    unsigned workers[2] = {0, 0};
    uring->has_ftruncate =
        io_uring_opcode_supported(probe, OP_FTRUNCATE) && !green__feature_is_disabled(GREEN_FEATURE_FTRUNCATE);
    if (!green__feature_is_disabled(GREEN_FEATURE_IOWQ_MAX_WORKERS) &&
        io_uring_register_iowq_max_workers(&uring->ring, workers) == 0)
        uring->opens_max = workers[0] / 2;
}

bool green__uring_files_supports(const green_engine *engine, green_op_kind kind) {
    const green_uring *uring = GREEN_CONTAINER(engine, const green_uring, base);
    switch (kind) {
    case GREEN_OP_OPEN:
        return uring->opens < uring->opens_max;
    case GREEN_OP_TRUNCATE:
        return uring->has_ftruncate;
    default:
        return true;
    }
}

/* Whether to force the request to a kernel worker. Without that, the kernel sometimes opens a
 * file while the hub enters it, and then blocks the hub when a file server is slow, or fails
 * to wait for the other end of a FIFO. It passes all other requests to workers by itself. */
static bool needs_worker(const green_op *op) {
    switch (op->kind) {
    case GREEN_OP_OPEN:
        return true;
    case GREEN_OP_READ_AT:
    case GREEN_OP_WRITE_AT:
        return op->length > INLINE_MAX;
    default:
        return false;
    }
}

static void prepare_stat(struct io_uring_sqe *sqe, const green_op *op) {
    int flags = AT_NO_AUTOMOUNT; /* as in stat(2) */
    if (op->address)
        io_uring_prep_statx(sqe, AT_FDCWD, op->address, flags, STATX_BASIC_STATS, op->second);
    else
        io_uring_prep_statx(sqe, op->fd, "", flags | AT_EMPTY_PATH, STATX_BASIC_STATS, op->second);
}

void green__uring_files_prepare(struct io_uring_sqe *sqe, const green_op *op) {
    switch (op->kind) {
    case GREEN_OP_READ_AT:
        io_uring_prep_read(sqe, op->fd, op->address, green__op_size(op), op->offset);
        break;
    case GREEN_OP_WRITE_AT:
        io_uring_prep_write(sqe, op->fd, op->address, green__op_size(op), op->offset);
        break;
    case GREEN_OP_OPEN:
        io_uring_prep_openat(sqe, AT_FDCWD, op->address, op->flags | O_CLOEXEC, (mode_t)op->length);
        break;
    case GREEN_OP_SYNC:
    case GREEN_OP_SYNC_DATA:
        io_uring_prep_fsync(sqe, op->fd, op->kind == GREEN_OP_SYNC_DATA ? IORING_FSYNC_DATASYNC : 0);
        break;
    case GREEN_OP_TRUNCATE:
        io_uring_prep_rw(OP_FTRUNCATE, sqe, op->fd, NULL, 0, op->offset);
        break;
    case GREEN_OP_STAT:
        prepare_stat(sqe, op);
        break;
    case GREEN_OP_RENAME:
        io_uring_prep_renameat(sqe, AT_FDCWD, op->address, AT_FDCWD, op->second, 0);
        break;
    case GREEN_OP_UNLINK:
    case GREEN_OP_REMOVE_DIRECTORY:
        io_uring_prep_unlinkat(sqe, AT_FDCWD, op->address, op->kind == GREEN_OP_UNLINK ? 0 : AT_REMOVEDIR);
        break;
    case GREEN_OP_MAKE_DIRECTORY:
        io_uring_prep_mkdirat(sqe, AT_FDCWD, op->address, (mode_t)op->length);
        break;
    default:
        break;
    }
    if (needs_worker(op))
        sqe->flags |= IOSQE_ASYNC;
}
