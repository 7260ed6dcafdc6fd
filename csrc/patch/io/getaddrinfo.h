/* Name look-up on native threads: the C library's resolver waits inside itself,
 * where nothing can be made green. */
#ifndef GREEN_PATCH_IO_GETADDRINFO_H
#define GREEN_PATCH_IO_GETADDRINFO_H

#include "../wait_fds.h"

/* Runs the job on a native thread that only resolves. 0, or -1 with errno; then
 * `abandon` has the job. */
int green__resolver_run(green_hub *hub, int (*job)(void *), void *argument, void (*abandon)(void *));

#endif
