/* Descriptors of Green's own are never 0, 1 or 2.
 *
 * Where a program is started with one of these closed, the kernel hands its number
 * out next. What anybody then prints, an error message of Green for one, would go
 * into a connection or a file. */
#ifndef GREEN_BASE_DESCRIPTOR_H
#define GREEN_BASE_DESCRIPTOR_H

#include "fail.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int green__move_above_stdio(int fd) __attribute__((cold));

/* Takes the result of a call that makes a descriptor, with close-on-exec set. Returns
 * a number above 2 for it, or a negative result as it is. Without a free number it
 * closes the descriptor, sets errno and returns -errno. */
static inline int green__above_stdio(int fd) {
    return GREEN_LIKELY(fd < 0 || fd > STDERR_FILENO) ? fd : green__move_above_stdio(fd);
}

/* The same for both ends of a pair: 0, or -errno with both closed. */
int green__both_above_stdio(int fds[2]);

/* open(2) with O_CLOEXEC for a file of Green's own. */
int green__open(const char *path, int flags, mode_t mode);

/* fopen(3) to read one; NULL with errno. */
FILE *green__open_stream(const char *path);

#endif
