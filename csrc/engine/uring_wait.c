/* How an operation waits on io_uring: by polls and non-blocking calls.
 *
 * Why not let the kernel wait? A ring's waits differ from poll(2):
 *
 *   - Its polls always end for POLLRDHUP, and miss POLLPRI.
 *   - A send or a receive whose poll ends 128 times without progress blocks a kernel worker,
 *     and there SO_SNDTIMEO and SO_RCVTIMEO apply.
 *   - A read from a file that does not support RWF_NOWAIT blocks a kernel worker, too. There a
 *     signalfd does not return the signals that are pending for the hub's OS thread, and a
 *     timeout of 0 ends a read before it has returned what is available. So a read begins with
 *     a poll until the file is known to support RWF_NOWAIT.
 *
 * So an operation that has to wait goes through phases. Each has one request:
 *
 *   attempt    the operation itself, non-blocking
 *   poll       a poll for one event, then an attempt by a system call
 *   multishot  if the event was not a requested one: a poll with a completion for each new
 *              event, and an attempt after each. A state that persists, such as the peer's
 *              end of stream or a queued error, is reported only once
 *   stop       an attempt has succeeded: the multishot poll is being cancelled
 *   pause      a timeout, because poll(2) reports an event again and again although the
 *              attempt returns EAGAIN, as for a datagram or a connect to a full unix socket
 *
 * Almost all waits end in the poll phase. */
#include "epoll_try.h"
#include "uring.h"

#include <poll.h>
#include <sys/socket.h>

enum { CONTRADICTIONS_MAX = 2 };

static int32_t try_syscall(green_uring *uring, green_op *op) {
    int32_t result;
    do {
        uring->base.system_calls++;
        result = green__epoll_try_syscall(&uring->inner, op);
    } while (result == GREEN_TRY_AT_ONCE);
    return result;
}

/* Returns the operation's result after a poll has ended with these events, or how it has to
 * wait now.
 *
 * For a poll operation, the events are the result, except for urgent data and exact polls: a
 * ring reports the events of the wake-up, not the state of the file. Before Linux 6.14, a
 * read from a full pipe wakes for POLLOUT although the pipe is still full. */
static int32_t outcome(green_uring *uring, green_op *op, int32_t events) {
    int32_t wanted = (int32_t)green__uring_events(op), reported = events & (wanted | POLLERR | POLLHUP);
    if (!(wanted & POLLPRI)) {
        if (!reported)
            return GREEN_TRY_NOT_READY;
        if (op->kind == GREEN_OP_POLL && !op->exact)
            return reported;
    }
    int32_t result = try_syscall(uring, op);
    bool contradicts = result == GREEN_TRY_NOT_READY && op->kind != GREEN_OP_POLL && (reported & wanted);
    return contradicts ? GREEN_TRY_AFTER_PAUSE : result;
}

/* Enters the next phase, unless the operation was cancelled. */
static bool enter_phase(green_uring *uring, green_op *op, uint8_t phase, int32_t *result) {
    *result = -ECANCELED;
    if (op->cancelled)
        return true;
    op->phase = phase;
    green__uring_enqueue(uring, op);
    return false;
}

/* Called when a poll has reported an event but the attempt returns EAGAIN. The first time,
 * another reader or writer may have been faster, so this polls again. */
static bool poll_or_pause(green_uring *uring, green_op *op, int32_t *result) {
    op->retries += op->retries < CONTRADICTIONS_MAX;
    return enter_phase(uring, op, op->retries < CONTRADICTIONS_MAX ? GREEN_PHASE_POLL : GREEN_PHASE_PAUSE, result);
}

static bool multishot_stopped(green_uring *uring, green_op *op, int32_t *result) {
    *result = op->result;
    return *result == GREEN_TRY_AFTER_PAUSE ? poll_or_pause(uring, op, result) : true;
}

/* If more is set, the multishot poll continues. */
static bool multishot_event(green_uring *uring, green_op *op, int32_t *result, bool more) {
    op->result = outcome(uring, op, *result);
    if (op->result == GREEN_TRY_NOT_READY)
        return more ? false : enter_phase(uring, op, GREEN_PHASE_MULTISHOT, result);
    if (!more)
        return multishot_stopped(uring, op, result);
    op->phase = GREEN_PHASE_STOP;
    if (!op->cancelled)
        green__uring_cancel_request(uring, op);
    return false;
}

static bool poll_ended(green_uring *uring, green_op *op, int32_t *result) {
    *result = outcome(uring, op, *result);
    if (*result == GREEN_TRY_NOT_READY)
        return enter_phase(uring, op, GREEN_PHASE_MULTISHOT, result);
    return *result == GREEN_TRY_AFTER_PAUSE ? poll_or_pause(uring, op, result) : true;
}

/* Only the kernel can pick a provided buffer, so such a receive is submitted again. */
static bool pause_ended(green_uring *uring, green_op *op, int32_t *result) {
    if (op->kind == GREEN_OP_RECEIVE_PROVIDED)
        return enter_phase(uring, op, GREEN_PHASE_ATTEMPT, result);
    *result = try_syscall(uring, op);
    if (*result == GREEN_TRY_NOT_READY)
        return enter_phase(uring, op, GREEN_PHASE_POLL, result);
    return *result == GREEN_TRY_AFTER_PAUSE ? poll_or_pause(uring, op, result) : true;
}

/* The attempt returned EAGAIN, from a non-blocking call or from a kernel worker after
 * SO_RCVTIMEO has expired. */
static bool attempt_ended(green_uring *uring, green_op *op, int32_t *result) {
    switch (op->kind) {
    case GREEN_OP_READ:
    case GREEN_OP_SEND:
    case GREEN_OP_SEND_MSG:
    case GREEN_OP_RECEIVE:
        return enter_phase(uring, op, GREEN_PHASE_POLL, result);
    case GREEN_OP_RECEIVE_PROVIDED:
        return enter_phase(uring, op, GREEN_PHASE_PAUSE, result);
    default:
        return true;
    }
}

bool green__uring_wait_step(green_uring *uring, green_op *op, int32_t *result, bool more) {
    switch (op->phase) {
    case GREEN_PHASE_ATTEMPT:
        return attempt_ended(uring, op, result);
    case GREEN_PHASE_STOP:
        return more ? false : multishot_stopped(uring, op, result);
    case GREEN_PHASE_PAUSE:
        return *result == -ETIME ? pause_ended(uring, op, result) : true;
    case GREEN_PHASE_MULTISHOT:
        return *result >= 0 ? multishot_event(uring, op, result, more) : true;
    default:
        return *result >= 0 ? poll_ended(uring, op, result) : true;
    }
}
