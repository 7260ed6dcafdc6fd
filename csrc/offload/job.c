#include "job.h"

#include <stdio.h>

/* On the stack of the thread that waits. */
struct job_wait {
    green_shared_wait wait;
    green_job *job;
};

static bool leave(green_shared_wait *wait) {
    green_job *job = GREEN_CONTAINER(wait, struct job_wait, wait)->job;
    return __atomic_compare_exchange_n(&job->waiter, &wait, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for an offloaded call");
}

static const green_shared_wait_kind interruptible = {{green__shared_wait_cancel, describe}, leave};
static const green_shared_wait_kind uninterruptible = {{NULL, describe}, leave};

static void prepare(struct job_wait *wait, green_job *job, const green_shared_wait_kind *kind) {
    green__shared_wait_init(&wait->wait, kind);
    wait->job = job;
    job->owners = 1;
    job->waiter = &wait->wait;
}

static int wait_for(struct job_wait *wait, int64_t timeout) {
    int error = green__shared_wait_outside(&wait->wait, timeout);
    GREEN_INVARIANT(error < 0 || __atomic_load_n(&wait->job->ended, __ATOMIC_ACQUIRE),
                    "a job that woke its thread has ended");
    return error;
}

int green__job_run(green_hub *hub, green_offload_pool *pool, green_job *job, int64_t timeout) {
    struct job_wait local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    prepare(wait, job, &interruptible);
    int error = green__begin(hub, timeout);
    if (error == 0)
        error = green__workers_put(pool, job);
    if (error < 0)
        return error;
    error = wait_for(wait, timeout);
    if (error < 0)
        green__workers_take_back(pool, job);
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "an offloaded call has not ended");
    else if (error < 0 && !green__is_explained(error))
        green__fail(error, "waiting for an offloaded call");
    return error;
}

int green__job_run_uninterruptible(green_offload_pool *pool, green_job *job) {
    struct job_wait wait;
    prepare(&wait, job, &uninterruptible);
    int error = green__workers_put(pool, job);
    return error < 0 ? error : wait_for(&wait, GREEN_FOREVER);
}

int green__job_run_detached(green_offload_pool *pool, green_job *job) {
    job->waiter = NULL;
    return green__workers_put(pool, job);
}
