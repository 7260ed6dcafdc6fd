/* poll, epoll_wait and their like. */
#include "poll.h"

#include <stdlib.h>

static const int64_t MASKED_LOOK = 10 * 1000 * 1000;

/* The signal mask of a call is that of the OS thread, and others run on it while
 * the call waits. So the mask holds while it looks, which it then does often:
 * signals that only the mask lets through come in then. */
static int wait_to_look(green_hub *hub, const green_poll_loop *look) {
    int64_t deadline = look->deadline;
    int64_t next = look->masked ? green__deadline_after(MASKED_LOOK) : GREEN_NEVER;
    bool early = next >= 0 && (deadline < 0 || next < deadline);
    int ended = green__wait_fds(hub, look->watches, look->count, early ? next : deadline);
    if (ended == -EBADF || (early && ended == -ETIMEDOUT))
        return 0; /* the next look says more */
    return ended;
}

int green__poll_loop_run(green_hub *hub, green_poll_loop *look) {
    int error_number = errno;
    unsigned mistaken = 0;
    for (int ended = 0;;) {
        int result = look->look(look);
        if (result > 0)
            errno = error_number;
        if (result != 0)
            return result;
        if (ended < 0 && ended != -ETIMEDOUT)
            return green__wait_fds_failed(hub, ended, 0);
        if (ended < 0) {
            errno = error_number;
            return 0;
        }
        /* An event that is none to the call, such as a hang-up to select() that asks
         * for exceptions, would come again at once. */
        if (mistaken > GREEN_SPURIOUS_MAX)
            ended = green__wait_fds_pause(hub, -1, GREEN_SPURIOUS_PAUSE, look->deadline);
        if (ended == 0)
            ended = wait_to_look(hub, look);
        mistaken = ended == 0 && !look->masked ? mistaken + 1 : 0;
    }
}

green_waited_fd *green__wait_fds_allocate(green_waited_fd *few, size_t count) {
    return count <= GREEN_WAITED_FDS_FEW ? few : malloc(count * sizeof *few);
}

int64_t green__timespec_deadline(const struct timespec *timeout, bool *valid) {
    *valid = true;
    if (!timeout)
        return GREEN_NEVER;
    *valid = timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 && timeout->tv_nsec < GREEN_SECOND;
    if (timeout->tv_sec >= INT64_MAX / GREEN_SECOND)
        return GREEN_NEVER;
    return *valid ? green__deadline_after(timeout->tv_sec * GREEN_SECOND + timeout->tv_nsec) : 0;
}

/* poll ------------------------------------------------------------------------ */

struct polling {
    green_poll_loop look;
    struct pollfd *polled;
    nfds_t count;
    const sigset_t *mask;
};

static int look_at_polled(green_poll_loop *look) {
    struct polling *polling = GREEN_CONTAINER(look, struct polling, look);
    if (polling->mask)
        return green__real.ppoll(polling->polled, polling->count, &(struct timespec){0, 0}, polling->mask);
    return green__real.poll(polling->polled, polling->count, 0);
}

static int poll_parking(green_hub *hub, struct polling *polling) {
    int result = look_at_polled(&polling->look); /* which also knows whether there are too many */
    if (result != 0)
        return result;
    green_waited_fd few[GREEN_WAITED_FDS_FEW], *watches = green__wait_fds_allocate(few, polling->count);
    if (!watches) {
        errno = ENOMEM;
        return -1;
    }
    for (nfds_t i = 0; i < polling->count; i++)
        watches[i] = (green_waited_fd){.fd = polling->polled[i].fd, .events = polling->polled[i].events};
    polling->look.look = look_at_polled;
    polling->look.watches = watches;
    polling->look.count = polling->count;
    polling->look.masked = polling->mask != NULL;
    result = green__poll_loop_run(hub, &polling->look);
    if (watches != few)
        free(watches);
    return result;
}

int green__green_poll(struct pollfd *polled, nfds_t count, int timeout) {
    green_hub *hub = timeout != 0 ? green__may_park() : NULL;
    if (!hub)
        return green__real.poll(polled, count, timeout);
    struct polling polling = {
        .look.deadline = green__deadline_after(timeout * GREEN_MILLISECOND), .polled = polled, .count = count};
    return poll_parking(hub, &polling);
}

int green__green_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
    green_hub *hub = green__may_park();
    bool valid;
    int64_t deadline = green__timespec_deadline(timeout, &valid);
    if (!hub || !valid)
        return green__real.ppoll(polled, count, timeout, mask);
    struct polling polling = {.look.deadline = deadline, .polled = polled, .count = count, .mask = mask};
    return poll_parking(hub, &polling);
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

/* epoll ----------------------------------------------------------------------- */

struct gathering {
    green_poll_loop look;
    int fd;
    struct epoll_event *events;
    int count;
    const sigset_t *mask;
};

static int look_at_epoll(green_poll_loop *look) {
    const struct gathering *gathering = GREEN_CONTAINER(look, struct gathering, look);
    return green__real.epoll_pwait(gathering->fd, gathering->events, gathering->count, 0, gathering->mask);
}

int green__green_epoll_pwait(int fd, struct epoll_event *events, int count, int timeout, const sigset_t *mask) {
    green_hub *hub = timeout != 0 ? green__may_park() : NULL;
    if (!hub)
        return green__real.epoll_pwait(fd, events, count, timeout, mask);
    green_waited_fd watch = {.fd = fd, .events = POLLIN};
    struct gathering gathering = {
        .look = {.look = look_at_epoll,
                 .watches = &watch,
                 .count = 1,
                 .deadline = green__deadline_after(timeout * GREEN_MILLISECOND),
                 .masked = mask != NULL},
        .fd = fd,
        .events = events,
        .count = count,
        .mask = mask,
    };
    return green__poll_loop_run(hub, &gathering.look);
}

int green__green_epoll_wait(int fd, struct epoll_event *events, int count, int timeout) {
    if (timeout == 0 || !green__may_park())
        return green__real.epoll_wait(fd, events, count, timeout);
    return green__green_epoll_pwait(fd, events, count, timeout, NULL);
}
