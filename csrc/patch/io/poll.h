/* Waiting for several descriptors at once. */
#ifndef GREEN_PATCH_IO_POLL_H
#define GREEN_PATCH_IO_POLL_H

#include "../wait_fds.h"

/* A call that asks the kernel without waiting, as often as it takes. */
typedef struct green_poll_loop {
    /* Asks: > 0 or an error ends the call. */
    int (*look)(struct green_poll_loop *look);
    green_waited_fd *watches;
    size_t count;
    int64_t deadline;
    bool masked; /* it looks under another signal mask */
} green_poll_loop;

/* What the last look said, 0 at the deadline, -1 with errno for an interrupt. */
int green__poll_loop_run(green_hub *hub, green_poll_loop *look);

/* Watches for count descriptors: the caller's few, or memory. NULL: there is none. */
enum { GREEN_WAITED_FDS_FEW = 8 };
green_waited_fd *green__wait_fds_allocate(green_waited_fd *few, size_t count);

/* The deadline of these times, GREEN_NEVER for NULL; *valid: the kernel takes them. */
int64_t green__timespec_deadline(const struct timespec *timeout, bool *valid);

#endif
