#include "wait_fds.h"

#include "../base/lock.h"

#include <stdio.h>
#include <sys/syscall.h>

/* The wait of one call, and the operations that it has under way. */
typedef struct green_fds_wait {
    green_wait wait;
    green_waited_fd *watches;
    size_t count, pending;
    bool woken;    /* by the first that ended */
    bool draining; /* parked until the last has ended */
} green_fds_wait;

/* Those that this OS thread's green threads wait for, by number, for whoever
 * closes one. A forked child has copies of its parent's, which are not its own:
 * they are known by their hub. Not initial-exec: there may be little room. */
enum { BUCKETS = 64 };
static _Thread_local struct {
    const green_hub *hub;
    green_waited_fd *first[BUCKETS];
} watched;

static green_waited_fd **bucket(const green_hub *hub, int fd) {
    if (GREEN_UNLIKELY(watched.hub != hub)) {
        for (size_t i = 0; i < BUCKETS; i++)
            watched.first[i] = NULL;
        watched.hub = hub;
    }
    return &watched.first[(unsigned)fd % BUCKETS];
}

static void enter(const green_hub *hub, green_waited_fd *watch) {
    watch->place = bucket(hub, watch->fd);
    watch->next = *watch->place;
    if (watch->next)
        watch->next->place = &watch->next;
    *watch->place = watch;
}

static void leave(green_waited_fd *watch) {
    *watch->place = watch->next;
    if (watch->next)
        watch->next->place = watch->place;
}

static void complete(green_op *op, int32_t result) {
    green_waited_fd *watch = GREEN_CONTAINER(op, green_waited_fd, op);
    green_fds_wait *watching = watch->watching;
    watch->pending = false;
    watch->result = result;
    watching->pending--;
    if (watching->woken && !(watching->draining && watching->pending == 0))
        return;
    watching->woken = true;
    green__ready(watching->wait.thread);
}

static void cancel_pending(green_hub *hub, green_fds_wait *watching) {
    for (size_t i = 0; i < watching->count; i++)
        if (watching->watches[i].pending)
            hub->engine->class->cancel(hub->engine, &watching->watches[i].op);
}

