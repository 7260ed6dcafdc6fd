/* The io_uring engine: its state, and the parts that work on it.
 *
 *   uring_files.c    requests on files
 *   uring_message.c  messages that wake the ring
 *   uring_setup.c    makes the ring and finds out what the kernel supports
 *   uring_buffers.c  the provided buffer ring: memory for receives
 *   uring_submit.c   writes submission entries: submit and cancel
 *   uring_wait.c     how an operation waits if it cannot complete at once
 *   inner_epoll.c    an epoll inside the ring, for operations that must not hold their file
 *   uring.c          enters the kernel and handles completions; open and close
 *
 * Each part calls only parts above it in this list, and the parts of the epoll engine. */
#ifndef GREEN_ENGINE_URING_H
#define GREEN_ENGINE_URING_H

#include "../base/error.h"
#include "epoll.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>

#ifndef IORING_SETUP_DEFER_TASKRUN
#error "Green needs liburing 2.3 or later"
#endif

/* Receive buffers of equal size that the kernel picks from. */
typedef struct green_uring_buffers {
    struct io_uring_buf_ring *ring; /* the free buffers, shared with the kernel */
    char *memory;
    size_t size; /* of each buffer, in bytes */
    unsigned count;
} green_uring_buffers;

/* An operation is in one of the four queues or in none; its state says which. */
typedef struct green_uring {
    green_engine base;
    struct io_uring ring;
    green_uring_buffers buffers;
    unsigned enter_flags;           /* for every io_uring_enter() */
    uint16_t poll_first;            /* request flag: poll before the first attempt; 0: not supported */
    unsigned sock_nonempty;         /* completion flag: the socket has more bytes; 0: not supported */
    bool has_ftruncate;             /* Linux 6.9 */
    unsigned opens, opens_max;      /* opens in progress, and their limit */
    uint16_t generation;            /* of the last request, see uring_submit.c */
    green_op_queue backlog;         /* waits for a submission entry */
    green_op_queue cancel_queue;    /* cancelled; the cancel request waits for a submission entry */
    green_op_queue cancelling;      /* cancelled; the cancel request is submitted */
    green_op_queue never_submitted; /* cancelled while in the backlog; completes in the next poll() */
    green_epoll inner;              /* see inner_epoll.c */
    bool inner_polled;              /* the ring polls the inner epoll */
    bool inner_ready;               /* that poll has ended: the inner epoll has events */
    bool wake_polled;               /* the ring polls the eventfd of green__engine_wake() */
} green_uring;

/* green_op.state in this engine. */
enum {
    GREEN_URING_IDLE,
    GREEN_URING_IN_BACKLOG,
    GREEN_URING_SUBMITTED,
    GREEN_URING_CANCEL_QUEUED,
    GREEN_URING_CANCELLING,
    GREEN_URING_NEVER_SUBMITTED,
};

/* green_op.phase: the kind of the operation's current request. See uring_wait.c. */
enum {
    GREEN_PHASE_ATTEMPT,   /* the operation itself */
    GREEN_PHASE_POLL,      /* a poll for one event */
    GREEN_PHASE_MULTISHOT, /* a poll for every new event */
    GREEN_PHASE_STOP,      /* the cancel of that poll; the operation's result is known */
    GREEN_PHASE_PAUSE,     /* a timeout */
};

/* The user data of a request is the address of its operation with a generation number in
 * the upper 16 bits. Addresses are multiples of 4, so bit 0 can mark a request that cancels
 * the request with the rest of the user data. Bit 1 marks completions without an operation:
 * of the polls of the inner epoll and of the eventfd of green__engine_wake(), and messages. */
enum {
    GREEN_USER_DATA_CANCEL = 1,
    GREEN_USER_DATA_INNER_EPOLL = 2,
    GREEN_USER_DATA_WAKE = 6,
    GREEN_USER_DATA_MESSAGE = 10,
    GREEN_USER_DATA_PROBE = 14, /* a message that has shown that there are messages */
};

static inline green_uring *green__uring_of(green_engine *engine) {
    return GREEN_CONTAINER(engine, green_uring, base);
}

/* uring_files.c ---------------------------------------------------------------- */

/* Records what the ring can do with files. */
void green__uring_files_probe(green_uring *uring, struct io_uring_probe *probe);

/* supports() of the engine contract. */
bool green__uring_files_supports(const green_engine *engine, green_op_kind kind);

/* Fills in the entry of an operation on a file, except for its user data. */
void green__uring_files_prepare(struct io_uring_sqe *sqe, const green_op *op);

/* uring_message.c -------------------------------------------------------------- */

/* Lets messages wake the ring, if the kernel has them. */
void green__uring_probe_messages(green_uring *uring);

/* uring_setup.c ---------------------------------------------------------------- */

