/* Transfers and syncs of regular files and block devices.
 *
 * Data in the page cache is transferred at once. For the rest the green thread waits until
 * the whole transfer is complete, because libraries take a short read for the end of the
 * file. The kernel uses the caller's buffers meanwhile, so nothing interrupts the wait, just
 * as nothing interrupts the system call. */
#include "file.h"

#include "../../core/io.h"
#include "../../offload/job.h"
#include "fd_in_use.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* The most that io_uring transfers at once, and that is read to find out whether it is in the
 * page cache. */
enum { RING_MAX = 256 * 1024, PEEK_MAX = 64 * 1024 };

/* A pool of its own, so that a disk that does not respond delays only file calls. */
static green_offload_pool disks = GREEN_OFFLOAD_POOL(disks, "green-disk", 16);

static int patches; /* with GREEN_PATCH_FILE; atomic */

static bool files_are_green(void) {
    return __atomic_load_n(&patches, __ATOMIC_RELAXED) > 0;
}

void green__patch_files_count(int change) {
    __atomic_add_fetch(&patches, change, __ATOMIC_RELAXED);
}

green_fd_way green__fd_way(int fd, mode_t *mode) {
    *mode = green__fd_mode(fd);
    if (green__mode_is_file(*mode))
        return files_are_green() ? GREEN_FD_TRANSFER : GREEN_FD_DIRECT;
    return *mode == 0 || S_ISDIR(*mode) || !green__fd_is_blocking(fd) ? GREEN_FD_DIRECT : GREEN_FD_POLL;
}

bool green__fd_lacks_nowait(void) {
    return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
}

/* A call, and the part of its transfer that is left. */
struct file_call {
    int fd;
    int flags; /* of the descriptor */
    bool writes;
    bool whole;   /* must be one system call */
    off_t offset; /* or GREEN_CURRENT_POSITION */
    ssize_t done;
    green_iovecs iovecs;
};

/* On workers --------------------------------------------------------------- */

/* A system call on a worker, which uses the caller's memory. */
struct worker_call {
    green_job job;
    ssize_t (*function)(const struct file_call *call);
    const struct file_call *call;
    ssize_t result;
    int error;
};

static void run(green_job *job) {
    struct worker_call *work = GREEN_CONTAINER(job, struct worker_call, job);
    work->result = work->function(work->call);
    work->error = errno;
}

static void release(green_job *job) {
    free(GREEN_CONTAINER(job, struct worker_call, job));
}

/* Makes the system call on this OS thread if there is no worker or no memory. */
static ssize_t run_on_worker(const struct file_call *call, ssize_t (*function)(const struct file_call *call)) {
    struct worker_call *work = malloc(sizeof *work);
    if (!work)
        return function(call);
    *work = (struct worker_call){.job = {.run = run, .release = release}, .function = function, .call = call};
    if (green__job_run_uninterruptible(&disks, &work->job) < 0)
        run(&work->job);
    ssize_t result = work->result;
    int error = work->error;
    green__job_release(&work->job);
    errno = error;
    return result;
}

/* Transferring ------------------------------------------------------------- */

static ssize_t transfer_now(const struct file_call *call) {
    const struct iovec *iovecs = call->iovecs.first;
    int count = (int)call->iovecs.count;
    if (call->offset == GREEN_CURRENT_POSITION)
        return call->writes ? green__real.writev(call->fd, iovecs, count) : green__real.readv(call->fd, iovecs, count);
    return call->writes ? green__real.pwritev(call->fd, iovecs, count, call->offset)
                        : green__real.preadv(call->fd, iovecs, count, call->offset);
}

static ssize_t transfer_cached(const struct file_call *call) {
    const struct iovec *iovecs = call->iovecs.first;
    int count = (int)call->iovecs.count;
    return call->writes ? green__real.pwritev2(call->fd, iovecs, count, call->offset, RWF_NOWAIT)
                        : green__real.preadv2(call->fd, iovecs, count, call->offset, RWF_NOWAIT);
}

/* With O_DIRECT or O_DSYNC, even RWF_NOWAIT waits for the disk. */
static bool may_use_nowait(const struct file_call *call) {
    return !call->whole && !(call->flags & (call->writes ? O_DIRECT | O_DSYNC : O_DIRECT));
}

/* Accounts for bytes transferred at an offset. Returns false if nothing is left. */
static bool advance(struct file_call *call, ssize_t result) {
    call->done += result;
    call->offset += result;
    return green__iovecs_advance(&call->iovecs, (size_t)result);
}

/* Errors of one method of transfer, after which another is tried. */
static bool is_refusal(int error) {
    return error == EAGAIN || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EINTR ||
           error == ECANCELED;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "in a patched call, using the file of descriptor %d",
             GREEN_CONTAINER(wait, const green_io, wait)->op.fd);
}

static const green_wait_kind in_file = {NULL, describe};

