#include "request.h"

#include "harness.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t fault_count;

/* Buffers -------------------------------------------------------------------- */

static struct {
    struct io_uring_buf_ring *ring;
    uint16_t head, count;
} buffers;

void buffers_begin(struct io_uring_buf_ring *ring, unsigned count) {
    buffers.ring = ring;
    buffers.head = 0;
    buffers.count = (uint16_t)count;
}

static uint16_t free_buffers(void) {
    return (uint16_t)(__atomic_load_n(&buffers.ring->tail, __ATOMIC_ACQUIRE) - buffers.head);
}

void buffers_end(void) {
    CHECK(free_buffers(), ==, buffers.count);
}

/* Fates ---------------------------------------------------------------------- */

static int32_t fate_of(const struct io_uring_sqe *entry, const struct faults *faults) {
    if (entry->opcode != IORING_OP_ASYNC_CANCEL && chance(faults->interrupted))
        return -EINTR;
    switch (entry->opcode) {
    case IORING_OP_RECV:
        if (entry->flags & IOSQE_BUFFER_SELECT && chance(faults->no_buffer))
            return -ENOBUFS;
        return chance(faults->reset) ? -ECONNRESET : 0;
    case IORING_OP_SEND:
        if (chance(faults->full))
            return -EAGAIN;
        return chance(faults->reset) ? -ECONNRESET : 0;
    default:
        return 0;
    }
}

void request_begin(struct request *request, const struct faults *faults) {
    request->fate = fate_of(&request->entry, faults);
    request->most = chance(faults->cut) ? 1 + below(16) : UINT32_MAX;
    request->done = 0;
    request->reported = 0;
    request->doomed = false;
}

/* Execution ------------------------------------------------------------------ */

static int32_t outcome(ssize_t result) {
    if (result >= 0)
        return (int32_t)result;
    return errno == EAGAIN ? NOT_YET : -errno;
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Repeats the call until all bytes are moved if the request wants that, as the kernel does. */
static int32_t move_bytes(struct request *request) {
    const struct io_uring_sqe *entry = &request->entry;
    int flags = ((int)entry->msg_flags & ~MSG_WAITALL) | MSG_DONTWAIT;
    bool whole = entry->msg_flags & MSG_WAITALL;
    for (;;) {
        char *bytes = (char *)(uintptr_t)entry->addr + request->done;
        uint32_t length = least(entry->len - request->done, request->most);
        int32_t result = outcome(entry->opcode == IORING_OP_SEND ? send(entry->fd, bytes, length, flags)
                                                                 : recv(entry->fd, bytes, length, flags));
        if (result > 0)
            request->done += (uint32_t)result;
        if (result == NOT_YET && request->done == 0 && entry->msg_flags & MSG_DONTWAIT)
            return -EAGAIN;
        if (result == NOT_YET && request->done > 0 && !whole)
            return (int32_t)request->done;
        if (result <= 0)
            return result == NOT_YET || request->done == 0 ? result : (int32_t)request->done;
        if (!whole || request->done == entry->len || request->most != UINT32_MAX)
            return (int32_t)request->done;
    }
}

static bool has_something(int fd) {
    struct pollfd state = {.fd = fd, .events = POLLIN};
    return poll(&state, 1, 0) != 0;
}

/* The kernel picks a buffer before it looks for bytes, unless the request polls first. */
static int32_t receive_picked(const struct request *request, uint32_t *flags) {
    const struct io_uring_sqe *entry = &request->entry;
    bool ready = has_something(entry->fd);
    if (free_buffers() == 0 && (ready || !(entry->ioprio & IORING_RECVSEND_POLL_FIRST)))
        return -ENOBUFS;
    if (!ready)
        return NOT_YET;
    const struct io_uring_buf *buffer = &buffers.ring->bufs[buffers.head & (buffers.count - 1)];
    uint32_t length = least(buffer->len, request->most);
    int32_t result =
        outcome(recv(entry->fd, (void *)(uintptr_t)buffer->addr, length, (int)entry->msg_flags | MSG_DONTWAIT));
    /* At the end of a stream, some kernels pick a buffer. */
    if (result > 0 || (result == 0 && chance(500))) {
        *flags |= IORING_CQE_F_BUFFER | (uint32_t)buffer->bid << IORING_CQE_BUFFER_SHIFT;
        buffers.head++;
    }
    return result;
}

/* A poll of the ring also ends for POLLRDHUP. A multishot poll reports each event once
 * while the event persists. */
static int32_t poll_now(struct request *request) {
    struct pollfd state = {.fd = request->entry.fd, .events = (short)(request->entry.poll32_events | POLLRDHUP)};
    short news = poll(&state, 1, 0) > 0 ? state.revents : 0;
    if (request->entry.len & IORING_POLL_ADD_MULTI) {
        short reported = request->reported;
        request->reported = news;
        news &= (short)~reported;
    }
    return news ? news : NOT_YET;
}

static int32_t execute(struct request *request, uint32_t *flags) {
    const struct io_uring_sqe *entry = &request->entry;
    switch (entry->opcode) {
    case IORING_OP_RECV:
        return entry->flags & IOSQE_BUFFER_SELECT ? receive_picked(request, flags) : move_bytes(request);
    case IORING_OP_SEND:
        return move_bytes(request);
    case IORING_OP_POLL_ADD:
        return poll_now(request);
    case IORING_OP_TIMEOUT:
        return -ETIME;
    default:
        check_failed(__FILE__, __LINE__, "an operation that the simulation knows");
    }
}

int32_t request_attempt(struct request *request, uint32_t *flags) {
    const struct io_uring_sqe *entry = &request->entry;
    *flags = chance(300) ? IORING_CQE_F_SOCK_NONEMPTY : 0;
    if (request->fate != 0) {
        fault_count++;
        if (request->fate == -ECONNRESET)
            note_reset(entry->fd);
        return request->fate;
    }
    int32_t result = execute(request, flags);
    if (result == NOT_YET && request->doomed)
        return request->done > 0 ? (int32_t)request->done : chance(500) ? -EINTR : -ECANCELED;
    if (result > 0 && request->most != UINT32_MAX)
        fault_count++;
    return result;
}
