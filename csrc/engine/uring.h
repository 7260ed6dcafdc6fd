/* The parts of the io_uring engine. */
#ifndef GREEN_ENGINE_URING_H
#define GREEN_ENGINE_URING_H

#include "epoll.h"

#include <errno.h>
#include <liburing.h>
#include <sys/socket.h>

#ifndef IORING_SETUP_DEFER_TASKRUN
#error "Green needs liburing 2.3 or later"
#endif

/* Memory that the kernel picks receive buffers from: a provided buffer ring. */
typedef struct green_uring_buffers {
    struct io_uring_buf_ring *ring; /* what is free */
    char *memory;
    size_t size; /* of each buffer */
    unsigned count;
} green_uring_buffers;

typedef struct green_uring {
    green_engine base;
    struct io_uring ring;
    green_uring_buffers buffers;
    unsigned enter_flags;   /* for every io_uring_enter() */
    uint16_t poll_first;    /* a request's flag that its first attempt would fail; 0: not used */
    unsigned sock_nonempty; /* a completion's flag that more bytes are there; 0: not used */
    bool has_ftruncate;     /* Linux 6.9 */
    unsigned opens;         /* files that are being opened, and as many as may be */
    unsigned opens_max;
    uint16_t generation;            /* of the last operation */
    green_op_queue backlog;         /* without a submission entry yet */
    green_op_queue cancel_queue;    /* cancelled, without an entry for that yet */
    green_op_queue cancelling;      /* cancelled, with a cancel request that is pending or complete */
    green_op_queue never_submitted; /* cancelled before they had an entry */
    green_epoll inner;              /* see inner_epoll.c */
    bool inner_polled;              /* the ring polls the inner epoll */
    bool inner_ready;               /* the poll of the inner epoll has ended */
} green_uring;

/* What an operation's state says of where it is. */
enum {
    GREEN_URING_IDLE,
    GREEN_URING_IN_BACKLOG,
    GREEN_URING_SUBMITTED,
    GREEN_URING_CANCEL_QUEUED,
    GREEN_URING_CANCELLING,
    GREEN_URING_NEVER_SUBMITTED
};

/* Makes the ring itself, and tells what it can do. 0 or -errno, explained. */
int green__uring_setup(green_uring *uring, unsigned entries);

/* Finds out the flags of io_uring_enter(), by calls that do nothing. 0 or -errno,
 * explained. */
int green__uring_try_enter(green_uring *uring);

/* Explains the error of making a part of the ring, and returns it. */
int green__uring_explain(int error, const char *what);

/* Errors of io_uring_enter() for which another one is the answer. */
static inline bool green__uring_is_transient(int error) {
    return error == -EINTR || error == -ETIME || error == -EBUSY || error == -EAGAIN;
}

/* green__uring_enqueue() queues an operation's next request; green__uring_cancel_request()
 * cancels its current request. */
void green__uring_enqueue(green_uring *uring, green_op *op);
void green__uring_cancel_request(green_uring *uring, green_op *op);

/* The kind of the current request of an operation; see uring_wait.c. */
enum {
    GREEN_PHASE_ATTEMPT,   /* the operation itself */
    GREEN_PHASE_POLL,      /* a poll for one event */
    GREEN_PHASE_MULTISHOT, /* a poll for every new event */
    GREEN_PHASE_STOP,      /* the end of that poll; the result is known */
    GREEN_PHASE_PAUSE,     /* a timeout */
};

/* The first phase of an operation. A connect to a full unix listener would block a worker
 * thread, because its poll ends at once. */
static inline uint8_t green__uring_wait_begin(const green_op *op) {
    switch (op->kind) {
    case GREEN_OP_POLL:
        return GREEN_PHASE_POLL;
    case GREEN_OP_READ:
        return op->nowait ? GREEN_PHASE_ATTEMPT : GREEN_PHASE_POLL;
    case GREEN_OP_SEND:
    case GREEN_OP_SEND_MSG:
        return op->drained ? GREEN_PHASE_POLL : GREEN_PHASE_ATTEMPT;
    case GREEN_OP_CONNECT: {
        const struct sockaddr *to = op->address;
        return to->sa_family == AF_UNIX ? GREEN_PHASE_POLL : GREEN_PHASE_ATTEMPT;
    }
    default:
        return GREEN_PHASE_ATTEMPT;
    }
}

/* Whether uring_wait.c handles a completion. */
static inline bool green__uring_wait_is_due(const green_op *op, int32_t result) {
    return op->phase != GREEN_PHASE_ATTEMPT || result == -EAGAIN;
}

void green__uring_wait_prepare(struct io_uring_sqe *sqe, const green_op *op);

/* Handles a completion. Returns whether the operation has ended, with *result. If not, it
 * has a next request, or more completions of the current one will follow. */
bool green__uring_wait_step(green_uring *uring, green_op *op, int32_t *result, bool more);

/* What is done with files. */
void green__uring_files_probe(green_uring *uring, struct io_uring_probe *probe);
bool green__uring_files_supports(const green_engine *engine, green_op_kind kind);
void green__uring_files_prepare(struct io_uring_sqe *sqe, const green_op *op);

/* The epoll inside the ring, for operations that must not hold their file. */
int green__inner_epoll_open(green_uring *uring);
bool green__inner_epoll_takes(const green_op *op);

/* Whether operations wait in the epoll, and the ring does not poll it. */
static inline bool green__inner_epoll_needs_poll(const green_uring *uring) {
    return uring->inner.waiting > 0 && !uring->inner_polled;
}

/* Called before and after the ring's part of a turn. green__inner_epoll_begin() returns whether
 * the turn should not wait. */
bool green__inner_epoll_begin(green_uring *uring);
void green__inner_epoll_end(green_uring *uring);

/* User data of requests. For an operation it is the address. These stand for the poll of
 * the inner epoll, and for a bit that a cancel adds to the user data of its target. */
enum { GREEN_USER_DATA_CANCEL = 1, GREEN_USER_DATA_INNER_EPOLL = 2 };

/* A free submission entry, or NULL if the submission queue is full. */
struct io_uring_sqe *green__uring_entry(green_uring *uring);

/* The buffers of the ring. */
int green__uring_buffers_open(green_uring *uring, size_t memory);
void green__uring_buffers_close(green_uring *uring);
void green__uring_buffers_prepare(const green_uring *uring, struct io_uring_sqe *sqe, const green_op *op);
void green__uring_buffers_complete(green_uring *uring, green_op *op, const struct io_uring_cqe *cqe);
void green__uring_buffers_release(green_engine *engine, const green_provided_buffer *buffer);

#endif
