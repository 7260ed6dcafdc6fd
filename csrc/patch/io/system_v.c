/* msgsnd(), msgrcv(), semop() and semtimedop(), of System V. */
#include "../clock.h"
#include "attempts.h"

#include <stdlib.h>
#include <string.h>

struct ipc_call {
    green_attempts attempts;
    int id;
    void *message;
    size_t size; /* of the message, or the number of operations */
    long type;
    int flags;
    struct sembuf *operations;
};

/* The kernel tells a call that waits that its queue or set was removed, but an attempt that follows
 * that the identifier does not exist. */
static ssize_t checked(const green_attempts *attempts, ssize_t result) {
    if (result < 0 && errno == EINVAL && attempts->waited)
        errno = EIDRM;
    return result;
}

static ssize_t run(green_hub *hub, struct ipc_call *call, ssize_t (*attempt)(green_attempts *), int would_block,
                   int64_t deadline) {
    call->attempts = (green_attempts){.attempt = attempt,
                                      .would_block = would_block,
                                      .timed_out = EAGAIN,
                                      .fd = -1,
                                      .deadline = deadline,
                                      .signals = GREEN_SIGNALS_INTERRUPT};
    return green__attempts_run(hub, &call->attempts);
}

static ssize_t attempt_msgsnd(green_attempts *attempts) {
    const struct ipc_call *call = GREEN_CONTAINER(attempts, const struct ipc_call, attempts);
    return checked(attempts, green__real.msgsnd(call->id, call->message, call->size, call->flags | IPC_NOWAIT));
}

int green__green_msgsnd(int id, const void *message, size_t size, int flags) {
    green_hub *hub = flags & IPC_NOWAIT ? NULL : green__may_park_here();
    if (!hub)
        return green__real.msgsnd(id, message, size, flags);
    green__cancellation_point(hub);
    struct ipc_call call = {.id = id, .message = (void *)message, .size = size, .flags = flags};
    return (int)run(hub, &call, attempt_msgsnd, EAGAIN, GREEN_NEVER);
}

static ssize_t attempt_msgrcv(green_attempts *attempts) {
    const struct ipc_call *call = GREEN_CONTAINER(attempts, const struct ipc_call, attempts);
    return checked(attempts,
                   green__real.msgrcv(call->id, call->message, call->size, call->type, call->flags | IPC_NOWAIT));
}

ssize_t green__green_msgrcv(int id, void *message, size_t size, long type, int flags) {
    green_hub *hub = flags & IPC_NOWAIT ? NULL : green__may_park_here();
    if (!hub)
        return green__real.msgrcv(id, message, size, type, flags);
    green__cancellation_point(hub);
    struct ipc_call call = {.id = id, .message = message, .size = size, .type = type, .flags = flags};
    return run(hub, &call, attempt_msgrcv, ENOMSG, GREEN_NEVER);
}

/* Semaphores --------------------------------------------------------------- */

static ssize_t attempt_semop(green_attempts *attempts) {
    const struct ipc_call *call = GREEN_CONTAINER(attempts, const struct ipc_call, attempts);
    return checked(attempts, green__real.semop(call->id, call->operations, call->size));
}

/* If only some of the operations have IPC_NOWAIT, the one that would block decides. Attempts
 * cannot find it. */
static bool has_nowait(const struct sembuf *operations, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (operations[i].sem_flg & IPC_NOWAIT)
            return true;
    return false;
}

enum { OPERATIONS_MAX = 64 };

static int operate(green_hub *hub, int id, const struct sembuf *operations, size_t count, int64_t deadline) {
    struct sembuf copy[OPERATIONS_MAX];
    struct ipc_call call = {.id = id, .operations = copy, .size = count};
    green__cancellation_point(hub);
    memcpy(copy, operations, count * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i].sem_flg |= IPC_NOWAIT;
    return (int)run(hub, &call, attempt_semop, EAGAIN, deadline);
}

static green_hub *may_operate(const struct sembuf *operations, size_t count) {
    if (!operations || count > OPERATIONS_MAX || has_nowait(operations, count))
        return NULL;
    return green__may_park_here();
}

int green__green_semop(int id, struct sembuf *operations, size_t count) {
    green_hub *hub = may_operate(operations, count);
    return hub ? operate(hub, id, operations, count, GREEN_NEVER) : green__real.semop(id, operations, count);
}

int green__green_semtimedop(int id, struct sembuf *operations, size_t count, const struct timespec *timeout) {
    bool valid;
    int64_t deadline = green__timespec_deadline(timeout, &valid);
    green_hub *hub = valid ? may_operate(operations, count) : NULL;
    return hub ? operate(hub, id, operations, count, deadline) : green__real.semtimedop(id, operations, count, timeout);
}
