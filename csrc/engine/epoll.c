/* The epoll engine: submit, cancel, poll.
 *
 * poll() tries each new operation as a non-blocking system call. If it would have to wait,
 * the operation is kept in the record of its descriptor. The epoll reports an event when
 * another attempt may succeed, and the operation is queued again.
 *
 * A socket is added to the epoll once, edge-triggered and for both directions. Its record
 * remembers what events and calls have shown. So a message on a busy connection costs one
 * call to receive, one to send, and a share of one epoll_wait. */
#include "epoll.h"

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/lock.h"
#include "../base/own_fd.h"
#include "../base/timespec.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TRIES_PER_POLL = 256,
    EVENTS_PER_POLL = 256,
    /* While threads are ready and the last check found no event, only every fourth poll()
     * checks for events. */
    POLLS_PER_EMPTY_CHECK = 4,
    PAUSE_TIME = 2 * 1000 * 1000, /* nanoseconds */
};

static green_epoll *epoll_of(green_engine *engine) {
    return GREEN_CONTAINER(engine, green_epoll, base);
}

/* Where the record points to op; for NULL, the end of its list. */
static green_op **place_of(green_epoll_fd *record, const green_op *op) {
    green_op **place = &record->waiting;
    while (*place != op)
        place = &(*place)->next;
    return place;
}

/* A connection that has just read a request can answer at once. Without this, its answer
 * would wait for the next loop iteration, when its stack has left the cache. */
static bool try_now(green_engine *engine, green_op *op, int32_t *result) {
    green_epoll *epoll = epoll_of(engine);
    if (op->fd < 0)
        return false;
    green_epoll_fd *record = green__epoll_fds_get(&epoll->fds, op->fd);
    if (record && !op->must_try && !green__epoll_worth_trying(record, op))
        return false;
    int error_number = errno;
    *result = record ? green__epoll_try_op(epoll, record, op) : -ENOMEM;
    errno = error_number;
    if (*result == GREEN_TRY_NOT_READY || *result == GREEN_TRY_AFTER_PAUSE || *result == GREEN_TRY_AT_ONCE)
        return false;
    epoll->counters->submitted++;
    epoll->counters->completions++;
    return true;
}

static void submit(green_engine *engine, green_op *op) {
    green_epoll *epoll = epoll_of(engine);
    epoll->counters->operations++;
    epoll->counters->submitted++;
    op->cancelled = false;
    op->begun = false;
    green__op_queue_append(&epoll->to_try, op, GREEN_EPOLL_QUEUED);
}

/* Queues the operation, so that try_op() completes it with -ECANCELED. */
static void cancel(green_engine *engine, green_op *op) {
    green_epoll *epoll = epoll_of(engine);
    if (op->cancelled || op->state == GREEN_EPOLL_IDLE)
        return;
    op->cancelled = true;
    if (op->state == GREEN_EPOLL_WAITING) {
        green_epoll_fd *record = green__epoll_fds_get(&epoll->fds, op->fd);
        *place_of(record, op) = op->next;
        epoll->waiting--;
        green__op_queue_append(&epoll->to_try, op, GREEN_EPOLL_QUEUED);
    } else if (op->state == GREEN_EPOLL_PAUSED) {
        green__op_queue_remove(&epoll->paused, op);
        green__op_queue_append(&epoll->to_try, op, GREEN_EPOLL_QUEUED);
    }
}

/* Whether the descriptor may be one that Green does not own. Such a descriptor can be closed
 * without Green's knowledge. */
static bool is_unmanaged(const green_op *op) {
    return op->kind == GREEN_OP_POLL || op->kind == GREEN_OP_READ;
}

/* Only events that an operation waits for, because others could arrive again and again. */
static uint32_t one_shot_events(const green_epoll_fd *record, const green_op *op) {
    uint32_t events = EPOLLONESHOT | EPOLLET;
    events |= op->kind == GREEN_OP_POLL ? (uint16_t)op->flags : EPOLLIN;
    for (const green_op *other = record->waiting; other; other = other->next)
        events |= other->kind == GREEN_OP_POLL ? (uint16_t)other->flags : EPOLLIN;
    return events;
}

