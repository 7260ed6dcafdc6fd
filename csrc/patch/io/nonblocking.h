/* System calls without a flag against blocking.
 *
 * Their descriptor is made non-blocking for the duration of the system call. This is visible to
 * all OS threads that use the descriptor. A lock keeps their patched calls from mistaking it for
 * the program's own setting. */
#ifndef GREEN_PATCH_IO_NONBLOCKING_H
#define GREEN_PATCH_IO_NONBLOCKING_H

#include <stdbool.h>
#include <sys/types.h>

/* Begins such a call. Returns the flags of the descriptor, or -1 if it is not open. The caller
 * makes its system call and then calls green__nonblocking_end(). */
int green__nonblocking_begin(int fd);

/* Ends it, with the flags of its begin, and preserves errno. Returns whether the descriptor is a
 * blocking one otherwise. */
bool green__nonblocking_end(int fd, int flags);

/* Registers the lock for forks. Returns 0, or -ENOMEM, explained. */
int green__nonblocking_register_lock(void);

#endif
