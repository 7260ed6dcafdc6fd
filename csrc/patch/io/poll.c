/* poll(), epoll_wait() and their variants. */
#include "poll.h"

#include "../clock.h"
#include "../signal_wait.h"

#include <stdlib.h>

static const int64_t MASKED_INTERVAL = 10 * 1000 * 1000;

/* A signal mask applies to the OS thread, which runs other green threads while the call
 * waits. So a call with a mask applies it only while it tries, and tries often: signals that
 * only the mask lets through are delivered then. */
static int wait_to_try(green_hub *hub, const green_poll_loop *loop, green_waited_fd *fds, size_t count) {
    int64_t next = loop->has_mask ? green__deadline_after(MASKED_INTERVAL) : GREEN_NEVER;
    int64_t end = green__deadline_earlier(loop->deadline, next);
    int ended = green__wait_fds(hub, fds, count, end);
    if (ended == -EBADF || (end != loop->deadline && ended == -ETIMEDOUT))
        return 0; /* the next try decides */
    return ended;
}

static int wait_and_try(green_hub *hub, green_poll_loop *loop, green_waited_fd *fds, size_t count) {
    int error_number = errno;
    for (unsigned spurious = 0;;) {
        int ended = 0;
        /* An event that the call does not report, such as a hang-up during a select() for
         * exceptions only, would wake it again at once. */
        if (spurious > GREEN_SPURIOUS_MAX)
            ended = green__wait_fds_pause(hub, -1, GREEN_SPURIOUS_PAUSE, loop->deadline);
        if (ended == 0)
            ended = wait_to_try(hub, loop, fds, count);
        spurious = ended == 0 && !loop->has_mask ? spurious + 1 : 0;
        int result = loop->attempt(loop);
        if (result == 0 && ended < 0 && ended != -ETIMEDOUT)
            return green__wait_fds_failed(hub, ended, 0);
        if (result >= 0 && (result > 0 || ended < 0))
            errno = error_number;
        if (result != 0 || ended < 0)
            return result;
    }
}

int green__poll_loop_run(green_hub *hub, green_poll_loop *loop) {
    enum { FEW = 8 };
    green_waited_fd few[FEW], *fds = few;
    int result = loop->attempt(loop); /* also refuses too many descriptors */
    if (result != 0) {
        green__let_ready_threads_run(hub);
        return result;
    }
    green__signals_begin(hub, GREEN_SIGNALS_INTERRUPT);
    size_t count = loop->list(loop, NULL);
    if (count > FEW && !(fds = malloc(count * sizeof *fds))) {
        errno = ENOMEM;
        return -1;
    }
    (void)loop->list(loop, fds);
    result = wait_and_try(hub, loop, fds, count);
    if (fds != few)
        free(fds);
    return result;
}

/* poll --------------------------------------------------------------------- */

struct polling {
    green_poll_loop loop;
    struct pollfd *polled;
    nfds_t count;
    const sigset_t *mask;
};

static int attempt_poll(green_poll_loop *loop) {
    struct polling *polling = GREEN_CONTAINER(loop, struct polling, loop);
    if (polling->mask)
        return green__real.ppoll(polling->polled, polling->count, &(struct timespec){0, 0}, polling->mask);
    return green__real.poll(polling->polled, polling->count, 0);
}

static size_t list_polled(const green_poll_loop *loop, green_waited_fd *fds) {
    const struct polling *polling = GREEN_CONTAINER(loop, const struct polling, loop);
    for (nfds_t i = 0; fds && i < polling->count; i++)
        fds[i] = (green_waited_fd){.fd = polling->polled[i].fd, .events = polling->polled[i].events};
    return polling->count;
}

static int poll_until(green_hub *hub, struct pollfd *polled, nfds_t count, int64_t deadline, const sigset_t *mask) {
    struct polling polling = {
        .loop = {.attempt = attempt_poll, .list = list_polled, .deadline = deadline, .has_mask = mask != NULL},
        .polled = polled,
        .count = count,
        .mask = mask,
    };
    return green__poll_loop_run(hub, &polling.loop);
}