/* Makes the ring, and records what it supports. Returns 0, or -errno, explained, with no
 * ring left. */
int green__uring_setup(green_uring *uring, unsigned entries);

/* Unmaps and closes the ring. */
void green__uring_close_ring(struct io_uring *ring);

/* Finds the flags for io_uring_enter() by calls that submit nothing. Returns 0 or -errno,
 * explained. */
int green__uring_try_enter(green_uring *uring);

/* Stores an error message for a ring that could not be made or used, and returns error.
 * `what` is the message of errors without a known cause. */
int green__uring_explain(int error, const char *what);

/* uring_buffers.c -------------------------------------------------------------- */

/* Maps and registers as many buffers as fit into memory bytes. Returns 0, or -errno,
 * explained; green__uring_buffers_close() is needed in both cases. */
int green__uring_buffers_open(green_uring *uring, size_t memory);

/* Unmaps the buffers. The ring must be closed: this ends their registration. */
void green__uring_buffers_close(green_uring *uring);

/* Fills in the entry of a receive into a provided buffer, except for its user data. */
void green__uring_buffers_prepare(const green_uring *uring, struct io_uring_sqe *sqe, const green_op *op);

/* Fills in the operation's green_provided_buffer from a completion. */
void green__uring_buffers_complete(green_uring *uring, green_op *op, const struct io_uring_cqe *cqe);

/* release_buffer() of the engine contract. */
void green__uring_buffers_release(green_engine *engine, const green_provided_buffer *buffer);

/* uring_submit.c --------------------------------------------------------------- */

/* submit() and cancel() of the engine contract. */
void green__uring_submit(green_engine *engine, green_op *op);
void green__uring_cancel(green_engine *engine, green_op *op);

/* The poll(2) events that an operation waits for. */
static inline unsigned green__uring_events(const green_op *op) {
    switch (op->kind) {
    case GREEN_OP_POLL:
        return (unsigned)op->flags;
    case GREEN_OP_SEND:
    case GREEN_OP_SEND_MSG:
    case GREEN_OP_CONNECT:
        return POLLOUT;
    default:
        return POLLIN;
    }
}

/* Queues the request of the operation's current phase. */
void green__uring_enqueue(green_uring *uring, green_op *op);

/* Cancels the operation's current request. */
void green__uring_cancel_request(green_uring *uring, green_op *op);

/* Cancels the request with this user data again, if its operation is still in progress. */
void green__uring_cancel_again(green_uring *uring, uint64_t user_data);

/* Gives submission entries to operations and cancels that wait for one. */
void green__uring_drain_queues(green_uring *uring);

/* Returns a free submission entry, or NULL if the submission queue is full and the kernel
 * does not empty it now. */
struct io_uring_sqe *green__uring_entry(green_uring *uring);

/* Calls io_uring_enter() once: submits all entries, and waits up to timeout nanoseconds for
 * a completion; 0 does not wait, negative waits forever. Returns 0 or -errno. */
int green__uring_enter(green_uring *uring, int64_t timeout);

/* Whether an error of io_uring_enter() means only that the call has to be repeated later. */
static inline bool green__uring_is_transient(int error) {
    return error == -EINTR || error == -ETIME || error == -EBUSY || error == -EAGAIN;
}

/* uring_wait.c ----------------------------------------------------------------- */

/* Whether green__uring_wait_step() handles this completion. */
static inline bool green__uring_wait_is_due(const green_op *op, int32_t result) {
    return op->phase != GREEN_PHASE_ATTEMPT || result == -EAGAIN;
}

/* Handles the completion of an operation that waits. Returns true if the operation has
 * ended, with its result in *result. Otherwise the operation has another request, or, if
 * more is set, another completion of the current request follows. */
bool green__uring_wait_step(green_uring *uring, green_op *op, int32_t *result, bool more);

/* inner_epoll.c ---------------------------------------------------------------- */

/* Returns 0 or -errno, explained. */
int green__inner_epoll_open(green_uring *uring);

/* Whether the operation waits in the inner epoll. */
static inline bool green__inner_epoll_takes(const green_op *op) {
    return op->kind == GREEN_OP_ACCEPT || op->kind == GREEN_OP_RECEIVE_MSG ||
           (op->kind == GREEN_OP_POLL && op->no_file_ref);
}

/* Whether operations wait in the inner epoll although the ring does not poll it. */
static inline bool green__inner_epoll_needs_poll(const green_uring *uring) {
    return uring->inner.waiting > 0 && !uring->inner_polled;
}

/* Called before and after poll() enters the kernel. green__inner_epoll_begin() returns
 * whether poll() must not wait, because an operation has completed or can be tried. */
bool green__inner_epoll_begin(green_uring *uring);
void green__inner_epoll_end(green_uring *uring);

#endif
