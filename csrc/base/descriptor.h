/* Green's own descriptors are never 0, 1 or 2.
 *
 * If a program starts with one of these closed, the kernel assigns its number to the
 * next descriptor. Output of the program, such as an error message, would then go into
 * a connection or a file. */
#ifndef GREEN_BASE_DESCRIPTOR_H
#define GREEN_BASE_DESCRIPTOR_H

#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int green__move_above_stdio(int fd) __attribute__((cold));

/* Takes the result of a call that makes a descriptor with close-on-exec set. Moves a
 * descriptor below 3 to a higher number and returns the number. Returns a negative
 * result unchanged. If no number is free, closes the descriptor, sets errno and returns
 * -errno. */
static inline int green__above_stdio(int fd) {
    return GREEN_LIKELY(fd < 0 || fd > STDERR_FILENO) ? fd : green__move_above_stdio(fd);
}

/* Does the same for both descriptors of a pair. Returns 0, or -errno with both closed. */
int green__both_above_stdio(int fds[2]);

/* Moves a descriptor to a number of 960 or more, or, if none is free or RLIMIT_NOFILE is less, to one
 * of half of that, with close-on-exec set, so that low numbers are left for the program. Returns the
 * new number, or, if none is free, that of green__above_stdio(). */
int green__move_fd_high(int fd);

/* open(2) with O_CLOEXEC, for Green's own files. */
int green__open(const char *path, int flags, mode_t mode);

/* pidfd_open(2), since Linux 5.3, which sets close-on-exec. Returns -errno on failure. */
int green__open_pidfd(pid_t pid);

/* fopen(3) for reading, for Green's own files. NULL with errno on failure. */
FILE *green__open_stream(const char *path);

/* Returns the number in a file of /proc, or `otherwise` if it cannot be read. */
unsigned long green__read_number(const char *path, unsigned long otherwise);

#endif
