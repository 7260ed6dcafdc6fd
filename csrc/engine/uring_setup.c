/* Makes a ring with the features that the kernel supports, or explains why there is none. */
#include "uring.h"

#include "../base/descriptor.h"
#include "../base/feature.h"
#include "../base/kernel_order.h"
#include "../base/own_fd.h"

#include <stdlib.h>
#include <string.h>

enum { COMPLETIONS_PER_ENTRY = 8, COMPLETIONS_MAX = 65536 };

/* The value of kernel.io_uring_disabled (Linux 6.6), or 0. */
static unsigned long sysctl_disabled(void) {
    return green__read_number("/proc/sys/kernel/io_uring_disabled", 0);
}

int green__uring_explain(int error, const char *what) {
    switch (error) {
    case -EPERM:
        if (sysctl_disabled())
            return green__fail(error,
                               "io_uring is disabled on this system: sysctl kernel.io_uring_disabled is %lu; an "
                               "administrator can set it to 0",
                               sysctl_disabled());
        return green__fail(error, "io_uring is forbidden for this process, most likely by the default seccomp "
                                  "filter of a container runtime: allow io_uring_setup, io_uring_enter and "
                                  "io_uring_register in its profile");
    case -ENOSYS:
        return green__fail(error, "this kernel has no io_uring, or a seccomp filter hides it");
    case -ENOMEM:
        return green__fail(error,
                           "out of memory for an io_uring ring: raise the memlock limit (ulimit -l), which counts "
                           "the rings of all processes of a user before Linux 5.12 and since 6.14, or the "
                           "memory limit of the container");
    case -EMFILE:
    case -ENFILE:
        return green__fail(error, "no descriptor is left for an io_uring ring: raise the limit (ulimit -n)");
    default:
        return green__fail(error, "%s", what);
    }
}

/* When the kernel does the work of a completion. The best first: only when the hub asks for
 * completions (DEFER_TASKRUN), when it enters the kernel (COOP_TASKRUN), or at any time.
 * TASKRUN_FLAG shows that such work is pending. */
static const unsigned modes[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    0,
};

static unsigned disabled_flags(void) {
    static const struct {
        unsigned flag;
        green_feature feature;
    } known[] = {
        {IORING_SETUP_COOP_TASKRUN, GREEN_FEATURE_COOP_TASKRUN},
        {IORING_SETUP_DEFER_TASKRUN, GREEN_FEATURE_DEFER_TASKRUN},
        {IORING_SETUP_SINGLE_ISSUER, GREEN_FEATURE_SINGLE_ISSUER},
        {IORING_SETUP_SUBMIT_ALL, GREEN_FEATURE_SUBMIT_ALL},
        {IORING_SETUP_TASKRUN_FLAG, GREEN_FEATURE_TASKRUN_FLAG},
    };
    unsigned flags = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        flags |= green__feature_is_disabled(known[i].feature) ? known[i].flag : 0;
    return flags;
}

/* Tries each mode with SUBMIT_ALL, so that an invalid entry does not delay the others, and
 * without. EINVAL may mean that the kernel does not know one of the flags. */
static int init(struct io_uring *ring, unsigned entries) {
    unsigned disabled = disabled_flags(), completions = entries * COMPLETIONS_PER_ENTRY;
    int error = -EINVAL;
    for (size_t i = 0; error == -EINVAL && i < 2 * sizeof modes / sizeof *modes; i++) {
        unsigned flags = modes[i / 2] | (i % 2 == 0 ? IORING_SETUP_SUBMIT_ALL : 0);
        struct io_uring_params params = {
            .flags = flags | IORING_SETUP_CQSIZE,
            .cq_entries = completions < COMPLETIONS_MAX ? completions : COMPLETIONS_MAX,
        };
        if (!(flags & disabled))
            error = io_uring_queue_init_params(entries, ring, &params);
    }
    return error < 0 ? green__uring_explain(error, "cannot make an io_uring ring") : 0;
}

/* Operations that Green needs. SEND_ZC is not used, but was added by Linux 6.0. Polls and
 * cancels behave as needed since then, which a probe does not show. */
static const int needed[] = {
    IORING_OP_ASYNC_CANCEL, IORING_OP_CONNECT, IORING_OP_FSYNC, IORING_OP_MKDIRAT,  IORING_OP_OPENAT,
    IORING_OP_POLL_ADD,     IORING_OP_READ,    IORING_OP_RECV,  IORING_OP_RENAMEAT, IORING_OP_SEND,
    IORING_OP_SENDMSG,      IORING_OP_SEND_ZC, IORING_OP_STATX, IORING_OP_UNLINKAT, IORING_OP_WRITE,
};