static uint32_t socket_events(const green_epoll *epoll, const green_op *op) {
    return op->kind == GREEN_OP_ACCEPT ? EPOLLIN | EPOLLET : epoll->socket_events;
}

/* Makes the epoll report the event that the operation needs. A descriptor that Green does not
 * own is added for one event each time, because its number may be another file by now. */
static int32_t add_to_epoll(green_epoll *epoll, green_epoll_fd *record, const green_op *op) {
    bool unmanaged = is_unmanaged(op);
    if (record->registered)
        return 0;
    struct epoll_event event = {.events = unmanaged ? one_shot_events(record, op) : socket_events(epoll, op),
                                .data.fd = op->fd};
    epoll->counters->system_calls++;
    int result = epoll_ctl(epoll->fd, EPOLL_CTL_ADD, op->fd, &event);
    if (result < 0 && errno == EEXIST) {
        epoll->counters->system_calls++;
        result = epoll_ctl(epoll->fd, EPOLL_CTL_MOD, op->fd, &event);
    }
    /* A regular file cannot be polled. The io_uring engine returns EINVAL for it. */
    if (result < 0)
        return errno == EPERM ? -EINVAL : -errno;
    if (!unmanaged) {
        int type = 0;
        record->is_listener = op->kind == GREEN_OP_ACCEPT;
        getsockopt(op->fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type});
        record->registered = true;
        record->is_stream = type == SOCK_STREAM;
    }
    return 0;
}

static void complete(green_epoll *epoll, green_op *op, int32_t result) {
    op->state = GREEN_EPOLL_IDLE;
    epoll->counters->operations--;
    epoll->counters->completions++;
    epoll->has_completed = true;
    op->complete(op, result);
}

static void wait_for_event(green_epoll *epoll, green_epoll_fd *record, green_op *op) {
    *place_of(record, NULL) = op;
    op->next = NULL;
    op->state = GREEN_EPOLL_WAITING;
    epoll->waiting++;
}

/* All paused operations share one pause. */
static void pause_before_retry(green_epoll *epoll, green_op *op) {
    if (!epoll->paused.first)
        epoll->pause_end = green__os_clock() + PAUSE_TIME;
    green__op_queue_append(&epoll->paused, op, GREEN_EPOLL_PAUSED);
}

static void end_pause(green_epoll *epoll) {
    if (!epoll->paused.first || green__os_clock() < epoll->pause_end)
        return;
    for (green_op *op; (op = green__op_queue_take(&epoll->paused));)
        green__op_queue_append(&epoll->to_try, op, GREEN_EPOLL_QUEUED);
}

static void try_op(green_epoll *epoll, green_op *op) {
    green_epoll_fd *record = op->fd < 0 ? NULL : green__epoll_fds_get(&epoll->fds, op->fd);
    int32_t result = GREEN_TRY_NOT_READY;
    op->state = GREEN_EPOLL_RUNNING;
    if (op->cancelled)
        result = -ECANCELED;
    else if (!record)
        result = op->fd < 0 ? -EBADF : -ENOMEM;
    else if (op->must_try || green__epoll_worth_trying(record, op))
        result = green__epoll_try_op(epoll, record, op);
    if (result == GREEN_TRY_NOT_READY) {
        op->begun = true;
        op->must_try = false;
        int32_t error = add_to_epoll(epoll, record, op);
        if (error == 0) {
            wait_for_event(epoll, record, op);
            return;
        }
        result = error;
    }
    if (result == GREEN_TRY_AT_ONCE)
        green__op_queue_append(&epoll->to_try, op, GREEN_EPOLL_QUEUED);
    else if (result == GREEN_TRY_AFTER_PAUSE)
        pause_before_retry(epoll, op);
    else
        complete(epoll, op, result);
}

/* Tries the operations that are queued now, but not those that their completions queue. */
static void try_queued(green_epoll *epoll) {
    green_op *const last = GREEN_CONTAINER(epoll->to_try.last, green_op, next);
    green_op *op = NULL;
    if (!epoll->to_try.first)
        return;
    for (unsigned count = 0; count < TRIES_PER_POLL && op != last; count++) {
        op = green__op_queue_take(&epoll->to_try);
        if (!op)
            break;
        try_op(epoll, op);
    }
}

