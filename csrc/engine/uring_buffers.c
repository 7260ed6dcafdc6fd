/* Receive buffers that all sockets of a hub share: a provided buffer ring.
 *
 * The kernel picks a buffer when bytes have come, so those who wait hold none.
 * One receive takes one buffer. Multishot receive was measured beside it: with
 * 64 connections it took up to 7 % less CPU, with 1000 none, within a spread of
 * as much. It was left out, because it receives ahead of the reader, who would
 * then need a limit, a queue and a cancel for every socket. */
#include "uring.h"

#include "../base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { GROUP = 0 };

/* The largest power of two of buffers that the memory holds. */
static unsigned count_of(size_t memory) {
    unsigned count = 1;
    while (count < GREEN_LENT_MAX && (size_t)count * 2 * GREEN_LENT_SIZE <= memory)
        count *= 2;
    return count;
}

static void add(green_lending *lending, unsigned index, unsigned offset) {
    io_uring_buf_ring_add(lending->ring, lending->memory + index * lending->size, (unsigned)lending->size,
                          (unsigned short)index, io_uring_buf_ring_mask(lending->count), (int)offset);
}

static void *map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Where this fails, green__lending_close() undoes it. */
int green__lending_open(green_uring *uring, size_t memory) {
    green_lending *lending = &uring->lending;
    lending->count = count_of(memory);
    lending->size = GREEN_LENT_SIZE;
    lending->ring = map(lending->count * sizeof(struct io_uring_buf));
    lending->memory = map(lending->count * lending->size);
    if (!lending->ring || !lending->memory)
        return green__fail(-ENOMEM, "making %zu bytes of receive memory", memory);
    io_uring_buf_ring_init(lending->ring);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)lending->ring, .ring_entries = lending->count, .bgid = GROUP};
    int error = io_uring_register_buf_ring(&uring->ring, &registration, 0);
    if (error < 0)
        return green__ring_refused(error, "registering receive memory with io_uring");
    /* A forked child must not have the kernel write into its copy. */
    madvise(lending->memory, lending->count * lending->size, MADV_DONTFORK);
    for (unsigned i = 0; i < lending->count; i++)
        add(lending, i, i);
    io_uring_buf_ring_advance(lending->ring, (int)lending->count);
    return 0;
}

/* The registration ends with the ring. */
void green__lending_close(green_uring *uring) {
    green_lending *lending = &uring->lending;
    if (lending->ring)
        munmap(lending->ring, lending->count * sizeof(struct io_uring_buf));
    if (lending->memory)
        munmap(lending->memory, lending->count * lending->size);
    *lending = (green_lending){0};
}

void green__lending_prepare(const green_uring *uring, struct io_uring_sqe *sqe, const green_op *op) {
    io_uring_prep_recv(sqe, op->fd, NULL, 0, op->flags);
    sqe->ioprio |= op->drained ? uring->poll_first : 0;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
}

void green__lending_complete(green_uring *uring, green_op *op, const struct io_uring_cqe *cqe) {
    green_lent *lent = op->address;
    lent->bytes = NULL;
    if (!(cqe->flags & IORING_CQE_F_BUFFER))
        return;
    lent->token = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    lent->bytes = uring->lending.memory + lent->token * uring->lending.size;
    uring->base.lent++;
    if (cqe->res <= 0) { /* the stream ended: nothing is in it */
        green__lending_give_back(&uring->base, lent);
        lent->bytes = NULL;
    }
}

void green__lending_give_back(green_engine *engine, const green_lent *lent) {
    green_lending *lending = &GREEN_CONTAINER(engine, green_uring, base)->lending;
    GREEN_INVARIANT(engine->lent > 0 && lent->token < lending->count, "a lent buffer is given back once");
    engine->lent--;
    add(lending, lent->token, 0);
    io_uring_buf_ring_advance(lending->ring, 1);
}
