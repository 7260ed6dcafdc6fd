/* Native threads for what cannot be green: a call that blocks in the kernel or
 * in somebody else's lock. A pool makes them on demand, for all hubs. */
#ifndef GREEN_OFFLOAD_JOB_H
#define GREEN_OFFLOAD_JOB_H

#include "../base/lock.h"
#include "../core/io.h"

#include <green/offload.h>

/* Work and its record, in one allocation that `release` frees. It has two
 * owners, the green thread and the pool; the later one releases it. */
typedef struct green_job {
    void (*run)(struct green_job *job);     /* on a native thread */
    void (*release)(struct green_job *job); /* on either side */
    struct green_job *next;
    int done_fd; /* an eventfd; -1: nobody waits */
    bool queued; /* for a native thread; under the pool's lock */
    bool ended;
    int owners;
} green_job;

struct green_offload_pool {
    green_lock lock;
    pthread_cond_t work;
    green_job *first, **last;
    unsigned queued;        /* jobs in that list */
    unsigned threads, busy; /* native threads, and those with a job */
    unsigned threads_max, queue_limit;
    int64_t idle_time; /* after which an idle thread ends */
    char name[GREEN_OFFLOAD_NAME_MAX + 1];
    unsigned handles;       /* none: it goes with its last native thread */
    green_job *parent_jobs; /* the jobs that a forked child has seen of its parent's */
};

void green__workers_after_fork(green_lock *lock);

/* clang-format off */
#define GREEN_OFFLOAD_POOL(self, title, limit)                                                                         \
    {                                                                                                                  \
        .lock = GREEN_LOCK_INITIALIZER(green__workers_after_fork), .work = PTHREAD_COND_INITIALIZER,                       \
        .last = &(self).first, .threads_max = (limit), .idle_time = 10 * GREEN_SECOND, .name = (title), .handles = 1,  \
    }
/* clang-format on */

/* Runs the job while the calling green thread waits. 0, or the -errno that kept
 * it from running or interrupted the wait; then it runs to its end unseen, or
 * never when it has not begun. In every case the caller is done with the job by
 * green__job_release(). */
int green__job_run(green_hub *hub, green_offload_pool *pool, green_job *job, int64_t timeout);

/* The same, but that nothing interrupts the wait: once it returns, the job has run
 * to its end, or never will. So the job may work on memory of the caller's. */
int green__job_run_uninterruptible(green_hub *hub, green_offload_pool *pool, green_job *job);

/* Has the job run though nobody waits for it. The pool becomes an owner of it, beside
 * those that it has; -errno: it does not, and the job never runs. */
int green__job_run_detached(green_offload_pool *pool, green_job *job);

void green__job_release(green_job *job);

#endif
