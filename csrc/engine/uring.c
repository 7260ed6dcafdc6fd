/* The io_uring engine: entering the kernel and handling completions. uring_submit.c has the
 * other side. */
#include "uring.h"

#include "../base/descriptor.h"
#include "../base/own_fd.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Completions handled by one poll(): enough to fill every batch, few enough that ready
 * threads do not wait long. */
enum { COMPLETIONS_PER_POLL = 256 };

/* See user_data_of() in uring_submit.c. */
static green_op *op_of(uint64_t user_data) {
    return (green_op *)(uintptr_t)(user_data & 0xffffffffffff);
}

/* Completions ---------------------------------------------------------------- */

static void operation_ended(green_uring *uring, green_op *op) {
    if (GREEN_UNLIKELY(op->state == GREEN_URING_CANCEL_QUEUED))
        green__op_queue_remove(&uring->cancel_queue, op);
    else if (GREEN_UNLIKELY(op->state == GREEN_URING_CANCELLING))
        green__op_queue_remove(&uring->cancelling, op);
    op->state = GREEN_URING_IDLE;
    uring->base.operations--;
    uring->opens -= op->kind == GREEN_OP_OPEN;
}

/* Numbers that the kernel uses internally for a system call that must be repeated after the
 * process was stopped. No header has them. Rings of some kernels return them; others, among
 * them late versions of Linux 6.1 and 6.12, return EINTR instead. Reads and writes of files
 * are not included: their callers repeat them. */
enum { FIRST_RESTART = 512, LAST_RESTART = 516 };

static bool is_restart(const green_op *op, int32_t result) {
    bool is_number = GREEN_UNLIKELY(result <= -FIRST_RESTART) && result >= -LAST_RESTART;
    return is_number || (GREEN_UNLIKELY(result == -EINTR) && op->kind >= GREEN_OP_OPEN);
}

static void complete(green_uring *uring, const struct io_uring_cqe *cqe) {
    if (cqe->user_data & GREEN_USER_DATA_CANCEL) {
        /* Otherwise the target completes, and only that matters. */
        if (cqe->res == -ENOENT)
            green__uring_cancel_again(uring, cqe->user_data & ~(uint64_t)GREEN_USER_DATA_CANCEL);
        return;
    }
    if (cqe->user_data == GREEN_USER_DATA_INNER_EPOLL) {
        uring->inner_ready = true;
        return;
    }
    if (cqe->user_data == GREEN_USER_DATA_WAKE) {
        uring->wake_polled = cqe->flags & IORING_CQE_F_MORE;
        return;
    }
    if (cqe->user_data == GREEN_USER_DATA_MESSAGE || cqe->user_data == GREEN_USER_DATA_PROBE) {
        uring->base.messages += cqe->user_data == GREEN_USER_DATA_MESSAGE;
        return;
    }
    green_op *op = op_of(cqe->user_data);
    bool more = cqe->flags & IORING_CQE_F_MORE;
    GREEN_INVARIANT(op->state == GREEN_URING_SUBMITTED || op->state == GREEN_URING_CANCEL_QUEUED ||
                        op->state == GREEN_URING_CANCELLING,
                    "a completion belongs to an operation in progress");
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
        green__uring_submit(&uring->base, op);
}

/* Polling -------------------------------------------------------------------- */

