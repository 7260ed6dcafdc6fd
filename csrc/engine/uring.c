/* The io_uring engine: submit, cancel, turn. */
#include "uring.h"

#include "../base/descriptor.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Completions that one turn hands out: enough to fill every batch, few enough
 * that the threads that are ready do not wait long. */
enum { COMPLETIONS_PER_POLL = 256 };

static green_uring *uring_of(green_engine *engine) {
    return GREEN_CONTAINER(engine, green_uring, base);
}

/* Shows the kernel what was queued; returns how much of it there is. */
static unsigned flush(struct io_uring *ring) {
    struct io_uring_sq *sq = &ring->sq;
    sq->sqe_head = sq->sqe_tail;
    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    return sq->sqe_tail - io_uring_smp_load_acquire(sq->khead);
}

/* One io_uring_enter: submits everything, and waits for a completion if told
 * to. 0 or -errno; EINTR, ETIME, EBUSY and EAGAIN are everyday answers. */
static int enter(green_uring *uring, int64_t timeout) {
    struct __kernel_timespec limit = {timeout / 1000000000, timeout % 1000000000};
    struct io_uring_getevents_arg argument = {.ts = timeout > 0 ? (uintptr_t)&limit : 0};
    uring->base.system_calls++;
    int result = io_uring_enter2((unsigned)uring->ring.enter_ring_fd, flush(&uring->ring), timeout != 0,
                                 uring->enter_flags, (sigset_t *)&argument, sizeof argument);
    return result < 0 ? result : 0;
}

struct io_uring_sqe *green__uring_entry(green_uring *uring) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (GREEN_LIKELY(sqe))
        return sqe;
    enter(uring, 0);
    return io_uring_get_sqe(&uring->ring);
}

/* An operation's address with its generation in the unused upper bits: a request to
 * cancel an operation that has ended does not meet another in its place. */
static uint64_t user_data_of(const green_op *op) {
    return (uint64_t)(uintptr_t)op | (uint64_t)op->generation << 48;
}

static green_op *op_of(uint64_t user_data) {
    return (green_op *)(uintptr_t)(user_data & 0xffffffffffff);
}

/* A send must not wait in the kernel. If the peer has shut down its half or an error is
 * queued, the poll ends at once, and after 128 of these a worker thread blocks in the
 * send (io_arm_poll_handler, Linux 6.0 and later). So uring_wait.c does the waiting. */
