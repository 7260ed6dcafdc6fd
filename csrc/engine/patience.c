/* Waiting by steps: what poll(2) and calls that do not wait make of an operation.
 *
 * A ring's own waits are not those of poll(2). Its polls always end for POLLRDHUP and
 * miss POLLPRI. A send or a receive whose poll ends in vain 128 times blocks a worker
 * thread, where SO_SNDTIMEO and SO_RCVTIMEO apply. So an operation that has to wait
 * goes through phases:
 *
 *   trying    the operation itself, told not to wait
 *   polled    a poll for one event, then an attempt by a system call
 *   watched   if that event was none of those waited for, a multishot poll: a
 *             completion for each new event, and an attempt after each. A state that
 *             lasts, such as a peer's end or a queued error, is told once
 *   ending    the attempt has succeeded, and the multishot poll is cancelled
 *   paused    poll(2) and the attempt contradict each other again and again, as
 *             they do for a datagram or a connect to a full unix socket: time has
 *             to pass
 *
 * Nearly all waits end in the second phase. */
#include "attempt.h"
#include "uring.h"

#include "../base/fail.h"

#include <poll.h>
#include <sys/socket.h>

enum { CONTRADICTIONS_MAX = 2 };

static struct __kernel_timespec pause_time = {.tv_nsec = 2 * 1000 * 1000};

/* The events that an operation waits for, in the terms of poll(2). */
static unsigned events_of(const green_op *op) {
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

/* A ring's poll takes no notice of a wake-up that shares only POLLPRI with it
 * (IO_ASYNC_POLL_COMMON in io_poll_wake). One for urgent data has POLLRDBAND, too. */
static unsigned armed_events_of(const green_op *op) {
    unsigned events = events_of(op);
    return events & POLLPRI ? events | POLLRDBAND : events;
}

void green__patience_prepare(struct io_uring_sqe *sqe, const green_op *op) {
    if (op->phase == GREEN_PHASE_PAUSED)
        io_uring_prep_timeout(sqe, &pause_time, 0, 0);
    else if (op->phase == GREEN_PHASE_WATCHED)
        io_uring_prep_poll_multishot(sqe, op->fd, armed_events_of(op));
    else
        io_uring_prep_poll_add(sqe, op->fd, armed_events_of(op));
}

static int32_t attempt(green_uring *uring, green_op *op) {
    int32_t result;
    do {
        uring->base.system_calls++;
        result = green__attempt_without_waiting(op);
    } while (result == GREEN_AGAIN);
    return result;
}

/* What a poll's events lead to: a result, or what the operation has to wait for. The
 * ring's word is enough for those who only poll, unless it is about urgent data. */
static int32_t outcome(green_uring *uring, green_op *op, int32_t events) {
    int32_t wanted = (int32_t)events_of(op), told = events & (wanted | POLLERR | POLLHUP);
    if (!(wanted & POLLPRI)) {
        if (!told)
            return GREEN_NOT_YET;
        if (op->kind == GREEN_OP_POLL)
            return told;
    }
    int32_t result = attempt(uring, op);
    bool contradicts = result == GREEN_NOT_YET && op->kind != GREEN_OP_POLL && (told & wanted);
    return contradicts ? GREEN_RETRY : result;
}

/* Goes on to the next phase, unless the operation was cancelled. */
static bool go_on(green_uring *uring, green_op *op, uint8_t phase, int32_t *result) {
    *result = -ECANCELED;
    if (op->cancelled)
        return true;
    op->phase = phase;
    green__uring_enqueue(uring, op);
    return false;
}

/* A first contradiction may have been somebody else who was faster. */
static bool retry(green_uring *uring, green_op *op, int32_t *result) {
    op->vain += op->vain < CONTRADICTIONS_MAX;
    return go_on(uring, op, op->vain < CONTRADICTIONS_MAX ? GREEN_PHASE_POLLED : GREEN_PHASE_PAUSED, result);
}

static bool end_of_watch(green_uring *uring, green_op *op, int32_t *result) {
    *result = op->result;
    return *result == GREEN_RETRY ? retry(uring, op, result) : true;
}

/* An event of the multishot poll, which goes on if there is more. */
static bool watched(green_uring *uring, green_op *op, int32_t *result, bool more) {
    op->result = outcome(uring, op, *result);
    if (op->result == GREEN_NOT_YET)
        return more ? false : go_on(uring, op, GREEN_PHASE_WATCHED, result);
    if (!more)
        return end_of_watch(uring, op, result);
    op->phase = GREEN_PHASE_ENDING;
    if (!op->cancelled)
        green__uring_break_off(uring, op);
    return false;
}

static bool polled(green_uring *uring, green_op *op, int32_t *result) {
    *result = outcome(uring, op, *result);
    if (*result == GREEN_NOT_YET)
        return go_on(uring, op, GREEN_PHASE_WATCHED, result);
    return *result == GREEN_RETRY ? retry(uring, op, result) : true;
}

/* A receive into lent memory is the kernel's alone to try. */
static bool paused(green_uring *uring, green_op *op, int32_t *result) {
    if (op->kind == GREEN_OP_RECEIVE_LENT)
        return go_on(uring, op, GREEN_PHASE_TRYING, result);
    *result = attempt(uring, op);
    if (*result == GREEN_NOT_YET)
        return go_on(uring, op, GREEN_PHASE_POLLED, result);
    return *result == GREEN_RETRY ? retry(uring, op, result) : true;
}

/* EAGAIN is the answer to a call that was told not to wait, or that of a worker
 * thread that waited as long as SO_RCVTIMEO says. */
static bool tried(green_uring *uring, green_op *op, int32_t *result) {
    switch (op->kind) {
    case GREEN_OP_SEND:
    case GREEN_OP_SEND_MSG:
    case GREEN_OP_RECEIVE:
        return go_on(uring, op, GREEN_PHASE_POLLED, result);
    case GREEN_OP_RECEIVE_LENT:
        return go_on(uring, op, GREEN_PHASE_PAUSED, result);
    default:
        return true;
    }
}

bool green__patience_step(green_uring *uring, green_op *op, int32_t *result, bool more) {
    switch (op->phase) {
    case GREEN_PHASE_TRYING:
        return tried(uring, op, result);
    case GREEN_PHASE_ENDING:
        return more ? false : end_of_watch(uring, op, result);
    case GREEN_PHASE_PAUSED:
        return *result == -ETIME ? paused(uring, op, result) : true;
    case GREEN_PHASE_WATCHED:
        return *result >= 0 ? watched(uring, op, result, more) : true;
    default:
        return *result >= 0 ? polled(uring, op, result) : true;
    }
}