/* Returns -1 with errno on failure; if is_refusal(), a worker does the rest. */
static ssize_t transfer_by_uring(green_hub *hub, const struct file_call *call) {
    green_io io;
    green__io_init(hub, &io, &in_file, call->writes ? GREEN_OP_WRITE_AT : GREEN_OP_READ_AT, call->fd);
    io.op.address = call->iovecs.first->iov_base;
    io.op.length = call->iovecs.first->iov_len;
    io.op.offset = (uint64_t)call->offset;
    int32_t result = green__io_run(hub, &io, GREEN_FOREVER);
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

static bool suits_uring(const green_hub *hub, const struct file_call *call) {
    return green__engine_supports(hub->engine, GREEN_OP_READ_AT) && !call->whole &&
           !(call->writes && (call->flags & O_DSYNC)) && call->iovecs.count == 1 &&
           call->iovecs.first->iov_len <= RING_MAX;
}

static ssize_t counted(struct file_call *call, ssize_t result) {
    if (result > 0)
        call->done += result;
    return result;
}

static ssize_t wait_for_rest(green_hub *hub, struct file_call *call) {
    while (suits_uring(hub, call)) {
        ssize_t result = transfer_by_uring(hub, call);
        if (result < 0 && is_refusal(errno))
            break;
        if (result <= 0 || !advance(call, result))
            return result;
    }
    return counted(call, run_on_worker(call, transfer_now));
}

/* Keeps the descriptor from being closed meanwhile. */
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
    while (may_use_nowait(call)) {
        ssize_t result = transfer_cached(call);
        if (result < 0 && is_refusal(errno))
            break;
        if (result <= 0 || !advance(call, result))
            return result;
        if (!green__fd_is_file(call->fd))
            return counted(call, transfer_now(call)); /* a short transfer is its result */
    }
    return green__fd_is_file(call->fd) ? transfer_rest(hub, call) : counted(call, transfer_now(call));
}

/* Whether one system call at the current position would not wait. The transfer and the move
 * of the position have to be one system call, because others may use the position. */
static bool is_all_cached(const struct file_call *call) {
    struct stat status;
    size_t size = (size_t)green__iovecs_size(call->iovecs.first, (int)call->iovecs.count);
    off_t position = lseek(call->fd, 0, SEEK_CUR);
    if (call->writes || size > PEEK_MAX || (call->flags & O_DIRECT) || position < 0)
        return false;
    ssize_t count = green__real.preadv2(call->fd, call->iovecs.first, (int)call->iovecs.count, position, RWF_NOWAIT);
    return count == (ssize_t)size || (count >= 0 && fstat(call->fd, &status) == 0 && S_ISREG(status.st_mode) &&
                                      position + count >= status.st_size);
}

static ssize_t transfer_at_position(green_hub *hub, struct file_call *call) {
    return is_all_cached(call) ? counted(call, transfer_now(call)) : transfer_rest(hub, call);
}

static ssize_t without_memory(struct file_call *call, const struct iovec *iovecs, int count) {
    call->iovecs = (green_iovecs){.first = (struct iovec *)iovecs, .count = (size_t)count};
    return transfer_now(call);
}

/* After a partial transfer, an error is left for the next call. */
ssize_t green__patch_file_transfer(green_hub *hub, bool writes, int fd, const struct iovec *iovecs, int count,
                                   off_t offset) {
    int error_number = errno;
    struct file_call call = {.fd = fd, .writes = writes, .offset = offset, .flags = fcntl(fd, F_GETFL)};
    bool is_at_position = offset == GREEN_CURRENT_POSITION;
    call.whole = is_at_position || (writes && (call.flags & O_APPEND)); /* others may append, too */
    if (green__iovecs_copy(&call.iovecs, iovecs, (size_t)count) < 0)
        return without_memory(&call, iovecs, count);
    ssize_t result = is_at_position ? transfer_at_position(hub, &call) : transfer_at(hub, &call);
    green__iovecs_free(&call.iovecs);
    if (call.done == 0 && result < 0)
        return -1;
    errno = error_number;
    return call.done;
}

/* Other calls -------------------------------------------------------------- */

struct other_call {
    struct file_call call;
    ssize_t (*function)(void *argument);
    void *argument;
};

static ssize_t call_other(const struct file_call *call) {
    const struct other_call *other = GREEN_CONTAINER(call, const struct other_call, call);
    return other->function(other->argument);
}

static int use_begin(green_hub *hub, green_fd_in_use *use, int fd) {
    return fd < 0 ? 0 : green__fd_in_use_begin(hub, use, fd);
}

static void use_end(green_fd_in_use *use, int fd) {
    if (fd >= 0)
        green__fd_in_use_end(use);
}

ssize_t green__patch_file_call(green_hub *hub, int fd, int other, ssize_t (*function)(void *), void *argument) {
    int error_number = errno;
    struct other_call call = {.function = function, .argument = argument};
    green_fd_in_use use, other_use;
    ssize_t result = -1;
    if (green__cannot_park(hub))
        return function(argument);
    if (use_begin(hub, &use, fd) < 0)
        goto closing;
    if (use_begin(hub, &other_use, other) < 0)
        goto other_closing;
    result = run_on_worker(&call.call, call_other);
    use_end(&other_use, other);
    use_end(&use, fd);
    if (result >= 0)
        errno = error_number;
    return result;
other_closing:
    use_end(&use, fd);
closing:
    errno = EBADF;
    return -1;
}

struct sync {
    int fd;
    bool only_data;
};

static ssize_t sync_now(void *argument) {
    const struct sync *sync = argument;
    return sync->only_data ? green__real.fdatasync(sync->fd) : green__real.fsync(sync->fd);
}

int green__patch_file_sync(green_hub *hub, int fd, bool only_data) {
    return (int)green__patch_file_call(hub, fd, -1, sync_now, &(struct sync){fd, only_data});
}
