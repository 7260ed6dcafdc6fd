/* Descriptors by whose number a file call is under way: for the ring or for a
 * native thread, which may come to it later. Closed meanwhile, the number could be
 * another file's by then. */
#ifndef GREEN_PATCH_IO_FD_IN_USE_H
#define GREEN_PATCH_IO_FD_IN_USE_H

#include "../wait_fds.h"

/* On the stack of the call. */
typedef struct green_fd_in_use {
    int fd;
    const green_thread *thread;
    struct green_fd_in_use *next, **place; /* among those of the OS thread */
} green_fd_in_use;

/* -EBADF: it is about to be closed. */
int green__fd_in_use_begin(green_hub *hub, green_fd_in_use *use, int fd);
void green__fd_in_use_end(green_fd_in_use *use);

/* For whoever is about to close it: parks until no call of this OS thread's green
 * threads uses it any more; where nobody can park, the OS thread waits. Nothing
 * interrupts that. -EBADF: somebody else is about to close it. */
int green__fd_in_use_wait(int fd);

/* Waits until no green thread of this OS thread uses any, and for up to a second
 * for those of others. */
void green__fd_in_use_drain(void);

#endif
