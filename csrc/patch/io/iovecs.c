#include "iovecs.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int green__iovecs_copy(green_iovecs *iovecs, const struct iovec *from, size_t count) {
    iovecs->memory = NULL;
    iovecs->first = iovecs->few;
    if (count > sizeof iovecs->few / sizeof *iovecs->few) {
        iovecs->first = iovecs->memory = malloc(count * sizeof *from);
        if (!iovecs->memory)
            return -ENOMEM;
    }
    memcpy(iovecs->first, from, count * sizeof *from);
    iovecs->count = count;
    return 0;
}

void green__iovecs_free(green_iovecs *iovecs) {
    free(iovecs->memory);
}

bool green__iovecs_advance(green_iovecs *iovecs, size_t bytes) {
    while (iovecs->count > 0 && bytes >= iovecs->first->iov_len) {
        bytes -= iovecs->first->iov_len;
        iovecs->first++;
        iovecs->count--;
    }
    if (iovecs->count == 0)
        return false;
    iovecs->first->iov_base = (char *)iovecs->first->iov_base + bytes;
    iovecs->first->iov_len -= bytes;
    return true;
}

ssize_t green__iovecs_size(const struct iovec *iovecs, int count) {
    size_t size = 0;
    if (count < 0 || count > IOV_MAX)
        return -1;
    for (int i = 0; i < count; i++) {
        if (iovecs[i].iov_len > (size_t)SSIZE_MAX - size)
            return -1;
        size += iovecs[i].iov_len;
    }
    return (ssize_t)size;
}
