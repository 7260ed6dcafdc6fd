/* Arrays of iovec, as readv() and writev() take. */
#ifndef GREEN_PATCH_IO_IOVECS_H
#define GREEN_PATCH_IO_IOVECS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* A copy of an array, which a transfer shortens as it progresses. */
typedef struct green_iovecs {
    struct iovec few[8];
    struct iovec *first, *memory;
    size_t count;
} green_iovecs;

/* Returns 0 or -ENOMEM. The caller ends a copy by green__iovecs_free(). */
int green__iovecs_copy(green_iovecs *iovecs, const struct iovec *from, size_t count);
void green__iovecs_free(green_iovecs *iovecs);

/* Removes bytes from the beginning. Returns false if nothing is left. */
bool green__iovecs_advance(green_iovecs *iovecs, size_t bytes);

/* The total size, or -1 if the kernel would refuse the array. */
ssize_t green__iovecs_size(const struct iovec *iovecs, int count);

#endif
