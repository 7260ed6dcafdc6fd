/* Making a ring, with what the kernel has of the wished-for, or saying why not. */
#include "uring.h"

#include "../base/descriptor.h"
#include "../base/feature.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLETIONS_PER_ENTRY = 8 };

/* The value of kernel.io_uring_disabled (Linux 6.6), or 0. */
static int sysctl_disabled(void) {
    int value = 0;
    FILE *file = green__open_stream("/proc/sys/kernel/io_uring_disabled");
    if (file) {
        if (fscanf(file, "%d", &value) != 1)
            value = 0;
        fclose(file);
    }
    return value;
}

static int explain_refusal(int error) {
    switch (error) {
    case -EPERM:
        if (sysctl_disabled())
            return green__fail(error,
                               "io_uring is switched off on this system: sysctl kernel.io_uring_disabled is %d; an "
                               "administrator can set it to 0",
                               sysctl_disabled());
        return green__fail(error, "io_uring is forbidden for this process, most likely by a seccomp filter, as "
                                  "container runtimes install by default: allow io_uring_setup, io_uring_enter and "
                                  "io_uring_register in its profile");
    case -ENOSYS:
        return green__fail(error, "this kernel has no io_uring, or a seccomp filter hides it");
    case -ENOMEM:
        return green__fail(error, "no memory for an io_uring ring: raise the memlock limit (ulimit -l), which counts "
                                  "the rings of all processes of a user before Linux 5.12 and since 6.14, or the "
                                  "memory limit of the container");
    case -EMFILE:
    case -ENFILE:
        return green__fail(error, "no descriptor is left for an io_uring ring: raise the limit (ulimit -n)");
    default:
        return green__fail(error, "making an io_uring ring");
    }
}

/* Completions are made only when the hub asks (DEFER_TASKRUN, 6.1), or at least
 * only when it enters the kernel (COOP_TASKRUN, 5.19); TASKRUN_FLAG shows that
 * there is something to ask for. SUBMIT_ALL: one bad entry does not hold the
 * others up. */
static const unsigned wishes[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    0,
};

static bool is_disabled(unsigned flags) {
    return (flags & IORING_SETUP_DEFER_TASKRUN && green__feature_is_disabled(GREEN_FEATURE_DEFER_TASKRUN)) ||
           (flags & IORING_SETUP_COOP_TASKRUN && green__feature_is_disabled(GREEN_FEATURE_COOP_TASKRUN));
}

/* Operations that Green cannot do without. SEND_ZC is not used: it came with
 * Linux 6.0, as multishot receive did, which no probe shows. */
static const int needed[] = {
    IORING_OP_ASYNC_CANCEL, IORING_OP_CONNECT, IORING_OP_FSYNC, IORING_OP_MKDIRAT,  IORING_OP_OPENAT,
    IORING_OP_POLL_ADD,     IORING_OP_READ,    IORING_OP_RECV,  IORING_OP_RENAMEAT, IORING_OP_SEND,
    IORING_OP_SENDMSG,      IORING_OP_SEND_ZC, IORING_OP_STATX, IORING_OP_UNLINKAT, IORING_OP_WRITE,
};

static int check_features(green_uring *uring) {
    struct io_uring *ring = &uring->ring;
    bool complete = (ring->features & IORING_FEAT_EXT_ARG) && (ring->features & IORING_FEAT_NODROP);
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    if (!probe)
        return green__fail(-ENOMEM, "asking what io_uring can do");
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        complete = complete && io_uring_opcode_supported(probe, needed[i]);
    green__uring_ask_of_files(uring, probe);
    io_uring_free_probe(probe);
    return complete ? 0 : green__fail(-ENOSYS, "this kernel's io_uring is too old: Green needs Linux 6.0");
}

static int move_above_stdio(struct io_uring *ring) {
    if (ring->ring_fd < 0 || ring->ring_fd > STDERR_FILENO)
        return 0;
    int fd = fcntl(ring->ring_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0)
        return explain_refusal(-errno);
    close(ring->ring_fd);
    ring->ring_fd = ring->enter_ring_fd = fd;
    return 0;
}

/* Without this flag, the system's statistics count a hub that waits in a ring as iowait,
 * although it is idle. */
enum { FEATURE_NO_IOWAIT = 1 << 17, ENTER_NO_IOWAIT = 1 << 7 }; /* Linux 6.15 */

static unsigned enter_flags(const struct io_uring *ring) {
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    if (ring->features & FEATURE_NO_IOWAIT && !green__feature_is_disabled(GREEN_FEATURE_NO_IOWAIT))
        flags |= ENTER_NO_IOWAIT;
    return flags;
}

int green__ring_make(green_uring *uring, unsigned entries) {
    struct io_uring *ring = &uring->ring;
    int error = -EINVAL;
    for (size_t i = 0; error == -EINVAL && i < sizeof wishes / sizeof *wishes; i++) {
        if (is_disabled(wishes[i]))
            continue;
        struct io_uring_params params = {
            .flags = wishes[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
            .cq_entries = entries * COMPLETIONS_PER_ENTRY,
        };
        error = io_uring_queue_init_params(entries, ring, &params);
    }
    if (error < 0)
        return explain_refusal(error);
    error = move_above_stdio(ring);
    if (error < 0)
        goto failed;
    /* A forked child would share the ring's memory and corrupt it. */
    io_uring_ring_dontfork(ring);
    uring->enter_flags = enter_flags(ring);
    error = check_features(uring);
    /* A filter may allow to make a ring and refuse its use. */
    if (error == 0 && (error = io_uring_enter((unsigned)ring->ring_fd, 0, 0, 0, NULL)) < 0)
        explain_refusal(error);
    if (error == 0)
        return 0;

failed:
    io_uring_queue_exit(ring);
    return error;
}
