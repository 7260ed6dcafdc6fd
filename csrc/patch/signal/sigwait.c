/* sigwait() and similar calls, pause() and sigsuspend(). */
#include "../../base/own_fd.h"
#include "../../core/virtual_clock.h"
#include "../clock.h"
#include "../signal_wait.h"
#include "../wait_fds.h"

#include <sys/signalfd.h>

static const int64_t MASKED_INTERVAL = 10 * 1000 * 1000;

/* Without a descriptor, polls at growing intervals. */
static int wait_for_signal(green_hub *hub, int fd, int64_t deadline, int64_t *interval) {
    if (fd >= 0)
        return green__wait_fds_one(hub, fd, POLLIN, deadline);
    return green__wait_fds_poll(hub, -1, interval, deadline);
}

/* Waits for a signal of the set by a descriptor, if there is one left, which the hub can wait for. Returns the number
 * of the signal, or -errno. */
static int wait_parking(green_hub *hub, const sigset_t *set, siginfo_t *info, int64_t deadline) {
    int fd = green__own_fd(signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK));
    int64_t interval = GREEN_POLL_FIRST;
    int number, ended = 0;
    green__signals_begin(hub, GREEN_SIGNALS_INTERRUPT);
    while ((number = green__real.sigtimedwait(set, info, &(struct timespec){0, 0})) < 0 && errno == EAGAIN &&
           ended == 0) {
        green__outside_work_begin(hub);
        ended = wait_for_signal(hub, fd, deadline, &interval);
        green__outside_work_end(hub);
    }
    if (number < 0 && errno == EAGAIN)
        (void)green__wait_fds_failed(hub, ended, EAGAIN);
    int error = errno;
    if (fd >= 0)
        green__own_fd_close(fd);
    return number < 0 ? -error : number;
}

static int wait_for(green_hub *hub, const sigset_t *set, siginfo_t *info, int64_t deadline) {
    int error_number = errno;
    int number = wait_parking(hub, set, info, deadline);
    errno = number < 0 ? -number : error_number;
    return (int)green__cancellation_point_passed(hub, number < 0 ? -1 : number);
}

int green__green_sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                              const struct timespec *restrict timeout) {
    green_hub *hub = green__may_park_here();
    if (!hub || !green__timespec_is_duration(timeout))
        return green__real.sigtimedwait(set, info, timeout);
    return wait_for(hub, set, info, green__deadline_after(green__timespec_nanoseconds(timeout)));
}

int green__green_sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info) {
    green_hub *hub = green__may_park_here();
    return hub ? wait_for(hub, set, info, GREEN_NEVER) : green__real.sigwaitinfo(set, info);
}

/* Returns its error. Handlers do not end it. */
int green__green_sigwait(const sigset_t *restrict set, int *restrict number) {
    green_hub *hub = green__may_park_here();
    if (!hub)
        return green__real.sigwait(set, number);
    int error_number = errno, result;
    do
        result = wait_parking(hub, set, NULL, GREEN_NEVER);
    while (result == -EINTR);
    if (result < 0) {
        errno = -result;
        (void)green__cancellation_point_passed(hub, -1);
    }
    errno = error_number;
    if (result < 0)
        return -result;
    *number = result;
    return 0;
}

/* Handlers ------------------------------------------------------------------ */

/* Parks until a handler has run, which no green thread can cause: it is not a deadlock. */
static int park_for_handler(green_hub *hub, int64_t deadline) {
    hub->io_waiters++;
    green__outside_work_begin(hub);
    int ended = green__wait_fds(hub, NULL, 0, deadline);
    green__outside_work_end(hub);
    hub->io_waiters--;
    return ended;
}

int green__green_pause(void) {
    green_hub *hub = green__may_park_here();
    if (!hub)
        return green__real.pause();
    green__signals_begin(hub, GREEN_SIGNALS_INTERRUPT);
    return green__wait_fds_end_failed(hub, park_for_handler(hub, GREEN_NEVER), 0);
}

/* A signal mask applies to the OS thread, which runs other green threads while the call waits.
 * So it is set for a moment, again and again. */
int green__green_sigsuspend(const sigset_t *mask) {
    green_hub *hub = green__may_park_here();
    if (!hub)
        return green__real.sigsuspend(mask);
    green__signals_begin(hub, GREEN_SIGNALS_INTERRUPT);
    for (int ended;;) {
        sigset_t former;
        green__real.pthread_sigmask(SIG_SETMASK, mask, &former);
        green__real.pthread_sigmask(SIG_SETMASK, &former, NULL);
        ended = park_for_handler(hub, green__deadline_after(MASKED_INTERVAL));
        if (ended != -ETIMEDOUT)
            return green__wait_fds_end_failed(hub, ended, 0);
    }
}

int green__green___xpg_sigpause(int number) {
    sigset_t mask;
    int error = green__green_pthread_sigmask(SIG_BLOCK, NULL, &mask);
    if (error != 0 || sigdelset(&mask, number) < 0)
        return green__real.__xpg_sigpause(number);
    return green__green_sigsuspend(&mask);
}
