// A ring of buffers from which the kernel takes one per receive, for uring_echo's select, multishot
// and incremental modes. Received bytes are handed out as pieces; a buffer returns to the kernel
// when its last piece does.

#ifndef GREEN_BENCH_PROVIDED_BUFFERS_H
#define GREEN_BENCH_PROVIDED_BUFFERS_H

#include "echo_server.h"
#include <liburing.h>
#include <stdbool.h>
#include <sys/mman.h>

// What the headers of liburing 2.3 lack.
#ifndef IORING_CQE_F_BUF_MORE
#define IORING_CQE_F_BUF_MORE (1U << 4) // Linux 6.12
#endif
#define PBUF_RING_INCREMENTAL 2 // IOU_PBUF_RING_INC, Linux 6.12; goes where 2.3 says `pad`

enum { BUFFER_GROUP = 0 };

struct piece {
    struct piece *next;
    char *data;
    unsigned length;
    unsigned short buffer;
};

struct buffer {
    unsigned used;
    unsigned pieces; // a classic buffer has one, an incremental one is shared by many
    bool retired;    // the kernel is done with it
};

static struct provided_buffers {
    size_t bytes, count; // of each buffer, and how many
    bool incremental;
    size_t free;
    struct io_uring_buf_ring *ring;
    char *memory;
    struct buffer *state;
    struct piece *spare_pieces;
} provided;

static inline void *reserve(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap", errno);
    // A huge page would make one busy connection pay for the buffers of a hundred idle ones.
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    return memory;
}

static inline void provide_buffer(unsigned short id) {
    provided.state[id] = (struct buffer){0};
    io_uring_buf_ring_add(provided.ring, provided.memory + id * provided.bytes, provided.bytes, id,
                          io_uring_buf_ring_mask(provided.count), 0);
    io_uring_buf_ring_advance(provided.ring, 1);
    provided.free++;
}

static inline void open_provided_buffers(struct io_uring *ring) {
    provided.ring = reserve(provided.count * sizeof(struct io_uring_buf));
    provided.memory = reserve(provided.count * provided.bytes);
    provided.state = calloc(provided.count, sizeof *provided.state);
    if (!provided.state)
        fail("calloc", ENOMEM);
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)provided.ring,
                                            .ring_entries = provided.count,
                                            .bgid = BUFFER_GROUP,
                                            .pad = provided.incremental ? PBUF_RING_INCREMENTAL : 0};
    int result = io_uring_register_buf_ring(ring, &registration, 0);
    if (result < 0)
        fail("register buffer ring (incremental needs Linux 6.12)", -result);
    for (size_t id = 0; id < provided.count; id++)
        provide_buffer(id);
}

static inline struct piece *take_piece(unsigned length, unsigned cqe_flags) {
    unsigned short id = cqe_flags >> IORING_CQE_BUFFER_SHIFT;
    struct buffer *buffer = &provided.state[id];
    struct piece *piece = provided.spare_pieces;
    if (piece)
        provided.spare_pieces = piece->next;
    else if (!(piece = malloc(sizeof *piece)))
        fail("malloc", ENOMEM);

    char *data = provided.memory + id * provided.bytes + buffer->used;
    *piece = (struct piece){.data = data, .length = length, .buffer = id};
    buffer->used += length;
    buffer->pieces++;
    if (!provided.incremental || !(cqe_flags & IORING_CQE_F_BUF_MORE)) {
        buffer->retired = true;
        provided.free--;
    }
    return piece;
}

static inline void return_piece(struct piece *piece) {
    struct buffer *buffer = &provided.state[piece->buffer];
    if (--buffer->pieces == 0 && buffer->retired)
        provide_buffer(piece->buffer);
    piece->next = provided.spare_pieces;
    provided.spare_pieces = piece;
}

// A classic buffer is kept from the others whole, however little it holds.
static inline size_t bytes_kept(const struct piece *piece) {
    return provided.incremental ? piece->length : provided.bytes;
}

#endif
