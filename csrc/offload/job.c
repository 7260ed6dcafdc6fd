#include "job.h"

#include "eventfd.h"

#include <stdio.h>
#include <sys/eventfd.h>

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for an offloaded call");
}

static const green_wait_kind interruptible = {green__io_cancel, describe};
static const green_wait_kind uninterruptible = {NULL, describe};

static int prepare(green_hub *hub, green_job *job) {
    job->owners = 1;
    job->queued = false;
    job->done_fd = green__eventfd_take(hub);
    return job->done_fd < 0 ? green__fail(job->done_fd, "cannot offload a call: cannot make an eventfd") : 0;
}

/* Called when no worker will write to the eventfd any more. If it is not kept for another
 * job, the last owner of this one closes it. */
static void recycle_eventfd(green_hub *hub, green_job *job) {
    if (green__eventfd_put(hub, job->done_fd))
        job->done_fd = -1;
}

static void check_ended(const green_job *job) {
    GREEN_INVARIANT(__atomic_load_n(&job->ended, __ATOMIC_ACQUIRE), "a job that woke its thread has ended");
}

/* Whether the wait ended although neither the job nor an interrupt has ended it. */
static bool is_spurious(const green_io *io) {
    return GREEN_UNLIKELY(io->result == -EINTR) && !io->wait.cancelled;
}

static int wait_again(green_hub *hub, const green_wait_kind *kind, int64_t deadline) {
    return kind == &uninterruptible ? 0 : green__begin_until(hub, deadline);
}

static int wait_for(green_hub *hub, const green_job *job, const green_wait_kind *kind, int64_t timeout) {
    int64_t deadline = green__deadline_after(timeout);
    uint64_t count;
    green_io io;
    int error;
    do {
        green__io_init(hub, &io, kind, GREEN_OP_READ, job->done_fd);
        io.op.address = &count;
        io.op.length = sizeof count;
        io.op.nowait = true; /* eventfd supports it since Linux 5.8 */
        error = green__io_run(hub, &io, green__time_left(deadline));
    } while (is_spurious(&io) && (error = wait_again(hub, kind, deadline)) == 0);
    if (error >= 0)
        check_ended(job);
    else if (!green__is_explained(error))
        green__fail(error, "waiting for an offloaded call");
    return error;
}

int green__job_run(green_hub *hub, green_offload_pool *pool, green_job *job, int64_t timeout) {
    int error = prepare(hub, job);
    if (error == 0)
        error = green__begin(hub, timeout);
    if (error == 0)
        error = green__workers_put(pool, job);
    if (error < 0)
        return error;
    error = wait_for(hub, job, &interruptible, timeout);
    if (error >= 0 || green__workers_take_back(pool, job))
        recycle_eventfd(hub, job);
    return error < 0 ? error : 0;
}

int green__job_run_uninterruptible(green_hub *hub, green_offload_pool *pool, green_job *job) {
    int error = prepare(hub, job);
    if (error == 0)
        error = green__workers_put(pool, job);
    if (error < 0)
        return error;
    error = wait_for(hub, job, &uninterruptible, GREEN_FOREVER);
    if (error < 0 && green__workers_take_back(pool, job))
        return error;
    /* The engine failed to wait, and a worker has the job: wait with the OS thread. */
    while (error < 0 && eventfd_read(job->done_fd, &(eventfd_t){0}) < 0 && errno == EINTR)
        ;
    check_ended(job);
    recycle_eventfd(hub, job);
    return 0;
}

int green__job_run_detached(green_offload_pool *pool, green_job *job) {
    job->done_fd = -1;
    return green__workers_put(pool, job);
}
