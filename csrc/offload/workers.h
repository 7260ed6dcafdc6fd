/* Offload pools: OS threads, called workers, that run jobs which must not block a hub.
 *
 * A pool starts its workers on demand and serves all hubs of the process. The room has three
 * layers:
 *
 *   workers.c   the pool: a queue of jobs, and the workers that run them
 *   job.c       a green thread that waits for its job
 *   offload.c   the public green_offload()
 *
 * and pool.c, which resizes and empties pools. */
#ifndef GREEN_OFFLOAD_WORKERS_H
#define GREEN_OFFLOAD_WORKERS_H

#include "../base/lock.h"
#include "../core/shared_wait.h"

#include <green/offload.h>

/* A piece of work, with its record in one allocation that release() frees.
 *
 * A job has up to two owners, the caller and the pool; release() runs when both have
 * released it, on the OS thread of the last one. So a caller that is interrupted can leave
 * while the job still runs. */
typedef struct green_job {
    void (*run)(struct green_job *job);     /* on a worker */
    void (*release)(struct green_job *job); /* on a worker or on the caller's OS thread */
    struct green_job *next;                 /* in the pool's queue */
    green_shared_wait *waiter;              /* ended when the job has run; NULL: no thread waits; atomic */
    bool queued;                            /* no worker has taken it; guarded by the pool's lock */
    bool ended;                             /* it has run; atomic */
    int owners;                             /* atomic */
} green_job;

struct green_offload_pool {
    green_lock lock; /* guards everything below */
    pthread_cond_t work;
    green_job *first, **last; /* the queue */
    unsigned queued;          /* jobs in the queue */
    unsigned threads, busy;   /* workers, and those that run a job */
    unsigned threads_max, queue_limit;
    int64_t idle_time; /* nanoseconds after which an idle worker ends; negative: never */
    char name[GREEN_OFFLOAD_NAME_MAX + 1];
    unsigned emptying;             /* calls of green_offload_pool_empty() that wait: idle workers end */
    green_wait_list idle_waiters;  /* until no job is queued or runs */
    green_wait_list empty_waiters; /* until there is no worker either */
    unsigned handles;              /* 0: freed by its owner; the last worker frees the memory */
    green_job *parent_jobs;        /* in a forked child: the parent's queue, which keeps its memory reachable */
};

/* The lock's fork handler: resets the pool in a forked child. */
void green__workers_after_fork(green_lock *lock);

/* The initial value of a static pool. */
/* clang-format off */
#define GREEN_OFFLOAD_POOL(self, title, limit)                                                                         \
    {                                                                                                                  \
        .lock = GREEN_LOCK_INITIALIZER(green__workers_after_fork), .work = PTHREAD_COND_INITIALIZER,                   \
        .last = &(self).first, .threads_max = (limit), .idle_time = 10 * GREEN_SECOND, .name = (title), .handles = 1,  \
        .idle_waiters = {&(self).idle_waiters, &(self).idle_waiters},                                                  \
        .empty_waiters = {&(self).empty_waiters, &(self).empty_waiters},                                               \
    }
/* clang-format on */

/* Queues the job, and starts a worker for it if none is free and the limit allows. The pool
 * becomes an owner of the job.
 *
 * Returns 0, or -errno, explained, and the job never runs:
 *   -EAGAIN  the queue is full, or the system cannot start the first worker
 *   -ENOMEM  out of memory
 *
 * Any thread may call it. It does not block. */
int green__workers_put(green_offload_pool *pool, green_job *job);

/* Removes a job from the queue, so that it never runs, and ends the pool's ownership.
 * Returns false if a worker has taken the job. Any thread may call it. */
bool green__workers_take_back(green_offload_pool *pool, green_job *job);

/* Starts workers for queued jobs that no idle worker will take, as far as the limit and the
 * system allow. Call it with the lock. */
void green__workers_start(green_offload_pool *pool);

/* The pool of green_offload() without a pool. */
extern green_offload_pool green__offload_shared;

/* Moves the waits for the present state of the pool to a list. Call it with the lock. */
void green__workers_take_waits(green_offload_pool *pool, green_wait_list *taken);

/* Ends the waits of the list. Call it without the lock: the pool may be freed by then. */
void green__workers_wake(green_wait_list *taken);

/* Ends the caller's ownership of the job. Any thread may call it. */
void green__job_release(green_job *job);

#endif