/* Whether the kernel has completions that it writes only when it is entered. */
static bool has_work(const struct io_uring *ring) {
    unsigned flags = __atomic_load_n(ring->sq.kflags, __ATOMIC_RELAXED);
    return flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

/* Whether there is nothing to submit and nothing to reap. Costs only a few loads: threads that
 * only yield get here in every loop iteration. */
static bool is_quiet(const green_uring *uring) {
    const struct io_uring *ring = &uring->ring;
    return ring->sq.sqe_tail == ring->sq.sqe_head && !has_work(ring) && io_uring_cq_ready(ring) == 0 &&
           !uring->never_submitted.first && !uring->cancel_queue.first && !uring->backlog.first &&
           !uring->inner.to_try.first && !green__inner_epoll_needs_poll(uring) && uring->wake_polled;
}

/* Multishot: each write to the eventfd causes a completion, until the completion queue has
 * overflowed. */
static void poll_wake_fd(green_uring *uring) {
    struct io_uring_sqe *sqe = green__uring_entry(uring);
    if (!sqe)
        return; /* tried again by the next poll() */
    io_uring_prep_poll_multishot(sqe, uring->base.wake_fd, POLLIN);
    io_uring_sqe_set_data64(sqe, GREEN_USER_DATA_WAKE);
    uring->wake_polled = true;
}

static void enter_if_needed(green_uring *uring, int64_t timeout) {
    struct io_uring *ring = &uring->ring;
    bool reap_now = io_uring_cq_ready(ring) > 0 || uring->never_submitted.first;
    bool queued = ring->sq.sqe_tail != __atomic_load_n(ring->sq.khead, __ATOMIC_RELAXED);
    if (reap_now)
        timeout = 0;
    if (timeout == 0 && !queued && !has_work(ring))
        return;
    int error = green__uring_enter(uring, timeout);
    GREEN_INVARIANT(error == 0 || green__uring_is_transient(error),
                    "io_uring_enter fails only for lack of room or time");
}

/* Each entry is copied and returned to the kernel before its operation completes: the
 * completion function may enter the kernel, which may overwrite the entry. */
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
    green_uring *uring = green__uring_of(engine);
    if (timeout == 0 && is_quiet(uring))
        return;
    int error_number = errno; /* of the green thread that parks; completions make system calls */
    if (GREEN_UNLIKELY(uring->cancel_queue.first || uring->backlog.first))
        green__uring_drain_queues(uring);
    if (GREEN_UNLIKELY(!uring->wake_polled))
        poll_wake_fd(uring);
    bool must_return = green__inner_epoll_begin(uring) || !uring->wake_polled;
    enter_if_needed(uring, must_return ? 0 : timeout);
    for (green_op *op; (op = green__op_queue_take(&uring->never_submitted));) {
        operation_ended(uring, op);
        engine->completions++;
        op->complete(op, -ECANCELED);
    }
    reap(uring);
    green__inner_epoll_end(uring);
    errno = error_number;
}

/* Opening and closing -------------------------------------------------------- */

static void close_engine(green_engine *engine) {
    green_uring *uring = green__uring_of(engine);
    GREEN_INVARIANT(engine->operations == 0, "an engine is closed when no operation is left");
    green__uring_close_ring(&uring->ring);
    green__epoll_close(&uring->inner);
    green__uring_buffers_close(uring);
    green__own_fd_close(uring->base.wake_fd);
    free(uring);
}

static int open_engine(green_engine **engine, const green_engine_options *options) {
    green_uring *uring = calloc(1, sizeof *uring);
    if (!uring)
        return green__fail(-ENOMEM, "cannot make a hub");
    uring->base.class = &green__uring;
    green__op_queue_init(&uring->backlog);
    green__op_queue_init(&uring->cancel_queue);
    green__op_queue_init(&uring->cancelling);
    green__op_queue_init(&uring->never_submitted);
    int error = green__inner_epoll_open(uring);
    if (error < 0)
        goto failed;
    error = green__engine_open_wake_fd(&uring->base);
    if (error < 0)
        goto close_inner;
    error = green__uring_setup(uring, options->entries);
    if (error < 0)
        goto close_wake_fd;
    error = green__uring_buffers_open(uring, options->receive_memory);
    if (error < 0)
        goto close_ring;
    error = green__uring_try_enter(uring);
    if (error < 0)
        goto close_ring;
    green__uring_probe_messages(uring);
    *engine = &uring->base;
    return 0;

close_ring:
    green__uring_close_ring(&uring->ring);
    green__uring_buffers_close(uring);
close_wake_fd:
    green__own_fd_close(uring->base.wake_fd);
close_inner:
    green__epoll_close(&uring->inner);
failed:
    free(uring);
    return error;
}

static bool try_now(green_engine *engine, green_op *op, int32_t *result) {
    return green__epoll.try_now(&green__uring_of(engine)->inner.base, op, result);
}

/* Only the inner epoll keeps state for a descriptor. */
static void forget(green_engine *engine, int fd, bool stays_open) {
    green__epoll.forget(&green__uring_of(engine)->inner.base, fd, stays_open);
}

/* The ring's memory is not mapped in a child, see uring_setup.c. */
static void abandon(green_engine *engine) {
    green__own_fd_close(green__uring_of(engine)->ring.ring_fd);
    green__epoll.abandon(&green__uring_of(engine)->inner.base);
}

const green_engine_class green__uring = {
    .name = "uring",
    .open = open_engine,
    .close = close_engine,
    .try_kinds = 1u << GREEN_OP_ACCEPT | 1u << GREEN_OP_RECEIVE_MSG,
    .try_now = try_now,
    .supports = green__uring_files_supports,
    .submit = green__uring_submit,
    .cancel = green__uring_cancel,
    .poll = poll_once,
    .forget = forget,
    .release_buffer = green__uring_buffers_release,
    .abandon = abandon,
};
