/* A green thread waits for a native one. */
#include "pool.h"

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

int green__offload(green_hub *hub, green_offload_pool *pool, green_job *job, int64_t timeout) {
    job->owners = 1;
    job->waiting = false;
    job->done = eventfd(0, EFD_CLOEXEC);
    if (job->done < 0)
        return green__fail(-errno, "offloading a call: its eventfd");
    int error = green__begin(hub, timeout);
    if (error == 0)
        error = green__pool_put(pool, job);
    if (error < 0)
        return error;
    uint64_t count;
    green_io io;
    green__io_init(hub, &io, &offloading, GREEN_OP_READ, job->done);
    io.op.address = &count;
    io.op.length = sizeof count;
    error = green__io_run(hub, &io, timeout);
    if (error < 0) {
        if (!green__is_explained(error))
            green__fail(error, "waiting for a native thread");
        green__pool_take_back(pool, job);
        return error;
    }
    GREEN_INVARIANT(__atomic_load_n(&job->ended, __ATOMIC_ACQUIRE), "a job that woke its thread has ended");
    return 0;
}
