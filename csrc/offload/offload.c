/* A green thread waits for a native one. */
#include "pool.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

void green__offload_release(green_job *job) {
    if (__atomic_sub_fetch(&job->owners, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (job->done >= 0)
        close(job->done);
    job->release(job);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for a native thread");
}

static const green_wait_kind offloading = {green__io_cancel, describe};
static const green_wait_kind to_the_end = {NULL, describe};

enum { ASIDE = 256 };

int green__aside(int fd) {
    int aside = fcntl(fd, F_DUPFD_CLOEXEC, ASIDE);
    if (aside < 0)
        return fd;
    close(fd);
    return aside;
}

static int prepare(green_job *job) {
    job->owners = 1;
    job->waiting = false;
    job->done = eventfd(0, EFD_CLOEXEC);
    if (job->done < 0)
        return green__fail(-errno, "offloading a call: its eventfd");
    if (job->aside)
        job->done = green__aside(job->done);
    return 0;
}

static int wait_for(green_hub *hub, const green_job *job, const green_wait_kind *kind, int64_t timeout) {
    uint64_t count;
    green_io io;
    green__io_init(hub, &io, kind, GREEN_OP_READ, job->done);
    io.op.address = &count;
    io.op.length = sizeof count;
    int error = green__io_run(hub, &io, timeout);
    if (error >= 0)
        GREEN_INVARIANT(__atomic_load_n(&job->ended, __ATOMIC_ACQUIRE), "a job that woke its thread has ended");
    else if (!green__is_explained(error))
        green__fail(error, "waiting for a native thread");
    return error;
}

int green__offload(green_hub *hub, green_offload_pool *pool, green_job *job, int64_t timeout) {
    int error = prepare(job);
    if (error == 0)
        error = green__begin(hub, timeout);
    if (error == 0)
        error = green__pool_put(pool, job);
    if (error < 0)
        return error;
    error = wait_for(hub, job, &offloading, timeout);
    if (error < 0)
        green__pool_take_back(pool, job);
    return error < 0 ? error : 0;
}

int green__offload_to_the_end(green_hub *hub, green_offload_pool *pool, green_job *job) {
    int error = prepare(job);
    if (error == 0)
        error = green__pool_put(pool, job);
    if (error < 0)
        return error;
    error = wait_for(hub, job, &to_the_end, GREEN_FOREVER);
    if (error >= 0)
        return 0;
    if (green__pool_take_back(pool, job))
        return error;
    /* The engine could not wait for it. */
    while (eventfd_read(job->done, &(eventfd_t){0}) < 0 && errno == EINTR)
        ;
    return 0;
}