int green__green_poll(struct pollfd *polled, nfds_t count, int timeout) {
    green_hub *hub = green__may_park_fairly();
    if (hub && timeout == 0)
        green__let_ready_threads_run(hub);
    if (!hub || timeout == 0)
        return green__real.poll(polled, count, timeout);
    int64_t deadline = green__deadline_after(timeout * GREEN_MILLISECOND);
    return (int)green__cancellation_point_passed(hub, poll_until(hub, polled, count, deadline, NULL));
}

int green__green_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
    green_hub *hub = green__may_park_fairly();
    bool valid;
    int64_t deadline = green__timespec_deadline(timeout, &valid);
    if (!hub || !valid)
        return green__real.ppoll(polled, count, timeout, mask);
    return (int)green__cancellation_point_passed(hub, poll_until(hub, polled, count, deadline, mask));
}

int green__green___poll_chk(struct pollfd *polled, nfds_t count, int timeout, size_t room) {
    return room / sizeof *polled < count ? green__real.__poll_chk(polled, count, timeout, room)
                                         : green__green_poll(polled, count, timeout);
}

int green__green___ppoll_chk(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
                             size_t room) {
    return room / sizeof *polled < count ? green__real.__ppoll_chk(polled, count, timeout, mask, room)
                                         : green__green_ppoll(polled, count, timeout, mask);
}

/* epoll -------------------------------------------------------------------- */

struct epoll_call {
    green_poll_loop loop;
    int fd;
    struct epoll_event *events;
    int count;
    const sigset_t *mask;
};

static int attempt_epoll(green_poll_loop *loop) {
    const struct epoll_call *call = GREEN_CONTAINER(loop, struct epoll_call, loop);
    return green__real.epoll_pwait(call->fd, call->events, call->count, 0, call->mask);
}

static size_t list_epoll(const green_poll_loop *loop, green_waited_fd *fds) {
    if (fds)
        *fds = (green_waited_fd){.fd = GREEN_CONTAINER(loop, const struct epoll_call, loop)->fd, .events = POLLIN};
    return 1;
}

static int epoll_until(green_hub *hub, int fd, struct epoll_event *events, int count, int64_t deadline,
                       const sigset_t *mask) {
    struct epoll_call call = {
        .loop = {.attempt = attempt_epoll, .list = list_epoll, .deadline = deadline, .has_mask = mask != NULL},
        .fd = fd,
        .events = events,
        .count = count,
        .mask = mask,
    };
    return green__poll_loop_run(hub, &call.loop);
}

int green__green_epoll_pwait(int fd, struct epoll_event *events, int count, int timeout, const sigset_t *mask) {
    green_hub *hub = green__may_park_fairly();
    if (hub && timeout == 0)
        green__let_ready_threads_run(hub);
    if (!hub || timeout == 0)
        return green__real.epoll_pwait(fd, events, count, timeout, mask);
    int64_t deadline = green__deadline_after(timeout * GREEN_MILLISECOND);
    return (int)green__cancellation_point_passed(hub, epoll_until(hub, fd, events, count, deadline, mask));
}

int green__green_epoll_pwait2(int fd, struct epoll_event *events, int count, const struct timespec *timeout,
                              const sigset_t *mask) {
    green_hub *hub = green__may_park_fairly();
    bool valid;
    int64_t deadline = green__timespec_deadline(timeout, &valid);
    if (!hub)
        return green__real.epoll_pwait2(fd, events, count, timeout, mask);
    if (!valid) {
        errno = EINVAL;
        return -1;
    }
    return (int)green__cancellation_point_passed(hub, epoll_until(hub, fd, events, count, deadline, mask));
}

int green__green_epoll_wait(int fd, struct epoll_event *events, int count, int timeout) {
    return green__green_epoll_pwait(fd, events, count, timeout, NULL);
}
