/* The provided buffer ring: receive buffers that all sockets of a hub share.
 *
 * The kernel picks a buffer when bytes arrive, so a waiting receive holds none. Each receive
 * takes one buffer. Multishot receive was measured and left out: it saved up to 7 % of CPU
 * time with 64 connections and none with 1000, and the measurements varied as much. It
 * receives ahead of the reader, so each socket would need a limit, a queue and a cancel. */
#include "buffer_memory.h"
#include "uring.h"

#include <errno.h>
#include <stdlib.h>

enum { GROUP = 0 };

/* The largest number of buffers that fit and that is a power of two, as the ring requires. */
static unsigned count_of(size_t memory) {
    unsigned count = 1;
    while (count < GREEN_PROVIDED_BUFFERS_MAX && (size_t)count * 2 * GREEN_PROVIDED_BUFFER_SIZE <= memory)
        count *= 2;
    return count;
}

static void add(green_uring_buffers *buffers, unsigned index, unsigned offset) {
    io_uring_buf_ring_add(buffers->ring, buffers->memory + index * buffers->size, (unsigned)buffers->size,
                          (unsigned short)index, io_uring_buf_ring_mask(buffers->count), (int)offset);
}

int green__uring_buffers_open(green_uring *uring, size_t memory) {
    green_uring_buffers *buffers = &uring->buffers;
    buffers->count = count_of(memory);
    buffers->size = GREEN_PROVIDED_BUFFER_SIZE;
    buffers->ring = green__buffer_memory_map(buffers->count * sizeof(struct io_uring_buf));
    buffers->memory = green__buffer_memory_map(buffers->count * buffers->size);
    if (!buffers->ring || !buffers->memory)
        return green__fail(-ENOMEM, "cannot allocate %zu bytes of receive memory", memory);
    io_uring_buf_ring_init(buffers->ring);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)buffers->ring, .ring_entries = buffers->count, .bgid = GROUP};
    int error = io_uring_register_buf_ring(&uring->ring, &registration, 0);
    if (error < 0)
        return green__uring_explain(error, "cannot register receive memory with io_uring");
    /* In a forked child, the kernel would write into the child's copy. */
    madvise(buffers->memory, buffers->count * buffers->size, MADV_DONTFORK);
    for (unsigned i = 0; i < buffers->count; i++)
        add(buffers, i, i);
    io_uring_buf_ring_advance(buffers->ring, (int)buffers->count);
    return 0;
}

void green__uring_buffers_close(green_uring *uring) {
    green_uring_buffers *buffers = &uring->buffers;
    if (buffers->ring)
        munmap(buffers->ring, buffers->count * sizeof(struct io_uring_buf));
    if (buffers->memory)
        munmap(buffers->memory, buffers->count * buffers->size);
    *buffers = (green_uring_buffers){0};
}

void green__uring_buffers_prepare(const green_uring *uring, struct io_uring_sqe *sqe, const green_op *op) {
    io_uring_prep_recv(sqe, op->fd, NULL, 0, op->flags);
    sqe->ioprio |= op->drained ? uring->poll_first : 0;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
}

void green__uring_buffers_complete(green_uring *uring, green_op *op, const struct io_uring_cqe *cqe) {
    green_provided_buffer *buffer = op->address;
    buffer->bytes = NULL;
    if (!(cqe->flags & IORING_CQE_F_BUFFER))
        return;
    buffer->id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    buffer->bytes = uring->buffers.memory + buffer->id * uring->buffers.size;
    uring->base.buffers_in_use++;
    if (cqe->res <= 0) { /* at the end of a stream, some kernels pick a buffer that stays empty */
        green__uring_buffers_release(&uring->base, buffer);
        buffer->bytes = NULL;
    }
}

void green__uring_buffers_release(green_engine *engine, const green_provided_buffer *buffer) {
    green_uring_buffers *buffers = &green__uring_of(engine)->buffers;
    GREEN_INVARIANT(engine->buffers_in_use > 0 && buffer->id < buffers->count, "a provided buffer is released once");
    engine->buffers_in_use--;
    add(buffers, buffer->id, 0);
    io_uring_buf_ring_advance(buffers->ring, 1);
}
