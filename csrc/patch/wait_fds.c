#include "wait_fds.h"

#include "../base/own_fd.h"
#include "../core/interrupt.h"
#include "../core/virtual_clock.h"
#include "../core/virtual_peers.h"

#include "clock.h"
#include "signal_wait.h"

#include <stdio.h>

/* The wait of one call, and its operations in progress. */
typedef struct green_fds_wait {
    green_wait wait;
    green_waited_fd *fds;
    size_t count, pending;
    bool woken;    /* by the first operation that ended */
    bool draining; /* parked until the last operation has ended */
} green_fds_wait;

/* The waits of this OS thread's green threads by descriptor, for calls that close one. */
static _Thread_local green_hub_table waits;

static green_hub_table_entry **bucket(const green_hub *hub, int fd) {
    return green__hub_table_bucket(&waits, hub, (unsigned)fd);
}

static void complete(green_op *op, int32_t result) {
    green_waited_fd *waited = GREEN_CONTAINER(op, green_waited_fd, op);
    green_fds_wait *call = waited->call;
    waited->pending = false;
    waited->result = result;
    call->pending--;
    if (call->woken && !(call->draining && call->pending == 0))
        return;
    call->woken = true;
    green__ready(call->wait.thread);
}

static void cancel_pending(green_hub *hub, green_fds_wait *call) {
    for (size_t i = 0; i < call->count; i++)
        if (call->fds[i].pending)
            hub->engine->class->cancel(hub->engine, &call->fds[i].op);
}

