#include "descriptor.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

green_file_descriptor *green__file_descriptor_make(int fd) {
    green_file_descriptor *descriptor = malloc(sizeof *descriptor);
    if (descriptor)
        *descriptor = (green_file_descriptor){.fd = fd, .uses = 1};
    return descriptor;
}

green_file_descriptor *green__file_descriptor_retain(green_file_descriptor *descriptor) {
    __atomic_add_fetch(&descriptor->uses, 1, __ATOMIC_RELAXED);
    return descriptor;
}

int green__file_descriptor_release(green_file_descriptor *descriptor) {
    if (__atomic_sub_fetch(&descriptor->uses, 1, __ATOMIC_ACQ_REL) > 0)
        return -1;
    int fd = descriptor->fd;
    free(descriptor);
    return fd;
}

/* On Linux, close(2) closes the descriptor even if it fails with EINTR. */
int green__file_descriptor_close(green_file_descriptor *descriptor) {
    int fd = green__file_descriptor_release(descriptor);
    return fd >= 0 && close(fd) < 0 && errno != EINTR ? -errno : 0;
}
