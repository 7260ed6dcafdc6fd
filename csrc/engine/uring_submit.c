/* The submission side of the ring: submit and cancel.
 *
 * A submission entry is only written here. The kernel sees it at the next io_uring_enter(),
 * usually when the hub has run all ready threads, so that one system call submits the
 * requests of many threads.
 *
 * The submission queue has a fixed size. When it is full, this enters the kernel to empty
 * it. If the kernel takes nothing now, operations wait in the backlog and cancels in the
 * cancel queue, in order. So submit() and cancel() never fail. */
#include "uring.h"

/* Entries -------------------------------------------------------------------- */

/* Shows all written entries to the kernel. Returns how many it has not consumed. */
static unsigned publish_entries(struct io_uring *ring) {
    struct io_uring_sq *sq = &ring->sq;
    sq->sqe_head = sq->sqe_tail;
    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    return sq->sqe_tail - io_uring_smp_load_acquire(sq->khead);
}

int green__uring_enter(green_uring *uring, int64_t timeout) {
    struct __kernel_timespec limit = {timeout / 1000000000, timeout % 1000000000};
    struct io_uring_getevents_arg argument = {.ts = timeout > 0 ? (uintptr_t)&limit : 0};
    uring->base.system_calls++;
    int result = io_uring_enter2((unsigned)uring->ring.enter_ring_fd, publish_entries(&uring->ring), timeout != 0,
                                 uring->enter_flags, (sigset_t *)&argument, sizeof argument);
    return result < 0 ? result : 0;
}

struct io_uring_sqe *green__uring_entry(green_uring *uring) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (GREEN_LIKELY(sqe))
        return sqe;
    green__uring_enter(uring, 0);
    return io_uring_get_sqe(&uring->ring);
}

/* Requests ------------------------------------------------------------------- */

/* With the generation, a cancel that arrives after its operation has ended does not find
 * the next operation at the same address. */
static uint64_t user_data_of(const green_op *op) {
    return (uint64_t)(uintptr_t)op | (uint64_t)op->generation << 48;
}

/* MSG_DONTWAIT, because a send must not wait in the kernel. If the peer has shut down its
 * half or an error is queued, the kernel's poll ends at once, and after 128 of these a
 * worker thread blocks in the send (io_arm_poll_handler, Linux 6.0 and later). So
 * uring_wait.c does the waiting. */
static void prepare_attempt(const green_uring *uring, struct io_uring_sqe *sqe, green_op *op) {
    switch (op->kind) {
    case GREEN_OP_RECEIVE:
        io_uring_prep_recv(sqe, op->fd, op->address, green__op_size(op), op->flags);
        sqe->ioprio |= op->drained ? uring->poll_first : 0;
        break;
    case GREEN_OP_SEND:
        io_uring_prep_send(sqe, op->fd, op->address, green__op_size(op), op->flags | MSG_DONTWAIT);
        break;
    case GREEN_OP_SEND_MSG:
        io_uring_prep_sendmsg(sqe, op->fd, op->address, (unsigned)op->flags | MSG_DONTWAIT);
        break;
    case GREEN_OP_CONNECT:
        io_uring_prep_connect(sqe, op->fd, op->address, (socklen_t)op->length);
        break;
    case GREEN_OP_READ:
        io_uring_prep_read(sqe, op->fd, op->address, green__op_size(op), (uint64_t)-1);
        break;
    case GREEN_OP_RECEIVE_PROVIDED:
        green__uring_buffers_prepare(uring, sqe, op);
        break;
    default:
        green__uring_files_prepare(sqe, op);
    }
}

/* A ring's poll ignores a wake-up that shares only POLLPRI with it (IO_ASYNC_POLL_COMMON in
 * io_poll_wake). Wake-ups for urgent data include POLLRDBAND. */
static unsigned poll_mask_of(const green_op *op) {
    unsigned events = green__uring_events(op);
    return events & POLLPRI ? events | POLLRDBAND : events;
}

static void prepare(const green_uring *uring, struct io_uring_sqe *sqe, green_op *op) {
    static struct __kernel_timespec pause_time = {.tv_nsec = 2 * 1000 * 1000};
    if (GREEN_LIKELY(op->phase == GREEN_PHASE_ATTEMPT))
        prepare_attempt(uring, sqe, op);
    else if (op->phase == GREEN_PHASE_PAUSE)
        io_uring_prep_timeout(sqe, &pause_time, 0, 0);
    else if (op->phase == GREEN_PHASE_MULTISHOT)
        io_uring_prep_poll_multishot(sqe, op->fd, poll_mask_of(op));
    else
        io_uring_prep_poll_add(sqe, op->fd, poll_mask_of(op));
    io_uring_sqe_set_data64(sqe, user_data_of(op));
}

