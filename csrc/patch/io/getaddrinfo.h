/* Look-ups of names and addresses on workers: the resolver of the C library waits internally,
 * where no call can be made green. */
#ifndef GREEN_PATCH_IO_GETADDRINFO_H
#define GREEN_PATCH_IO_GETADDRINFO_H

#include "../wait_fds.h"

/* Runs a look-up on a worker of the resolvers' pool and waits for it. Returns 0, or -1 with
 * errno; then `abandon` frees the argument. */
int green__resolver_run(green_hub *hub, int (*look_up)(void *), void *argument, void (*abandon)(void *));

#endif
