#include "turn_engine.h"

#include "../../../csrc/base/error.h"
#include "harness.h"
#include "turns.h"

#include <poll.h>
#include <sys/socket.h>

enum { BUFFERS = 4, PENDING = 1, NOT_YET = -1000000 };

struct turn_engine *turn_engine_of(green_engine *engine) {
    return GREEN_CONTAINER(engine, struct turn_engine, base);
}

/* Operations ----------------------------------------------------------------- */

static short events_of(const green_op *op) {
    switch (op->kind) {
    case GREEN_OP_RECEIVE:
    case GREEN_OP_RECEIVE_PROVIDED:
        return POLLIN;
    case GREEN_OP_SEND:
        return POLLOUT;
    case GREEN_OP_POLL:
        return (short)op->flags;
    default:
        check_failed(__FILE__, __LINE__, "an operation that the simulation supports");
    }
}

static short events_now(const green_op *op) {
    struct pollfd state = {.fd = op->fd, .events = events_of(op)};
    return poll(&state, 1, 0) > 0 ? state.revents : 0;
}

static int32_t outcome(ssize_t result) {
    if (result >= 0)
        return (int32_t)result;
    return errno == EAGAIN ? NOT_YET : -errno;
}

static int32_t receive_provided(struct turn_engine *engine, green_op *op) {
    if (!engine->free_buffers)
        return events_now(op) ? -ENOBUFS : NOT_YET;
    uint16_t id = (uint16_t)__builtin_ctz(engine->free_buffers);
    char *bytes = engine->buffers + (size_t)id * GREEN_PROVIDED_BUFFER_SIZE;
    int32_t result = outcome(recv(op->fd, bytes, GREEN_PROVIDED_BUFFER_SIZE, op->flags | MSG_DONTWAIT));
    if (result > 0) {
        *(green_provided_buffer *)op->address = (green_provided_buffer){bytes, id};
        engine->free_buffers &= ~(1u << id);
        engine->base.buffers_in_use++;
    }
    return result;
}

static int32_t attempt(struct turn_engine *engine, green_op *op) {
    short events;
    int32_t result;
    switch (op->kind) {
    case GREEN_OP_RECEIVE_PROVIDED:
        result = receive_provided(engine, op);
        break;
    case GREEN_OP_RECEIVE:
        result = outcome(recv(op->fd, op->address, green__op_size(op), op->flags | MSG_DONTWAIT));
        break;
    case GREEN_OP_SEND:
        result = outcome(send(op->fd, op->address, green__op_size(op), op->flags | MSG_DONTWAIT));
        break;
    default:
        events = events_now(op);
        result = events ? events : NOT_YET;
    }
    op->drained = result == NOT_YET;
    return result;
}

static bool try_now(green_engine *base, green_op *op, int32_t *result) {
    *result = attempt(turn_engine_of(base), op);
    return *result != NOT_YET;
}

static void submit(green_engine *base, green_op *op) {
    struct turn_engine *engine = turn_engine_of(base);
    base->operations++;
    base->submitted++;
    op->cancelled = false;
    op->state = PENDING;
    op->next = NULL;
    *engine->last = op;
    engine->last = &op->next;
}

static void cancel(green_engine *base, green_op *op) {
    (void)base;
    op->cancelled = op->state == PENDING;
}

static void complete(green_engine *base, green_op *op, int32_t result) {
    op->state = 0;
    base->operations--;
    base->completions++;
    op->complete(op, result);
}

/* Attempts each operation once. Completions may submit others. */
static bool attempt_all(struct turn_engine *engine) {
    bool any = false;
    green_op *op = engine->first, *next;
    engine->first = NULL;
    engine->last = &engine->first;
    for (; op; op = next) {
        next = op->next;
        int32_t result = op->cancelled ? -ECANCELED : attempt(engine, op);
        if (result == NOT_YET) {
            op->next = NULL;
            *engine->last = op;
            engine->last = &op->next;
        } else {
            complete(&engine->base, op, result);
            any = true;
        }
    }
    return any;
}

/* Waiting -------------------------------------------------------------------- */

bool turn_engine_has_event(void *argument) {
    struct turn_engine *engine = argument;
    if (engine->wakes != engine->seen_wakes)
        return true;
    for (const green_op *op = engine->first; op; op = op->next)
        if (op->cancelled || events_now(op))
            return true;
    return false;
}

static void poll_once(green_engine *base, int64_t timeout) {
    struct turn_engine *engine = turn_engine_of(base);
    int error_number = errno;
    if (!attempt_all(engine) && timeout != 0 && engine->wakes == engine->seen_wakes) {
        engine->waits = true;
        turn_block("a wait in the kernel", turn_engine_has_event, engine, timeout < 0 ? -1 : turns_now() + timeout);
        engine->waits = false;
        attempt_all(engine);
    } else {
        turn_point("a poll of the kernel");
    }
    engine->seen_wakes = engine->wakes;
    errno = error_number;
}

/* Life ----------------------------------------------------------------------- */

static void release_buffer(green_engine *base, const green_provided_buffer *buffer) {
    if (!buffer->bytes)
        return;
    turn_engine_of(base)->free_buffers |= 1u << buffer->id;
    base->buffers_in_use--;
}

static void forget(green_engine *base, int fd, bool stays_open) {
    (void)stays_open;
    for (const green_op *op = turn_engine_of(base)->first; op; op = op->next)
        CHECK(op->fd, !=, fd);
}

static void engine_close(green_engine *base) {
    struct turn_engine *engine = turn_engine_of(base);
    CHECK(base->operations, ==, 0);
    CHECK(base->buffers_in_use, ==, 0);
    free(engine->buffers);
    free(engine);
}

static int no_open(green_engine **engine, const green_engine_options *options) {
    (void)engine, (void)options;
    return -ENOSYS;
}

static const green_engine_class turn_class = {
    .name = "turns",
    .open = no_open,
    .close = engine_close,
    .try_kinds = 1u << GREEN_OP_RECEIVE | 1u << GREEN_OP_RECEIVE_PROVIDED | 1u << GREEN_OP_SEND,
    .try_now = try_now,
    .submit = submit,
    .cancel = cancel,
    .poll = poll_once,
    .release_buffer = release_buffer,
    .forget = forget,
};

green_engine *turn_engine_open(void) {
    struct turn_engine *engine = malloc(sizeof *engine);
    CHECK(engine);
    *engine = (struct turn_engine){
        .base = {.class = &turn_class, .wake_fd = -1},
        .last = &engine->first,
        .free_buffers = (1u << BUFFERS) - 1,
        .buffers = malloc((size_t)BUFFERS * GREEN_PROVIDED_BUFFER_SIZE),
    };
    CHECK(engine->buffers);
    return &engine->base;
}