void green__uring_enqueue(green_uring *uring, green_op *op) {
    uring->base.operations++;
    op->generation = ++uring->generation;
    struct io_uring_sqe *sqe = uring->backlog.first ? NULL : green__uring_entry(uring);
    if (GREEN_UNLIKELY(!sqe)) {
        green__op_queue_append(&uring->backlog, op, GREEN_URING_IN_BACKLOG);
        return;
    }
    op->state = GREEN_URING_SUBMITTED;
    prepare(uring, sqe, op);
}

/* Submit --------------------------------------------------------------------- */

/* The first attempt is skipped where it would fail, and where it would block a worker
 * thread of the kernel: a read from a file that is not known to support RWF_NOWAIT, and a
 * connect to a full unix listener, because its poll ends at once. */
static uint8_t first_phase(const green_op *op) {
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

void green__uring_submit(green_engine *engine, green_op *op) {
    green_uring *uring = green__uring_of(engine);
    if (green__inner_epoll_takes(op)) {
        green__epoll.submit(&uring->inner.base, op);
        return;
    }
    engine->submitted++;
    uring->opens += op->kind == GREEN_OP_OPEN;
    op->cancelled = false;
    op->retries = 0;
    op->phase = first_phase(op);
    green__uring_enqueue(uring, op);
}

/* Cancel --------------------------------------------------------------------- */

/* The operation must be in no queue. */
static bool submit_cancel(green_uring *uring, green_op *op) {
    struct io_uring_sqe *sqe = green__uring_entry(uring);
    if (!sqe)
        return false;
    io_uring_prep_cancel64(sqe, user_data_of(op), 0);
    io_uring_sqe_set_data64(sqe, user_data_of(op) | GREEN_USER_DATA_CANCEL);
    green__op_queue_append(&uring->cancelling, op, GREEN_URING_CANCELLING);
    return true;
}

void green__uring_cancel_request(green_uring *uring, green_op *op) {
    if (!submit_cancel(uring, op))
        green__op_queue_append(&uring->cancel_queue, op, GREEN_URING_CANCEL_QUEUED);
}

void green__uring_cancel(green_engine *engine, green_op *op) {
    green_uring *uring = green__uring_of(engine);
    if (green__inner_epoll_takes(op)) {
        green__epoll.cancel(&uring->inner.base, op);
        return;
    }
    if (op->cancelled || op->state == GREEN_URING_IDLE)
        return;
    op->cancelled = true;
    if (op->state == GREEN_URING_IN_BACKLOG) {
        green__op_queue_remove(&uring->backlog, op);
        green__op_queue_append(&uring->never_submitted, op, GREEN_URING_NEVER_SUBMITTED);
    } else if (op->phase != GREEN_PHASE_STOP) {
        green__uring_cancel_request(uring, op);
    }
}

/* The kernel does not find a request that is moving from a poll back to its operation or to
 * a worker thread, such as a connect to a full unix socket. Then the cancel is repeated.
 * But the operation may also have ended and its memory may be invalid, so this looks for it
 * among the operations in progress before it uses the address. */
void green__uring_cancel_again(green_uring *uring, uint64_t user_data) {
    green_op *op = uring->cancelling.first;
    while (op && user_data_of(op) != user_data)
        op = op->next;
    if (!op)
        return;
    green__op_queue_remove(&uring->cancelling, op);
    green__op_queue_append(&uring->cancel_queue, op, GREEN_URING_CANCEL_QUEUED);
}

void green__uring_drain_queues(green_uring *uring) {
    for (green_op *op; (op = green__op_queue_take(&uring->cancel_queue));)
        if (!submit_cancel(uring, op)) {
            green__op_queue_append(&uring->cancel_queue, op, GREEN_URING_CANCEL_QUEUED);
            break;
        }
    struct io_uring_sqe *sqe;
    while (uring->backlog.first && (sqe = green__uring_entry(uring))) {
        green_op *op = green__op_queue_take(&uring->backlog);
        op->state = GREEN_URING_SUBMITTED;
        prepare(uring, sqe, op);
    }
}