static void prepare_first(const green_uring *uring, struct io_uring_sqe *sqe, green_op *op) {
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

static void prepare(const green_uring *uring, struct io_uring_sqe *sqe, green_op *op) {
    if (GREEN_LIKELY(op->phase == GREEN_PHASE_ATTEMPT))
        prepare_first(uring, sqe, op);
    else
        green__uring_wait_prepare(sqe, op);
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

static bool try_now(green_engine *engine, green_op *op, int32_t *result) {
    return green__epoll.try_now(&uring_of(engine)->inner.base, op, result);
}

static void submit(green_engine *engine, green_op *op) {
    green_uring *uring = uring_of(engine);
    if (green__inner_epoll_takes(op)) {
        green__epoll.submit(&uring->inner.base, op);
        return;
    }
    engine->submitted++;
    uring->opens += op->kind == GREEN_OP_OPEN;
    op->cancelled = false;
    op->retries = 0;
    op->phase = green__uring_wait_begin(op);
    green__uring_enqueue(uring, op);
}

/* Submits a cancel for an operation that is in no list. */
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

/* The kernel does not find a request that is moving from a poll back to its operation or
 * to a worker thread, such as a connect to a full unix socket. So this cancels the
 * operation again. The operation may also have ended, and its memory may be invalid. */
static void cancel_again(green_uring *uring, uint64_t user_data) {
    green_op *op = uring->cancelling.first;
    while (op && user_data_of(op) != user_data)
        op = op->next;
    if (!op)
        return;
    green__op_queue_remove(&uring->cancelling, op);
    green__op_queue_append(&uring->cancel_queue, op, GREEN_URING_CANCEL_QUEUED);
}

static void cancel(green_engine *engine, green_op *op) {
    green_uring *uring = uring_of(engine);
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

/* Gives entries to what had to wait for them. */
static void drain_queues(green_uring *uring) {
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

static void operation_ended(green_uring *uring, green_op *op) {
    if (GREEN_UNLIKELY(op->state == GREEN_URING_CANCEL_QUEUED))
        green__op_queue_remove(&uring->cancel_queue, op);
    else if (GREEN_UNLIKELY(op->state == GREEN_URING_CANCELLING))
        green__op_queue_remove(&uring->cancelling, op);
    op->state = GREEN_URING_IDLE;
    uring->base.operations--;
    uring->opens -= op->kind == GREEN_OP_OPEN;
}

/* The kernel's own numbers for a call that must be repeated when a stop of the process is
 * over. They are in no header. Rings of some kernels return them. Those of others, among
 * them late versions of Linux 6.1 and 6.12, return EINTR instead. Reads and writes of files
 * are repeated by their callers. */
enum { FIRST_RESTART = 512, LAST_RESTART = 516 };

static bool is_restart(const green_op *op, int32_t result) {
    bool is_number = GREEN_UNLIKELY(result <= -FIRST_RESTART) && result >= -LAST_RESTART;
    return is_number || (GREEN_UNLIKELY(result == -EINTR) && op->kind >= GREEN_OP_OPEN);
}

static void complete(green_uring *uring, const struct io_uring_cqe *cqe) {
    if (cqe->user_data & GREEN_USER_DATA_CANCEL) {
        /* Only the completion of its target matters. */
        if (cqe->res == -ENOENT)
            cancel_again(uring, cqe->user_data & ~(uint64_t)GREEN_USER_DATA_CANCEL);
        return;
    }
    if (cqe->user_data == GREEN_USER_DATA_INNER_EPOLL) {
        uring->inner_ready = true;
        return;
    }
    green_op *op = op_of(cqe->user_data);
    bool more = cqe->flags & IORING_CQE_F_MORE;
    GREEN_INVARIANT(op->state == GREEN_URING_SUBMITTED || op->state == GREEN_URING_CANCEL_QUEUED ||
                        op->state == GREEN_URING_CANCELLING,
                    "a completion belongs to an operation under way");
    if (!more)
        operation_ended(uring, op);
    op->drained = !(cqe->flags & uring->sock_nonempty);
    if (op->kind == GREEN_OP_RECEIVE_PROVIDED)
        green__uring_buffers_complete(uring, op, cqe);
    int32_t result = cqe->res;
    if (GREEN_UNLIKELY(green__uring_wait_is_due(op, result)) && !green__uring_wait_step(uring, op, &result, more))
        return;
    uring->base.completions++;
    if (!is_restart(op, result))
        op->complete(op, op->kind == GREEN_OP_OPEN ? green__above_stdio(result) : result);
    else if (op->cancelled)
        op->complete(op, -ECANCELED);
    else
        submit(&uring->base, op);
}

static bool has_work(const struct io_uring *ring) {
    unsigned flags = __atomic_load_n(ring->sq.kflags, __ATOMIC_RELAXED);
    return flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

/* Whether there is nothing to submit and nothing to reap: a few loads, since
 * every round of threads that only yield asks. */
static bool is_quiet(const green_uring *uring) {
    const struct io_uring *ring = &uring->ring;
    return ring->sq.sqe_tail == ring->sq.sqe_head && !has_work(ring) && io_uring_cq_ready(ring) == 0 &&
           !uring->never_submitted.first && !uring->cancel_queue.first && !uring->backlog.first &&
           !uring->inner.to_try.first && !green__inner_epoll_needs_poll(uring);
}

/* Enters the kernel when there is a reason to. */
static void enter_if_needed(green_uring *uring, int64_t timeout) {
    struct io_uring *ring = &uring->ring;
    bool reap_now = io_uring_cq_ready(ring) > 0 || uring->never_submitted.first;
    bool queued = ring->sq.sqe_tail != __atomic_load_n(ring->sq.khead, __ATOMIC_RELAXED);
    if (reap_now)
        timeout = 0;
    if (timeout == 0 && !queued && !has_work(ring))
        return;
    int error = enter(uring, timeout);
    GREEN_INVARIANT(error == 0 || green__uring_is_transient(error),
                    "io_uring_enter fails only for want of room or time");
}

/* Each entry is copied and given back before its operation hears of it: what
 * the operation does may enter the kernel, which may reuse the entry. */
static void reap(green_uring *uring) {
    struct io_uring_cq *cq = &uring->ring.cq;
    for (unsigned count = 0; count < COMPLETIONS_PER_POLL; count++) {
        unsigned head = *cq->khead;
        if (head == io_uring_smp_load_acquire(cq->ktail))
            break;
        struct io_uring_cqe cqe = cq->cqes[head & *cq->kring_mask];
        io_uring_cq_advance(&uring->ring, 1);
        complete(uring, &cqe);
    }
}

static void poll_once(green_engine *engine, int64_t timeout) {
    green_uring *uring = uring_of(engine);
    if (timeout == 0 && is_quiet(uring))
        return;
    int error_number = errno; /* of whoever parks: completions make system calls */
    if (GREEN_UNLIKELY(uring->cancel_queue.first || uring->backlog.first))
        drain_queues(uring);
    enter_if_needed(uring, green__inner_epoll_begin(uring) ? 0 : timeout);
    for (green_op *op; (op = green__op_queue_take(&uring->never_submitted));) {
        operation_ended(uring, op);
        engine->completions++;
        op->complete(op, -ECANCELED);
    }
    reap(uring);
    green__inner_epoll_end(uring);
    errno = error_number;
}

static void close_engine(green_engine *engine) {
    green_uring *uring = uring_of(engine);
    GREEN_INVARIANT(engine->operations == 0, "an engine is closed when no operation is left");
    io_uring_queue_exit(&uring->ring);
    green__epoll_close(&uring->inner);
    green__uring_buffers_close(uring);
    free(uring);
}

static int open_engine(green_engine **engine, const green_engine_options *options) {
    green_uring *uring = calloc(1, sizeof *uring);
    if (!uring)
        return green__fail(-ENOMEM, "making a hub");
    uring->base.class = &green__uring;
    green__op_queue_init(&uring->backlog);
    green__op_queue_init(&uring->cancel_queue);
    green__op_queue_init(&uring->cancelling);
    green__op_queue_init(&uring->never_submitted);
    int error = green__inner_epoll_open(uring);
    if (error < 0)
        goto failed;
    error = green__uring_setup(uring, options->entries);
    if (error < 0)
        goto close_inner;
    error = green__uring_buffers_open(uring, options->receive_memory);
    if (error < 0)
        goto close_ring;
    error = green__uring_try_enter(uring);
    if (error < 0)
        goto close_ring;
    *engine = &uring->base;
    return 0;

close_ring:
    io_uring_queue_exit(&uring->ring);
    green__uring_buffers_close(uring);
close_inner:
    green__epoll_close(&uring->inner);
failed:
    free(uring);
    return error;
}

/* The ring itself holds a reference to the file of an operation. */
static void forget(green_engine *engine, int fd) {
    green__epoll.forget(&uring_of(engine)->inner.base, fd);
}

/* The ring's memory is not there in a child, see uring_setup.c. */
static void abandon(green_engine *engine) {
    close(uring_of(engine)->ring.ring_fd);
    close(uring_of(engine)->inner.fd);
    green__splice_pipe_close(&uring_of(engine)->inner.splice_pipe);
}

const green_engine_class green__uring = {
    .name = "uring",
    .open = open_engine,
    .close = close_engine,
    .try_kinds = 1u << GREEN_OP_ACCEPT | 1u << GREEN_OP_RECEIVE_MSG,
    .try_now = try_now,
    .supports = green__uring_files_supports,
    .submit = submit,
    .cancel = cancel,
    .poll = poll_once,
    .forget = forget,
    .release_buffer = green__uring_buffers_release,
    .abandon = abandon,
};
