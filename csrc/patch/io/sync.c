/* Calls on files that wait for the disk and have no other method than an OS thread: syncs, and
 * copy_file_range(). */
#include "file.h"

#include <sys/mman.h>

int green__green_fsync(int fd) {
    green_hub *hub = green__may_park();
    return hub ? green__patch_file_sync(hub, fd, false) : green__real.fsync(fd);
}

int green__green_fdatasync(int fd) {
    green_hub *hub = green__may_park();
    return hub ? green__patch_file_sync(hub, fd, true) : green__real.fdatasync(fd);
}

static ssize_t call_sync(void *unused) {
    (void)unused;
    green__real.sync();
    return 0;
}

void green__green_sync(void) {
    green_hub *hub = green__may_park();
    if (hub)
        (void)green__patch_file_call(hub, -1, -1, call_sync, NULL);
    else
        green__real.sync();
}

static ssize_t call_syncfs(void *fd) {
    return green__real.syncfs(*(const int *)fd);
}

int green__green_syncfs(int fd) {
    green_hub *hub = green__may_park();
    return hub ? (int)green__patch_file_call(hub, fd, -1, call_syncfs, &fd) : green__real.syncfs(fd);
}

struct sync_range {
    int fd;
    off64_t offset, size;
    unsigned flags;
};

static ssize_t call_sync_file_range(void *argument) {
    const struct sync_range *range = argument;
    return green__real.sync_file_range(range->fd, range->offset, range->size, range->flags);
}

int green__green_sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
    green_hub *hub = green__may_park();
    if (!hub)
        return green__real.sync_file_range(fd, offset, size, flags);
    struct sync_range range = {fd, offset, size, flags};
    return (int)green__patch_file_call(hub, fd, -1, call_sync_file_range, &range);
}

struct memory {
    void *address;
    size_t size;
    int flags;
};

static ssize_t call_msync(void *argument) {
    const struct memory *memory = argument;
    return green__real.msync(memory->address, memory->size, memory->flags);
}

int green__green_msync(void *address, size_t size, int flags) {
    green_hub *hub = flags & MS_SYNC ? green__may_park() : NULL;
    if (!hub)
        return green__real.msync(address, size, flags);
    return (int)green__patch_file_call(hub, -1, -1, call_msync, &(struct memory){address, size, flags});
}

struct copying {
    int in, out;
    off64_t *in_offset, *out_offset;
    size_t size;
    unsigned flags;
};

static ssize_t call_copy(void *argument) {
    const struct copying *copying = argument;
    return green__real.copy_file_range(copying->in, copying->in_offset, copying->out, copying->out_offset,
                                       copying->size, copying->flags);
}

ssize_t green__green_copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size,
                                     unsigned flags) {
    green_hub *hub = green__may_park();
    if (!hub || size == 0)
        return green__real.copy_file_range(in, in_offset, out, out_offset, size, flags);
    struct copying copying = {in, out, in_offset, out_offset, size, flags};
    return green__patch_file_call(hub, in, out, call_copy, &copying);
}