static void cancel(green_wait *wait) {
    green_fds_wait *watching = GREEN_CONTAINER(wait, green_fds_wait, wait);
    if (watching->pending > 0)
        cancel_pending(wait->thread->hub, watching);
    else
        green__ready(wait->thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_fds_wait *watching = GREEN_CONTAINER(wait, const green_fds_wait, wait);
    int fd = -1;
    for (size_t i = 0; i < watching->count && fd < 0; i++)
        fd = watching->watches[i].fd;
    if (fd < 0)
        snprintf(text, size, "sleeping in a patched call");
    else if (watching->count > 1)
        snprintf(text, size, "in a patched call, waiting for descriptor %d and others", fd);
    else
        snprintf(text, size, "in a patched call, waiting for descriptor %d", fd);
}

static const green_wait_kind waiting = {cancel, describe};
static const green_wait_kind draining = {NULL, describe};

static void submit(green_hub *hub, green_fds_wait *watching) {
    for (size_t i = 0; i < watching->count; i++) {
        green_waited_fd *watch = &watching->watches[i];
        watch->closed = watch->pending = false;
        watch->result = -ECANCELED;
        if (watch->fd < 0 || watch->useless)
            continue;
        watch->watching = watching;
        enter(hub, watch);
        if (watch->resting)
            continue;
        watch->op = (green_op){.complete = complete,
                               .kind = GREEN_OP_POLL,
                               .fd = watch->fd,
                               .flags = (unsigned short)watch->events,
                               .no_file_ref = watch->no_file_ref};
        watch->pending = true;
        watching->pending++;
    }
    for (size_t i = 0; i < watching->count; i++)
        if (watching->watches[i].pending)
            hub->engine->class->submit(hub->engine, &watching->watches[i].op);
}

/* The operations are in this call's memory: it stays until the last has ended. */
static void drain(green_hub *hub, green_fds_wait *watching) {
    if (watching->pending > 0) {
        green_wait wait = watching->wait;
        cancel_pending(hub, watching);
        watching->draining = true;
        green__wait_init(hub, &watching->wait, &draining);
        hub->io_waiters++;
        green__park(hub, &watching->wait);
        hub->io_waiters--;
        watching->wait = wait;
    }
    for (size_t i = 0; i < watching->count; i++)
        if (watching->watches[i].watching)
            leave(&watching->watches[i]);
}

static int outcome(green_hub *hub, green_fds_wait *watching) {
    int error = -ECANCELED;
    for (size_t i = 0; i < watching->count; i++) {
        green_waited_fd *watch = &watching->watches[i];
        if (watch->closed)
            return -EBADF;
        if (watch->result >= 0)
            error = 0;
        else if (watch->result == -EPERM || watch->result == -EINVAL || watch->result == -EOPNOTSUPP)
            watch->useless = true; /* epoll, or the ring, cannot wait for what has no poll */
        else if (watch->result != -ECANCELED && watch->result != -EINTR && error == -ECANCELED)
            error = watch->result;
    }
    if (error != -ECANCELED)
        return error == -EBADF ? 0 : error; /* the next try says so itself, of the right one */
    if (!watching->wait.cancelled)
        return 0;
    if (watching->wait.cause)
        return watching->wait.cause;
    return hub->current->interrupts ? -EINTR : -ECANCELED;
}

bool green__is_vfork_child(const green_hub *hub) {
    return syscall(SYS_gettid) != hub->registration.number;
}

bool green__cannot_park(const green_hub *hub) {
    return green__is_forking() || green__is_vfork_child(hub);
}

green_hub *green__may_park_here(void) {
    green_hub *hub = green__may_park();
    return hub && !green__cannot_park(hub) ? hub : NULL;
}

int green__wait_fds_blocking(int64_t deadline) {
    if (deadline >= 0 && green_now() >= deadline)
        return -ETIMEDOUT;
    syscall(SYS_nanosleep, &(struct timespec){0, GREEN_MILLISECOND}, NULL);
    return 0;
}

int green__wait_fds(green_hub *hub, green_waited_fd *watches, size_t count, int64_t deadline) {
    green_fds_wait watching = {.watches = watches, .count = count};
    int64_t timeout = green__time_left(deadline);
    if (GREEN_UNLIKELY(green__is_vfork_child(hub)))
        return green__wait_fds_blocking(deadline);
    if (hub->current->interrupts)
        return -EINTR;
    if (timeout == 0)
        return -ETIMEDOUT;
    if (timeout > 0 && green__timer_reserve(&hub->timers) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        watches[i].watching = NULL;
    green__wait_init(hub, &watching.wait, &waiting);
    submit(hub, &watching);
    bool io_waiters = watching.pending > 0;
    hub->io_waiters += io_waiters;
    green__park_for(hub, &watching.wait, timeout);
    hub->io_waiters -= io_waiters;
    drain(hub, &watching);
    return outcome(hub, &watching);
}

static int watch_one(green_hub *hub, green_waited_fd watch, int64_t deadline) {
    int error = green__wait_fds(hub, &watch, 1, deadline);
    return watch.useless ? -EPERM : error;
}

int green__wait_fds_one(green_hub *hub, int fd, short events, int64_t deadline) {
    return watch_one(hub, (green_waited_fd){.fd = fd, .events = events}, deadline);
}

int green__wait_fds_pause(green_hub *hub, int fd, int64_t pause, int64_t deadline) {
    int64_t end = green__deadline_after(pause);
    green_waited_fd watch = {.fd = fd, .resting = true};
    bool in_time = deadline < 0 || end < deadline;
    int ended = green__wait_fds(hub, &watch, 1, in_time ? end : deadline);
    return ended == -ETIMEDOUT && in_time ? 0 : ended;
}

static int watch_again(green_hub *hub, green_waited_fd watch, int64_t deadline, unsigned *mistaken) {
    int ended = 0;
    if (*mistaken > GREEN_SPURIOUS_MAX)
        ended = green__wait_fds_pause(hub, watch.fd, GREEN_SPURIOUS_PAUSE, deadline);
    if (ended == 0)
        ended = watch_one(hub, watch, deadline);
    *mistaken = ended == 0 ? *mistaken + 1 : 0;
    return ended;
}

int green__wait_fds_again(green_hub *hub, int fd, short events, int64_t deadline, unsigned *mistaken) {
    return watch_again(hub, (green_waited_fd){.fd = fd, .events = events}, deadline, mistaken);
}

int green__wait_fds_port_again(green_hub *hub, int fd, int64_t deadline, unsigned *mistaken) {
    return watch_again(hub, (green_waited_fd){.fd = fd, .events = POLLIN, .no_file_ref = true}, deadline, mistaken);
}

int green__wait_fds_failed(green_hub *hub, int error, int timed_out) {
    bool posted = error == -EINTR && hub->current->interrupts;
    if (error == -ETIMEDOUT)
        error = -timed_out;
    else if (posted)
        error = green__interrupt_deliver(hub->current);
    errno = error == -ETIME ? ETIMEDOUT : -error;
    return -1;
}

void green__wait_fds_closing(int fd) {
    green_hub *hub = green__hub;
    if (!hub || fd < 0)
        return;
    for (green_waited_fd *watch = *bucket(hub, fd); watch; watch = watch->next)
        if (watch->fd == fd) {
            if (green__is_vfork_child(hub))
                return;
            watch->closed = true;
            if (watch->pending)
                hub->engine->class->cancel(hub->engine, &watch->op);
            else if (watch->resting && watch->watching->wait.thread->state == GREEN_PARKED)
                green__ready(watch->watching->wait.thread);
        }
}
