#include "eventfd.h"

#include "../base/descriptor.h"
#include "../core/exit_observer.h"

#include <sys/eventfd.h>

enum { KEPT_MAX = 8 };

struct kept {
    const green_hub *hub;
    int fds[KEPT_MAX];
    int count;
    green_exit_observer exit_observer; /* of the hub */
};

/* Not initial-exec, because a library that is loaded late gets little room for that. */
static _Thread_local struct kept kept;

static void hub_ends(green_exit_observer *exit_observer, green_thread *thread) {
    (void)exit_observer, (void)thread;
    while (kept.count > 0)
        close(kept.fds[--kept.count]);
    kept.hub = NULL;
}

/* A forked child must not use its copies, because its parent's workers write to the same
 * eventfds. The child's hub is another one, so it starts without any. */
static struct kept *kept_by(green_hub *hub) {
    if (GREEN_UNLIKELY(kept.hub != hub)) {
        kept = (struct kept){.hub = hub, .exit_observer.exited = hub_ends};
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
    if (mine->count == KEPT_MAX)
        return false;
    mine->fds[mine->count++] = fd;
    return true;
}
