/* pread and its like, and fsync, of regular files and disks.
 *
 * What is in memory is transferred at once. For the rest the green thread waits,
 * until all of it is done: libraries take fewer bytes for the end of the file. The
 * bytes are the caller's, so nothing interrupts that, as nothing does in the
 * kernel. */
#include "file.h"

#include "../../offload/job.h"
#include "fd_in_use.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* What a ring does at a time, and what is read to see whether it is there. */
enum { RING_MAX = 256 * 1024, PEEK_MAX = 64 * 1024 };

/* Of their own: a disk that does not answer holds up only files. */
static green_offload_pool disks = GREEN_OFFLOAD_POOL(disks, "green-disk", 16);

static int patches;

bool green__patch_files_are_green(void) {
    return __atomic_load_n(&patches, __ATOMIC_RELAXED) > 0;
}

void green__patch_files_count(int more) {
    __atomic_add_fetch(&patches, more, __ATOMIC_RELAXED);
}

/* A call, and what is left of it. */
struct file_call {
    int fd;
    int flags; /* of the descriptor */
    bool writes;
    bool whole;   /* in one system call */
    bool data;    /* fdatasync, of syncs */
    off_t offset; /* or GREEN_CURRENT_POSITION */
    ssize_t done;
    green_iovecs pieces;
};

/* Natively -------------------------------------------------------------------- */

/* A system call on a native thread, which works on the caller's memory. */
struct native {
    green_job job;
    ssize_t (*function)(const struct file_call *call);
    const struct file_call *call;
    ssize_t result;
    int error;
};

static void run(green_job *job) {
    struct native *native = GREEN_CONTAINER(job, struct native, job);
    native->result = native->function(native->call);
    native->error = errno;
}

static void release(green_job *job) {
    free(GREEN_CONTAINER(job, struct native, job));
}

/* Where no native thread can be had, it waits in place. */
static ssize_t run_natively(green_hub *hub, const struct file_call *call,
                            ssize_t (*function)(const struct file_call *call)) {
    struct native *native = malloc(sizeof *native);
    if (!native)
        return function(call);
    *native = (struct native){.job = {.run = run, .release = release}, .function = function, .call = call};
    if (green__job_run_uninterruptible(hub, &disks, &native->job) < 0)
        run(&native->job);
    ssize_t result = native->result;
    int error = native->error;
    green__job_release(&native->job);
    errno = error;
    return result;
}

/* Transferring ---------------------------------------------------------------- */

static ssize_t transfer_now(const struct file_call *call) {
    const struct iovec *pieces = call->pieces.first;
    int count = (int)call->pieces.count;
    if (call->offset == GREEN_CURRENT_POSITION)
        return call->writes ? green__real.writev(call->fd, pieces, count) : green__real.readv(call->fd, pieces, count);
    return call->writes ? green__real.pwritev(call->fd, pieces, count, call->offset)
                        : green__real.preadv(call->fd, pieces, count, call->offset);
}

static ssize_t transfer_cached(const struct file_call *call) {
    const struct iovec *pieces = call->pieces.first;
    int count = (int)call->pieces.count;
    return call->writes ? green__real.pwritev2(call->fd, pieces, count, call->offset, RWF_NOWAIT)
                        : green__real.preadv2(call->fd, pieces, count, call->offset, RWF_NOWAIT);
}

/* O_DIRECT and O_DSYNC have even these wait for the disk. */
static bool may_be_tried(const struct file_call *call) {
    return !call->whole && !(call->flags & (call->writes ? O_DIRECT | O_DSYNC : O_DIRECT));
}

/* Counts what is done at an offset; false: that was all. */
static bool go_on(struct file_call *call, ssize_t result) {
    call->done += result;
    call->offset += result;
    return green__iovecs_advance(&call->pieces, (size_t)result);
}

/* Errors of a way to transfer, and not of the transfer. */
static bool is_refusal(int error) {
    return error == EAGAIN || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EINTR ||
           error == ECANCELED;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "in a patched call, at the file of descriptor %d",
             GREEN_CONTAINER(wait, const green_io, wait)->op.fd);
}

static const green_wait_kind in_file = {NULL, describe};