static bool is_complete(const struct io_uring *ring, const struct io_uring_probe *probe) {
    bool complete = (ring->features & IORING_FEAT_EXT_ARG) && (ring->features & IORING_FEAT_NODROP);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        complete = complete && io_uring_opcode_supported(probe, needed[i]);
    return complete;
}

static int check_features(green_uring *uring) {
    enum { OPERATIONS = 256 };
    struct io_uring_probe *probe = calloc(1, sizeof *probe + OPERATIONS * sizeof *probe->ops);
    if (!probe)
        return green__fail(-ENOMEM, "cannot make a hub");
    int error = io_uring_register_probe(&uring->ring, probe, OPERATIONS);
    if (error < 0)
        green__uring_explain(error, "cannot probe the operations of io_uring");
    else if (!is_complete(&uring->ring, probe))
        error = green__fail(-ENOSYS, "this kernel's io_uring is too old: Green needs Linux 6.0");
    else
        green__uring_files_probe(uring, probe);
    free(probe);
    return error;
}

/* On failure the descriptor is closed, and io_uring_queue_exit() unmaps the rest. */
static int own_ring(struct io_uring *ring) {
    ring->ring_fd = ring->enter_ring_fd = green__own_fd(ring->ring_fd);
    return ring->ring_fd < 0 ? green__uring_explain(ring->ring_fd, "cannot move the descriptor of an io_uring ring")
                             : 0;
}

/* Without this flag, system statistics count a hub that waits in a ring as iowait, although
 * it is idle. */
enum { FEATURE_NO_IOWAIT = 1 << 17, ENTER_NO_IOWAIT = 1 << 7 }; /* Linux 6.15 */

static void choose_flags(green_uring *uring) {
    uring->enter_flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    if (uring->ring.features & FEATURE_NO_IOWAIT && !green__feature_is_disabled(GREEN_FEATURE_NO_IOWAIT))
        uring->enter_flags |= ENTER_NO_IOWAIT;
    if (!green__feature_is_disabled(GREEN_FEATURE_POLL_FIRST))
        uring->poll_first = IORING_RECVSEND_POLL_FIRST;
    if (!green__feature_is_disabled(GREEN_FEATURE_SOCK_NONEMPTY))
        uring->sock_nonempty = IORING_CQE_F_SOCK_NONEMPTY;
}

/* The memory of a ring may be that of one that another OS thread has closed. liburing unmaps it by
 * a system call of its own, which ThreadSanitizer does not see. */
static const char ring_memory;

void green__uring_close_ring(struct io_uring *ring) {
    green__kernel_order_before(&ring_memory);
    green__own_fd_forget(ring->ring_fd);
    io_uring_queue_exit(ring);
}

int green__uring_setup(green_uring *uring, unsigned entries) {
    struct io_uring *ring = &uring->ring;
    int error = init(ring, entries);
    if (error < 0)
        return error;
    green__kernel_order_after(&ring_memory);
    error = own_ring(ring);
    if (error < 0)
        goto failed;
    /* A forked child would share the ring's memory and corrupt it. */
    io_uring_ring_dontfork(ring);
    choose_flags(uring);
    error = check_features(uring);
    if (error < 0)
        goto failed;
    return 0;

failed:
    green__uring_close_ring(ring);
    return error;
}

static int enter(const green_uring *uring) {
    struct io_uring_getevents_arg argument = {0};
    return io_uring_enter2((unsigned)uring->ring.enter_ring_fd, 0, 0, uring->enter_flags, (sigset_t *)&argument,
                           sizeof argument);
}

/* A seccomp filter may allow a ring to be made but not to be used, and a kernel may refuse some
 * flags. A registered ring saves a descriptor lookup in each call. */
int green__uring_try_enter(green_uring *uring) {
    struct io_uring *ring = &uring->ring;
    if (!green__feature_is_disabled(GREEN_FEATURE_REGISTERED_RING) && io_uring_register_ring_fd(ring) == 1)
        uring->enter_flags |= IORING_ENTER_REGISTERED_RING;
    int error = enter(uring);
    if (error == -EINVAL && uring->enter_flags & ENTER_NO_IOWAIT) {
        uring->enter_flags &= ~(unsigned)ENTER_NO_IOWAIT;
        error = enter(uring);
    }
    if (error == -EINVAL && uring->enter_flags & IORING_ENTER_REGISTERED_RING) {
        uring->enter_flags &= ~IORING_ENTER_REGISTERED_RING;
        io_uring_unregister_ring_fd(ring);
        error = enter(uring);
    }
    return error >= 0 || green__uring_is_transient(error) ? 0
                                                          : green__uring_explain(error, "cannot use an io_uring ring");
}
