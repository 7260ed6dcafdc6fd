/* What patched calls ask the kernel about a descriptor. */
#ifndef GREEN_PATCH_IO_DESCRIPTOR_H
#define GREEN_PATCH_IO_DESCRIPTOR_H

#include "../wait_fds.h"

/* Whether calls on the descriptor block: it is open, and O_NONBLOCK is not set. */
bool green__fd_is_blocking(int fd);

/* The type of the file, for S_ISREG() and similar macros; 0 if the descriptor is not open.
 * Does not ask the server of a network file system. */
mode_t green__fd_mode(int fd);

/* The deadline, by SO_RCVTIMEO or SO_SNDTIMEO, of a call that begins now. */
int64_t green__fd_timeout_deadline(int fd, int option);

#endif
