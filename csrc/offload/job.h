/* Jobs on workers, for a green thread that waits. */
#ifndef GREEN_OFFLOAD_JOB_H
#define GREEN_OFFLOAD_JOB_H

#include "workers.h"

/* Runs the job on a worker of the pool. Blocks the calling green thread until the job has
 * run, or for up to timeout nanoseconds.
 *
 * Returns 0, or -errno, explained: the error of green__workers_put(), or the error of an
 * interrupt or of the timeout. After an error, a job that a worker has taken runs to
 * its end, and any other job never runs.
 *
 * The caller becomes an owner of the job and must call green__job_release() in every case. */
int green__job_run(green_hub *hub, green_offload_pool *pool, green_job *job, int64_t timeout);

/* Like green__job_run(), but interrupts do not end the wait: when this returns, the job has
 * run or never will. So the job may use the caller's memory. */
int green__job_run_uninterruptible(green_offload_pool *pool, green_job *job);

/* Queues the job and does not wait for it. The pool becomes an owner, beside those that the
 * job has. Returns 0, or -errno, explained, and the job never runs. */
int green__job_run_detached(green_offload_pool *pool, green_job *job);

#endif
