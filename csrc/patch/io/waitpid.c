/* wait(), waitpid(), wait3(), wait4() and waitid(). */
#include "../../base/descriptor.h"
#include "../../base/own_fd.h"
#include "../../core/virtual_clock.h"
#include "../clock.h"
#include "../signal_wait.h"
#include "../wait_fds.h"
#include "descriptor.h"

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
    return green__wait_fds_poll(hub, -1, interval, GREEN_NEVER);
}

static pid_t wait_parking(green_hub *hub, pid_t pid, int *status, int options, struct rusage *usage) {
    int error_number = errno, child = -1, ended = 0;
    int64_t interval = GREEN_POLL_FIRST;
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

pid_t green__green_wait3(int *status, int options, struct rusage *usage) {
    green_hub *hub = options & WNOHANG ? NULL : green__may_park();
    if (!hub)
        return green__real.wait3(status, options, usage);
    return (pid_t)green__cancellation_point_passed(hub, wait_parking(hub, -1, status, options, usage));
}

/* waitid() ----------------------------------------------------------------- */

/* What to wait for, by a descriptor: a new one, which *opened holds, or the caller's. */
static int open_child_of(idtype_t type, id_t id, int options, int *opened) {
    if (options & (WSTOPPED | WCONTINUED))
        return -1;
    if (type == P_PIDFD)
        return (int)id;
    return *opened = type == P_PID ? open_child((pid_t)id, 0) : -1;
}

/* Without a child in that state, the kernel returns 0 and a process id of 0. */
static int waitid_parking(green_hub *hub, idtype_t type, id_t id, siginfo_t *info, int options) {
    int error_number = errno, child = -1, opened = -1, ended = 0;
    int64_t interval = GREEN_POLL_FIRST;
    green__signals_begin(hub, GREEN_SIGNALS_RESTART);
    int result = green__real.waitid(type, id, info, options | WNOHANG);
    if (result == 0 && info->si_pid == 0)
        child = open_child_of(type, id, options, &opened);
    while (result == 0 && info->si_pid == 0) {
        green__outside_work_begin(hub);
        ended = wait_for_child(hub, child, &interval);
        green__outside_work_end(hub);
        result = green__real.waitid(type, id, info, options | WNOHANG);
        if (ended < 0 && result == 0 && info->si_pid == 0)
            result = green__wait_fds_failed(hub, ended, 0);
    }
    if (opened >= 0)
        green__own_fd_close(opened);
    if (result == 0)
        errno = error_number;
    return result;
}

int green__green_waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
    green_hub *hub = options & WNOHANG ? NULL : green__may_park();
    if (!hub || (type == P_PIDFD && !green__fd_is_blocking((int)id)))
        return green__real.waitid(type, id, info, options);
    siginfo_t found = {0};
    int result = waitid_parking(hub, type, id, &found, options);
    if (result == 0 && info)
        *info = found;
    return (int)green__cancellation_point_passed(hub, result);
}
