#include "eventfd.h"
#include "../base/descriptor.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ASIDE = 256, KEPT = 8 };

/* Those that are not in use, and which hub's they are. */
struct kept {
    const green_hub *hub;
    int fds[KEPT];
    int count;
    green_exit_observer exit_observer; /* the hub's */
};

/* Not initial-exec: there may be little room. */
static _Thread_local struct kept kept;

static int number_aside(void) {
    struct rlimit limit = {0};
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2 * ASIDE ? (int)limit.rlim_cur / 2 : ASIDE;
}

int green__move_fd_high(int fd) {
    int aside = fcntl(fd, F_DUPFD_CLOEXEC, number_aside());
    if (aside < 0)
        return green__above_stdio(fd);
    close(fd);
    return aside;
}

static void hub_ends(green_exit_observer *exit_observer, green_thread *thread) {
    (void)exit_observer, (void)thread;
    while (kept.count > 0)
        close(kept.fds[--kept.count]);
    kept.hub = NULL;
}

/* A forked child's copies are its parent's, who still writes to them: it makes its
 * own. */
static struct kept *kept_by(green_hub *hub) {
    if (GREEN_UNLIKELY(kept.hub != hub)) {
        kept = (struct kept){.hub = hub, .exit_observer.ended = hub_ends};
        green__exit_observer_add(&hub->root, &kept.exit_observer);
    }
    return &kept;
}

int green__eventfd_take(green_hub *hub) {
    struct kept *mine = kept_by(hub);
    if (mine->count > 0)
        return mine->fds[--mine->count];
    int fd = eventfd(0, EFD_CLOEXEC);
    return fd < 0 ? -errno : green__move_fd_high(fd);
}

bool green__eventfd_put(green_hub *hub, int fd) {
    struct kept *mine = kept_by(hub);
    if (mine->count == KEPT)
        return false;
    mine->fds[mine->count++] = fd;
    return true;
}
