/* wait(), waitpid() and wait4(). */
#include "../../base/descriptor.h"
#include "../../base/own_fd.h"
#include "../../core/virtual_clock.h"
#include "../clock.h"
#include "../signal_wait.h"
#include "../wait_fds.h"

static const int64_t INTERVAL_FIRST = 1000 * 1000, INTERVAL_MAX = 50 * 1000 * 1000;

/* A pidfd of the child, or -1 if a pidfd cannot be waited for: the call is for any of several
 * children, or also for a child that stops or continues. */
static int open_child(pid_t pid, int options) {
    if (pid <= 0 || (options & (WUNTRACED | WCONTINUED)))
        return -1;
    int fd = green__open_pidfd(pid);
    return fd < 0 ? fd : green__own_fd(fd);
}

/* Without a pidfd, polls at growing intervals. */
static int wait_for_child(green_hub *hub, int child, int64_t *interval) {
    if (child >= 0)
        return green__wait_fds_one(hub, child, POLLIN, GREEN_NEVER);
    int ended = green__wait_fds(hub, NULL, 0, green__deadline_after(*interval));
    *interval = green__next_poll_interval(*interval, INTERVAL_MAX);
    return ended == -ETIMEDOUT ? 0 : ended;
}

static pid_t wait_parking(green_hub *hub, pid_t pid, int *status, int options, struct rusage *usage) {
    int error_number = errno, child = -1, ended = 0;
    int64_t interval = INTERVAL_FIRST;
    green__signals_begin(hub, GREEN_SIGNALS_RESTART);
    pid_t found = green__real.wait4(pid, status, options | WNOHANG, usage);
    if (found == 0)
        child = open_child(pid, options);
    while (found == 0) {
        green__outside_work_begin(hub);
        ended = wait_for_child(hub, child, &interval);
        green__outside_work_end(hub);
        found = green__real.wait4(pid, status, options | WNOHANG, usage);
        if (ended < 0 && found == 0)
            found = green__wait_fds_failed(hub, ended, 0);
    }
    if (child >= 0)
        green__own_fd_close(child);
    if (found > 0)
        errno = error_number;
    return found;
}

pid_t green__green_wait4(pid_t pid, int *status, int options, struct rusage *usage) {
    green_hub *hub = options & WNOHANG ? NULL : green__may_park();
    if (!hub)
        return green__real.wait4(pid, status, options, usage);
    return (pid_t)green__cancellation_point_passed(hub, wait_parking(hub, pid, status, options, usage));
}

pid_t green__green_waitpid(pid_t pid, int *status, int options) {
    green_hub *hub = options & WNOHANG ? NULL : green__may_park();
    if (!hub)
        return green__real.waitpid(pid, status, options);
    return (pid_t)green__cancellation_point_passed(hub, wait_parking(hub, pid, status, options, NULL));
}

pid_t green__green_wait(int *status) {
    green_hub *hub = green__may_park();
    if (!hub)
        return green__real.wait(status);
    return (pid_t)green__cancellation_point_passed(hub, wait_parking(hub, -1, status, 0, NULL));
}