/* Records an event, and queues the operations that may succeed now. */
static void handle_event(green_epoll *epoll, const struct epoll_event *event) {
    green_epoll_fd *record = green__epoll_fds_find(&epoll->fds, event->data.fd);
    if (!record)
        return; /* the eventfd of green__engine_wake() */
    uint32_t events = event->events;
    if (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        record->always_try = true;
    if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        record->not_readable = false;
    record->has_event = true;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        record->not_writable = false;
    for (green_op **place = &record->waiting; *place;) {
        green_op *op = *place;
        op->drained = false; /* the event may mean that bytes have arrived */
        if (!green__epoll_worth_trying(record, op)) {
            place = &op->next;
            continue;
        }
        *place = op->next;
        epoll->waiting--;
        green__op_queue_append(&epoll->to_try, op, GREEN_EPOLL_QUEUED);
    }
}

static int wait_for_events(green_epoll *epoll, struct epoll_event *events, int64_t timeout) {
    struct timespec limit = green__timespec_of(timeout);
    epoll->counters->system_calls++;
    if (!epoll->no_pwait2) {
        int count = green__epoll_pwait2(epoll->fd, events, EVENTS_PER_POLL, timeout < 0 ? NULL : &limit);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return count;
        epoll->no_pwait2 = true; /* Linux before 5.11, or a seccomp filter that does not know the call */
    }
    int64_t milliseconds = timeout < 0 ? -1 : timeout / 1000000 + (timeout % 1000000 > 0);
    return epoll_wait(epoll->fd, events, EVENTS_PER_POLL, milliseconds < INT32_MAX ? (int)milliseconds : INT32_MAX);
}

/* Whether to check for events although the call would not wait. */
static bool is_worth_polling(green_epoll *epoll) {
    return epoll->waiting > 0 && (!epoll->empty_polls || ++epoll->empty_polls > POLLS_PER_EMPTY_CHECK);
}

void green__epoll_wait_and_try(green_epoll *epoll, int64_t timeout) {
    struct epoll_event events[EVENTS_PER_POLL];
    int count = wait_for_events(epoll, events, timeout);
    GREEN_INVARIANT(count >= 0 || errno == EINTR, "epoll_wait fails only for a signal");
    epoll->empty_polls = count <= 0;
    for (int i = 0; i < count; i++)
        handle_event(epoll, &events[i]);
    try_queued(epoll);
}

bool green__epoll_try_queued(green_epoll *epoll) {
    epoll->has_completed = false;
    end_pause(epoll);
    try_queued(epoll);
    return epoll->has_completed || epoll->to_try.first;
}

static void poll_once(green_engine *engine, int64_t timeout) {
    green_epoll *epoll = epoll_of(engine);
    int error_number = errno;
    if (green__epoll_try_queued(epoll))
        timeout = 0;
    else if (epoll->paused.first && (timeout < 0 || timeout > PAUSE_TIME))
        timeout = PAUSE_TIME;
    if (timeout != 0 || is_worth_polling(epoll))
        green__epoll_wait_and_try(epoll, timeout);
    else
        try_queued(epoll);
    errno = error_number;
}

static void release_buffer(green_engine *engine, const green_provided_buffer *buffer) {
    green_epoll_buffers *buffers = &epoll_of(engine)->buffers;
    GREEN_INVARIANT(engine->buffers_in_use > 0 && buffer->id < buffers->count, "a provided buffer is released once");
    engine->buffers_in_use--;
    buffers->free[buffers->free_count++] = buffer->id;
}

/* Operations that still wait for the descriptor are tried again and fail. */
static void forget(green_engine *engine, int fd, bool stays_open) {
    green_epoll *epoll = epoll_of(engine);
    green_epoll_fd *record = green__epoll_fds_find(&epoll->fds, fd);
    if (!record)
        return;
    for (green_op *op; (op = record->waiting);) {
        record->waiting = op->next;
        epoll->waiting--;
        green__op_queue_append(&epoll->to_try, op, GREEN_EPOLL_QUEUED);
    }
    /* The kernel removes a file from the epoll when all copies of its descriptor are closed.
     * A copy, for example in a child, would report events for a number that may be another
     * file by then. */
    bool is_connection = record->is_stream && !record->is_listener;
    if (record->registered && (stays_open || !is_connection || green__has_forked())) {
        epoll->counters->system_calls++;
        epoll_ctl(epoll->fd, EPOLL_CTL_DEL, fd, NULL);
    }
    *record = (green_epoll_fd){0};
}

int green__epoll_open(green_epoll *epoll, green_engine *counters, uint32_t events) {
    *epoll = (green_epoll){
        .base.class = &green__epoll,
        .counters = counters,
        .socket_events = events,
        .no_pwait2 = green__feature_is_disabled(GREEN_FEATURE_EPOLL_PWAIT2),
    };
    green__op_queue_init(&epoll->to_try);
    green__op_queue_init(&epoll->paused);
    int error = green__track_forks(); /* see forget() */
    if (error < 0)
        return error;
    epoll->fd = green__own_fd(epoll_create1(EPOLL_CLOEXEC));
    return epoll->fd < 0 ? green__fail(epoll->fd, "cannot make an epoll descriptor") : 0;
}

void green__epoll_close(green_epoll *epoll) {
    green__own_fd_close(epoll->fd);
    green__splice_pipe_close(&epoll->splice_pipe);
    green__epoll_fds_free(&epoll->fds);
}

static void close_engine(green_engine *engine) {
    green_epoll *epoll = epoll_of(engine);
    GREEN_INVARIANT(engine->operations == 0, "an engine is closed when no operation is left");
    green__epoll_close(epoll);
    green__epoll_buffers_close(&epoll->buffers);
    green__own_fd_close(engine->wake_fd);
    free(epoll);
}

/* An event of it only ends the wait, like an event that no operation waits for. */
static int watch_wake_fd(green_epoll *epoll) {
    int error = green__engine_open_wake_fd(&epoll->base);
    if (error < 0)
        return error;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = epoll->base.wake_fd};
    if (epoll_ctl(epoll->fd, EPOLL_CTL_ADD, epoll->base.wake_fd, &event) == 0)
        return 0;
    error = green__fail(-errno, "cannot watch the eventfd of a hub");
    green__own_fd_close(epoll->base.wake_fd);
    return error;
}

