#include "eventfd.h"
#include "../base/descriptor.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HIGH_FD = 256, KEPT_MAX = 8 };

/* Those that are not in use, and which hub's they are. */
struct eventfds {
    const green_hub *hub;
    int fds[KEPT_MAX];
    int count;
    green_exit_observer exit_observer; /* the hub's */
};

/* Not initial-exec: there may be little room. */
static _Thread_local struct eventfds unused;

static int high_number(void) {
    struct rlimit limit = {0};
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2 * HIGH_FD ? (int)limit.rlim_cur / 2 : HIGH_FD;
}

int green__move_fd_high(int fd) {
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, high_number());
    if (moved < 0)
        return green__above_stdio(fd);
    close(fd);
    return moved;
}

static void hub_ends(green_exit_observer *exit_observer, green_thread *thread) {
    (void)exit_observer, (void)thread;
    while (unused.count > 0)
        close(unused.fds[--unused.count]);
    unused.hub = NULL;
}

/* A forked child's copies are its parent's, who still writes to them: it makes its
 * own. */
static struct eventfds *eventfds_of(green_hub *hub) {
    if (GREEN_UNLIKELY(unused.hub != hub)) {
        unused = (struct eventfds){.hub = hub, .exit_observer.ended = hub_ends};
        green__exit_observer_add(&hub->root, &unused.exit_observer);
    }
    return &unused;
}

int green__eventfd_take(green_hub *hub) {
    struct eventfds *mine = eventfds_of(hub);
    if (mine->count > 0)
        return mine->fds[--mine->count];
    int fd = eventfd(0, EFD_CLOEXEC);
    return fd < 0 ? -errno : green__move_fd_high(fd);
}

bool green__eventfd_put(green_hub *hub, int fd) {
    struct eventfds *mine = eventfds_of(hub);
    if (mine->count == KEPT_MAX)
        return false;
    mine->fds[mine->count++] = fd;
    return true;
}
