/* Descriptors that file calls in progress use by their number: io_uring or an OS thread may
 * use the number later. Closing such a descriptor has to wait, because the number could mean
 * another file by then. */
#ifndef GREEN_PATCH_IO_FD_IN_USE_H
#define GREEN_PATCH_IO_FD_IN_USE_H

#include "../wait_fds.h"

/* On the stack of the call. */
typedef struct green_fd_in_use {
    int fd;
    const green_thread *thread;
    green_hub_table_entry entry;
} green_fd_in_use;

/* Returns 0, or -EBADF if the descriptor is about to be closed. */
int green__fd_in_use_begin(green_hub *hub, green_fd_in_use *use, int fd);
void green__fd_in_use_end(green_fd_in_use *use);

/* Waits, before a close, until no call of this OS thread's green threads uses the
 * descriptor. Parks, or blocks the OS thread if the caller cannot park. Nothing interrupts
 * the wait. Returns 0, or -EBADF if another thread is about to close the descriptor. */
int green__fd_in_use_wait(int fd);

/* The same for all descriptors of a range. */
void green__fd_in_use_wait_range(unsigned first, unsigned last);

/* Waits until no green thread of this OS thread uses a descriptor, and up to a second for
 * those of other OS threads. */
void green__fd_in_use_drain(void);

#endif
