/* Waiting for several descriptors at once. */
#ifndef GREEN_PATCH_IO_POLL_H
#define GREEN_PATCH_IO_POLL_H

#include "../wait_fds.h"

/* A call that asks the kernel without waiting, as often as it takes. */
typedef struct green_look {
    /* Asks: > 0 or an error ends the call. */
    int (*look)(struct green_look *look);
    green_watch *watches;
    size_t count;
    int64_t deadline;
    bool masked; /* it looks under another signal mask */
} green_look;

/* What the last look said, 0 at the deadline, -1 with errno for an interrupt. */
int green__look(green_hub *hub, green_look *look);

/* Watches for count descriptors: the caller's few, or memory. NULL: there is none. */
enum { GREEN_WATCHES_FEW = 8 };
green_watch *green__watches(green_watch *few, size_t count);

/* The deadline of these times, GREEN_NEVER for NULL; *valid: the kernel takes them. */
int64_t green__timespec_deadline(const struct timespec *timeout, bool *valid);

#endif
