/* Exit statuses of processes, including processes whose handle was freed. */
#include "../base/descriptor.h"
#include "../base/libc.h"
#include "process.h"

#include "../base/os_thread.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3 /* Linux 5.4 */
#endif

int green__process_collect(int pidfd, green_process_end *end) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
        return -errno;
    if (info.si_pid == 0)
        return 0;
    bool exited = info.si_code == CLD_EXITED;
    *end = (green_process_end){.code = exited ? info.si_status : -1, .signal = exited ? 0 : info.si_status};
    return 1;
}

int green__process_send_signal(int pidfd, int number) {
    return green__libc.syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) < 0 ? -errno : 0;
}

/* A forked child has neither the OS thread nor these processes. */
static void forked(green_lock *lock);

/* Processes without a handle, in an epoll, and the OS thread that waits for it. The OS
 * thread exists while there are any. */
static struct {
    green_lock lock;
    int epoll;
    size_t count;
} orphans = {.lock = GREEN_LOCK_INITIALIZER(forked), .epoll = -1};

static void forked(green_lock *lock) {
    (void)lock;
    if (orphans.epoll >= 0)
        close(orphans.epoll);
    orphans.epoll = -1;
    orphans.count = 0;
}

static void *wait_for_orphans(void *unused) {
    bool is_last = false;
    green__os_thread_set_name("green-reaper");
    green__os_thread_rest_begin();
    while (!is_last) {
        struct epoll_event event;
        green_process_end end;
        if (epoll_wait(orphans.epoll, &event, 1, -1) <= 0 || green__process_collect(event.data.fd, &end) == 0)
            continue;
        green__lock(&orphans.lock);
        epoll_ctl(orphans.epoll, EPOLL_CTL_DEL, event.data.fd, NULL);
        close(event.data.fd);
        is_last = --orphans.count == 0;
        if (is_last) {
            close(orphans.epoll);
            orphans.epoll = -1;
        }
        green__unlock(&orphans.lock);
    }
    green__os_thread_rest_end();
    return unused;
}

/* The caller holds the lock. */
static int begin(void) {
    orphans.epoll = green__above_stdio(epoll_create1(EPOLL_CLOEXEC));
    if (orphans.epoll < 0)
        return -errno;
    int error = green__os_thread_start(NULL, 0, wait_for_orphans, NULL);
    if (error < 0) {
        close(orphans.epoll);
        orphans.epoll = -1;
    }
    return error;
}

void green__process_reap(int pidfd) {
    green_process_end end;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = pidfd};
    if (green__process_collect(pidfd, &end) != 0) {
        close(pidfd);
        return;
    }
    int error = green__lock_register(&orphans.lock);
    green__lock(&orphans.lock);
    if (error == 0 && orphans.count == 0)
        error = begin();
    if (error == 0 && epoll_ctl(orphans.epoll, EPOLL_CTL_ADD, pidfd, &event) < 0)
        error = -errno;
    if (error == 0)
        orphans.count++;
    green__unlock(&orphans.lock);
    if (error < 0) {
        green__report("cannot collect the exit status of a process, which becomes a zombie: %s",
                      green__error_text(error));
        close(pidfd);
    }
}