static int open_engine(green_engine **engine, const green_engine_options *options) {
    green_epoll *epoll = calloc(1, sizeof *epoll);
    if (!epoll)
        return green__fail(-ENOMEM, "cannot make a hub");
    int error = green__epoll_open(epoll, &epoll->base, EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET);
    if (error < 0)
        goto failed;
    error = watch_wake_fd(epoll);
    if (error < 0)
        goto close_epoll;
    error = green__epoll_buffers_open(&epoll->buffers, options->receive_memory);
    if (error < 0)
        goto close_wake_fd;
    *engine = &epoll->base;
    return 0;

close_wake_fd:
    green__own_fd_close(epoll->base.wake_fd);
close_epoll:
    green__epoll_close(epoll);
failed:
    free(epoll);
    return error;
}

static void abandon(green_engine *engine) {
    green__own_fd_close(epoll_of(engine)->fd);
    green__splice_pipe_close(&epoll_of(engine)->splice_pipe);
}

const green_engine_class green__epoll = {
    .name = "epoll",
    .open = open_engine,
    .close = close_engine,
    .try_kinds = 1u << GREEN_OP_RECEIVE | 1u << GREEN_OP_RECEIVE_PROVIDED | 1u << GREEN_OP_RECEIVE_MSG |
                 1u << GREEN_OP_SEND | 1u << GREEN_OP_SEND_MSG | 1u << GREEN_OP_ACCEPT,
    .try_now = try_now,
    .submit = submit,
    .cancel = cancel,
    .poll = poll_once,
    .release_buffer = release_buffer,
    .forget = forget,
    .abandon = abandon,
};