/* -1 with errno: one that is_refusal() leaves the rest to a native thread. */
static ssize_t transfer_on_ring(green_hub *hub, const struct file_call *call) {
    green_io io;
    green__io_init(hub, &io, &in_file, call->writes ? GREEN_OP_WRITE_AT : GREEN_OP_READ_AT, call->fd);
    io.op.address = call->pieces.first->iov_base;
    io.op.length = call->pieces.first->iov_len;
    io.op.offset = (uint64_t)call->offset;
    int32_t result = green__io_run(hub, &io, GREEN_FOREVER);
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

static bool suits_ring(const green_hub *hub, const struct file_call *call) {
    return green__engine_supports(hub->engine, GREEN_OP_READ_AT) && !call->whole &&
           !(call->writes && (call->flags & O_DSYNC)) && call->pieces.count == 1 &&
           call->pieces.first->iov_len <= RING_MAX;
}

static ssize_t counted(struct file_call *call, ssize_t result) {
    if (result > 0)
        call->done += result;
    return result;
}

static ssize_t wait_for_rest(green_hub *hub, struct file_call *call) {
    while (suits_ring(hub, call)) {
        ssize_t result = transfer_on_ring(hub, call);
        if (result < 0 && is_refusal(errno))
            break;
        if (result <= 0 || !go_on(call, result))
            return result;
    }
    return counted(call, run_natively(hub, call, transfer_now));
}

/* With the descriptor kept from being closed meanwhile. */
static ssize_t transfer_rest(green_hub *hub, struct file_call *call) {
    green_fd_in_use use;
    if (green__cannot_park(hub))
        return counted(call, transfer_now(call));
    if (green__fd_in_use_begin(hub, &use, call->fd) < 0) {
        errno = EBADF;
        return -1;
    }
    ssize_t result = wait_for_rest(hub, call);
    green__fd_in_use_end(&use);
    return result;
}

static ssize_t transfer_at(green_hub *hub, struct file_call *call) {
    while (may_be_tried(call)) {
        ssize_t result = transfer_cached(call);
        if (result < 0 && is_refusal(errno))
            break;
        if (result <= 0 || !go_on(call, result))
            return result;
        if (!green__fd_is_file(call->fd))
            return counted(call, transfer_now(call)); /* it takes what it takes */
    }
    return green__fd_is_file(call->fd) ? transfer_rest(hub, call) : counted(call, transfer_now(call));
}

/* The bytes at the position and the position go together, since others may use it
 * meanwhile: so it is one system call, at once where all of it is in memory. */
static bool is_all_cached(const struct file_call *call) {
    struct stat status;
    size_t size = (size_t)green__iovecs_size(call->pieces.first, (int)call->pieces.count);
    off_t position = lseek(call->fd, 0, SEEK_CUR);
    if (call->writes || size > PEEK_MAX || (call->flags & O_DIRECT) || position < 0)
        return false;
    ssize_t count = green__real.preadv2(call->fd, call->pieces.first, (int)call->pieces.count, position, RWF_NOWAIT);
    return count == (ssize_t)size || (count >= 0 && fstat(call->fd, &status) == 0 && S_ISREG(status.st_mode) &&
                                      position + count >= status.st_size);
}

static ssize_t transfer_at_position(green_hub *hub, struct file_call *call) {
    return is_all_cached(call) ? counted(call, transfer_now(call)) : transfer_rest(hub, call);
}

static ssize_t without_memory(struct file_call *call, const struct iovec *pieces, int count) {
    call->pieces = (green_iovecs){.first = (struct iovec *)pieces, .count = (size_t)count};
    return transfer_now(call);
}

/* An error after some bytes is left for the next call to meet. */
ssize_t green__patch_file_transfer(green_hub *hub, bool writes, int fd, const struct iovec *pieces, int count,
                                   off_t offset) {
    int error_number = errno;
    struct file_call call = {.fd = fd, .writes = writes, .offset = offset, .flags = fcntl(fd, F_GETFL)};
    bool is_at_position = offset == GREEN_CURRENT_POSITION;
    call.whole = is_at_position || (writes && (call.flags & O_APPEND)); /* others may write at the end, too */
    if (green__iovecs_copy(&call.pieces, pieces, (size_t)count) < 0)
        return without_memory(&call, pieces, count);
    ssize_t result = is_at_position ? transfer_at_position(hub, &call) : transfer_at(hub, &call);
    green__iovecs_free(&call.pieces);
    if (call.done == 0 && result < 0)
        return -1;
    errno = error_number;
    return call.done;
}

/* Syncing --------------------------------------------------------------------- */

static ssize_t sync_now(const struct file_call *call) {
    return call->data ? green__real.fdatasync(call->fd) : green__real.fsync(call->fd);
}

int green__patch_file_sync(green_hub *hub, int fd, bool data) {
    int error_number = errno;
    struct file_call call = {.fd = fd, .data = data};
    green_fd_in_use use;
    if (green__cannot_park(hub))
        return (int)sync_now(&call);
    if (green__fd_in_use_begin(hub, &use, fd) < 0) {
        errno = EBADF;
        return -1;
    }
    ssize_t result = run_natively(hub, &call, sync_now);
    green__fd_in_use_end(&use);
    if (result == 0)
        errno = error_number;
    return (int)result;
}
