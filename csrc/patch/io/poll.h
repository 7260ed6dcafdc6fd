/* Calls that wait for several descriptors at once, such as poll() and select(). */
#ifndef GREEN_PATCH_IO_POLL_H
#define GREEN_PATCH_IO_POLL_H

#include "../clock.h"
#include "../wait_fds.h"

/* A call that is tried without waiting, at first and after each wake-up. */
typedef struct green_poll_loop {
    /* Tries the call. A result above 0, or an error, ends it. */
    int (*attempt)(struct green_poll_loop *loop);
    /* Stores the descriptors to wait for, unless fds is NULL. Returns their number. */
    size_t (*list)(const struct green_poll_loop *loop, green_waited_fd *fds);
    int64_t deadline;
    bool has_mask; /* the call has a signal mask of its own */
} green_poll_loop;

/* Returns the result of the last try, 0 at the deadline, or -1 with errno after an
 * interrupt. */
int green__poll_loop_run(green_hub *hub, green_poll_loop *loop);

#endif
