/* Green's own descriptors, which the program must not close: those of hubs and of waits.
 *
 * Programs close descriptors that they do not know, such as all from 3 on. The patched calls that
 * close descriptors ask here first. Own descriptors have high numbers, so that the program gets the
 * lowest ones, as it would without Green. */
#ifndef GREEN_BASE_OWN_FD_H
#define GREEN_BASE_OWN_FD_H

#include "error.h"

#include <stdbool.h>

/* Takes the result of a call that makes a descriptor with close-on-exec set: moves the descriptor to
 * a high number, and protects it. Returns the number. Returns -errno for a negative result, or, with
 * the descriptor closed and errno set, if no number above 2 is free. */
int green__own_fd(int fd);

/* Protects a descriptor without moving it, unless it is negative. Returns it. */
int green__own_fd_protect(int fd);

/* Ends the protection, for a descriptor that something else closes. */
void green__own_fd_forget(int fd);

/* Ends the protection of all, in a forked child. */
void green__own_fds_forget_all(void);

/* Ends the protection and closes the descriptor. Keeps errno. */
void green__own_fd_close(int fd);

/* The lowest protected descriptor from a number on. UINT_MAX: there is none. May be called in a
 * signal handler, and in the child of vfork(2). */
unsigned green__own_fd_from(unsigned first);

extern unsigned green__own_fd_lowest; /* that has ever been protected; atomic */

static inline bool green__fd_is_own(int fd) {
    return fd >= 0 && GREEN_UNLIKELY((unsigned)fd >= __atomic_load_n(&green__own_fd_lowest, __ATOMIC_RELAXED)) &&
           green__own_fd_from((unsigned)fd) == (unsigned)fd;
}

#endif