static void cancel(green_wait *wait) {
    green_fds_wait *call = GREEN_CONTAINER(wait, green_fds_wait, wait);
    if (call->pending > 0)
        cancel_pending(wait->thread->hub, call);
    else
        green__ready(wait->thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_fds_wait *call = GREEN_CONTAINER(wait, const green_fds_wait, wait);
    int fd = -1;
    for (size_t i = 0; i < call->count && fd < 0; i++)
        fd = call->fds[i].fd;
    if (fd < 0)
        snprintf(text, size, "sleeping in a patched call");
    else if (call->count > 1)
        snprintf(text, size, "in a patched call, waiting for descriptor %d and others", fd);
    else
        snprintf(text, size, "in a patched call, waiting for descriptor %d", fd);
}

static const green_wait_kind waiting = {cancel, describe};
static const green_wait_kind draining = {NULL, describe};

static void submit(green_hub *hub, green_fds_wait *call) {
    for (size_t i = 0; i < call->count; i++) {
        green_waited_fd *waited = &call->fds[i];
        waited->closed = waited->pending = false;
        waited->result = -ECANCELED;
        if (waited->fd < 0 || waited->unpollable)
            continue;
        waited->call = call;
        green__hub_table_add(bucket(hub, waited->fd), &waited->entry);
        if (waited->only_closed)
            continue;
        waited->op = (green_op){.complete = complete,
                                .kind = GREEN_OP_POLL,
                                .fd = waited->fd,
                                .flags = (unsigned short)waited->events,
                                .no_file_ref = waited->no_file_ref};
        waited->pending = true;
        call->pending++;
    }
    for (size_t i = 0; i < call->count; i++)
        if (call->fds[i].pending)
            hub->engine->class->submit(hub->engine, &call->fds[i].op);
}

/* The engine uses the operations, which are in memory of the caller, until they have
 * ended. */
static void drain(green_hub *hub, green_fds_wait *call) {
    if (call->pending > 0) {
        green_wait wait = call->wait;
        cancel_pending(hub, call);
        call->draining = true;
        green__wait_init(hub, &call->wait, &draining);
        hub->io_waiters++;
        green__park(hub, &call->wait);
        hub->io_waiters--;
        call->wait = wait;
    }
    for (size_t i = 0; i < call->count; i++)
        if (call->fds[i].call)
            green__hub_table_remove(&call->fds[i].entry);
}

static int outcome(green_hub *hub, green_fds_wait *call) {
    int error = -ECANCELED;
    for (size_t i = 0; i < call->count; i++) {
        green_waited_fd *waited = &call->fds[i];
        if (waited->closed)
            return -EBADF;
        if (waited->result >= 0)
            error = 0;
        else if (waited->result == -EPERM || waited->result == -EINVAL || waited->result == -EOPNOTSUPP)
            waited->unpollable = true; /* epoll and io_uring cannot wait for it */
        else if (waited->result != -ECANCELED && waited->result != -EINTR && error == -ECANCELED)
            error = waited->result;
    }
    if (error != -ECANCELED)
        return error == -EBADF ? 0 : error; /* the next try fails with EBADF for the right descriptor */
    if (!call->wait.cancelled)
        return 0;
    if (call->wait.cause)
        return call->wait.cause;
    return hub->current->interrupts ? -EINTR : -ECANCELED;
}

static bool any_from_outside(const green_fds_wait *call) {
    for (size_t i = 0; i < call->count; i++)
        if (call->fds[i].pending && green__descriptor_is_from_outside(call->fds[i].fd))
            return true;
    return false;
}

int green__wait_fds(green_hub *hub, green_waited_fd *fds, size_t count, int64_t deadline) {
    green_fds_wait call = {.fds = fds, .count = count};
    int64_t timeout = green__time_left(deadline);
    if (GREEN_UNLIKELY(green__is_vfork_child(hub)))
        return green__block_briefly(deadline);
    if (hub->current->interrupts)
        return -EINTR;
    if (timeout == 0)
        return -ETIMEDOUT;
    if (timeout > 0 && green__timer_reserve(&hub->timers) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        fds[i].call = NULL;
    if (!green__signals_enter(hub)) {
        green__signals_leave(hub);
        return -ERESTART;
    }
    green__wait_init(hub, &call.wait, &waiting);
    submit(hub, &call);
    bool waits_for_io = call.pending > 0, from_outside = hub->has_virtual_clock && any_from_outside(&call);
    hub->io_waiters += waits_for_io;
    hub->outside_work += from_outside;
    green__park_for(hub, &call.wait, timeout);
    green__signals_leave(hub);
    hub->outside_work -= from_outside;
    hub->io_waiters -= waits_for_io;
    drain(hub, &call);
    return outcome(hub, &call);
}

static int wait_one(green_hub *hub, green_waited_fd waited, int64_t deadline) {
    int error = green__wait_fds(hub, &waited, 1, deadline);
    return waited.unpollable ? -EPERM : error;
}

int green__wait_fds_one(green_hub *hub, int fd, short events, int64_t deadline) {
    return wait_one(hub, (green_waited_fd){.fd = fd, .events = events}, deadline);
}

int green__wait_fds_pause(green_hub *hub, int fd, int64_t pause, int64_t deadline) {
    int64_t end = green__deadline_after(pause);
    green_waited_fd waited = {.fd = fd, .only_closed = true};
    bool in_time = deadline < 0 || end < deadline;
    int ended = green__wait_fds(hub, &waited, 1, in_time ? end : deadline);
    return ended == -ETIMEDOUT && in_time ? 0 : ended;
}

int green__wait_fds_poll(green_hub *hub, int fd, int64_t *interval, int64_t deadline) {
    int ended = green__wait_fds_pause(hub, fd, *interval, deadline);
    *interval = green__next_poll_interval(*interval, GREEN_POLL_LONGEST);
    return ended;
}

static int wait_again(green_hub *hub, green_waited_fd waited, int64_t deadline, unsigned *spurious) {
    int ended = 0;
    if (*spurious > GREEN_SPURIOUS_MAX)
        ended = green__wait_fds_pause(hub, waited.fd, GREEN_SPURIOUS_PAUSE, deadline);
    if (ended == 0)
        ended = wait_one(hub, waited, deadline);
    *spurious = ended == 0 ? *spurious + 1 : 0;
    return ended;
}

int green__wait_fds_again(green_hub *hub, int fd, short events, int64_t deadline, unsigned *spurious) {
    return wait_again(hub, (green_waited_fd){.fd = fd, .events = events}, deadline, spurious);
}

int green__wait_fds_port_again(green_hub *hub, int fd, int64_t deadline, unsigned *spurious) {
    return wait_again(hub, (green_waited_fd){.fd = fd, .events = POLLIN, .no_file_ref = true}, deadline, spurious);
}

int (*green__interrupt_errno)(int error);

static int errno_of_interrupt(int error) {
    int (*choose)(int) = __atomic_load_n(&green__interrupt_errno, __ATOMIC_ACQUIRE);
    int by_default = error == -ETIME ? ETIMEDOUT : -error;
    return GREEN_UNLIKELY(choose != NULL) ? choose(by_default) : by_default;
}

int green__wait_fds_failed(green_hub *hub, int error, int timed_out) {
    bool is_interrupt = error == -EINTR && hub->current->interrupts;
    if (error == -ETIMEDOUT)
        error = -timed_out;
    else if (error == -ERESTART)
        error = -EINTR;
    else if (is_interrupt)
        error = green__interrupt_deliver_at_begin(hub);
    errno = green__is_interrupt(error) ? errno_of_interrupt(error) : -error;
    return -1;
}

int green__wait_fds_end_failed(green_hub *hub, int error, int timed_out) {
    return (int)green__cancellation_point_passed(hub, green__wait_fds_failed(hub, error, timed_out));
}

static void end_by_close(green_hub *hub, green_waited_fd *waited) {
    waited->closed = true;
    if (waited->pending)
        hub->engine->class->cancel(hub->engine, &waited->op);
    else if (waited->only_closed && waited->call->wait.thread->state == GREEN_PARKED)
        green__ready(waited->call->wait.thread);
}

/* Returns false if nothing may be ended here. */
static bool end_in_bucket(green_hub *hub, green_hub_table_entry *entry, unsigned first, unsigned last) {
    for (; entry; entry = entry->next) {
        green_waited_fd *waited = GREEN_CONTAINER(entry, green_waited_fd, entry);
        if ((unsigned)waited->fd < first || (unsigned)waited->fd > last || green__fd_is_own(waited->fd))
            continue;
        if (green__is_vfork_child(hub))
            return false;
        end_by_close(hub, waited);
    }
    return true;
}

void green__wait_fds_closing(int fd) {
    green_hub *hub = green__hub;
    if (hub && fd >= 0)
        (void)end_in_bucket(hub, *bucket(hub, fd), (unsigned)fd, (unsigned)fd);
}

void green__wait_fds_closing_range(unsigned first, unsigned last) {
    green_hub *hub = green__hub;
    if (!hub)
        return;
    for (int i = 0; i < GREEN_HUB_TABLE_BUCKETS; i++)
        if (!end_in_bucket(hub, *bucket(hub, i), first, last))
            return;
}
