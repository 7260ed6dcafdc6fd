#include "workers.h"

#include "../base/error.h"
#include "../base/os_thread.h"
#include "../base/timespec.h"
#include "../core/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The stack size is that of a green thread. Unused pages cost no memory. */
enum { THREADS_DEFAULT = 16, STACK_SIZE = 1024 * 1024 };

/* Workers do not exist in a forked child, and the queued jobs belong to the parent. */
void green__workers_after_fork(green_lock *lock) {
    green_offload_pool *pool = GREEN_CONTAINER(lock, green_offload_pool, lock);
    pool->work = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    pool->parent_jobs = pool->first;
    pool->first = NULL;
    pool->last = &pool->first;
    pool->queued = pool->threads = pool->busy = pool->emptying = 0;
    green__wait_list_init(&pool->idle_waiters);
    green__wait_list_init(&pool->empty_waiters);
}

static void pool_free(green_offload_pool *pool) {
    green__lock_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    free(pool);
}

/* Workers ---------------------------------------------------------------------- */

/* The time is measured by the monotonic clock, so that setting the system's date has no
 * effect. */
static int wait_for_signal(green_offload_pool *pool) {
    if (pool->idle_time < 0)
        return green__pthread.cond_wait(&pool->work, &pool->lock.mutex);
    int64_t until = green__time_add(green_now(), pool->idle_time);
    struct timespec time = green__timespec_of(until);
    return green__pthread.cond_clockwait(&pool->work, &pool->lock.mutex, CLOCK_MONOTONIC, &time);
}

/* Returns false after the idle time. */
static bool wait_for_work(green_offload_pool *pool) {
    green__os_thread_rest_begin();
    int error = wait_for_signal(pool);
    green__os_thread_rest_end();
    return error == 0;
}

/* Whether the pool was shrunk, and has more workers than it may have. */
static bool has_too_many(const green_offload_pool *pool) {
    return pool->threads > pool->threads_max;
}

static bool keeps_idle_workers(const green_offload_pool *pool) {
    return pool->handles > 0 && pool->emptying == 0 && !has_too_many(pool);
}

/* The next job, or NULL if the worker must end. Called with the lock held. */
static green_job *next_job(green_offload_pool *pool) {
    while (!pool->first && keeps_idle_workers(pool) && wait_for_work(pool))
        ;
    green_job *job = pool->first;
    if (!job || has_too_many(pool))
        return NULL;
    if (!(pool->first = job->next))
        pool->last = &pool->first;
    pool->queued--;
    job->queued = false;
    return job;
}

/* The waiting thread may have left: then it is not woken. */
static void end(green_job *job) {
    __atomic_store_n(&job->ended, true, __ATOMIC_RELEASE);
    green_shared_wait *waiter = __atomic_exchange_n(&job->waiter, NULL, __ATOMIC_ACQUIRE);
    if (waiter) {
        waiter->served = true;
        green__shared_wait_wake(waiter);
    }
    green__job_release(job);
}

/* Called with the lock held. Releases it for a moment if a thread waits for this state. */
static void announce(green_offload_pool *pool) {
    green_wait_list taken;
    green__workers_take_waits(pool, &taken);
    if (green__wait_list_is_empty(&taken))
        return;
    green__unlock(&pool->lock);
    green__workers_wake(&taken);
    green__lock(&pool->lock);
}

static void *work(void *argument) {
    green_offload_pool *pool = argument;
    green__os_thread_set_name(pool->name);
    green__lock(&pool->lock);
    for (green_job *job; (job = next_job(pool));) {
        pool->busy++;
        green__unlock(&pool->lock);
        job->run(job);
        end(job);
        green__lock(&pool->lock);
        pool->busy--;
        announce(pool);
    }
    green_wait_list taken;
    bool is_last = --pool->threads == 0 && pool->handles == 0;
    green__workers_take_waits(pool, &taken);
    green__unlock(&pool->lock);
    green__workers_wake(&taken);
    if (is_last)
        pool_free(pool);
    return NULL;
}

/* Called with the lock held. */
static int add_thread(green_offload_pool *pool) {
    int error = green__os_thread_start(NULL, STACK_SIZE, work, pool);
    pool->threads += error == 0;
    return error;
}

void green__workers_start(green_offload_pool *pool) {
    while (pool->queued > pool->threads - pool->busy && pool->threads < pool->threads_max && add_thread(pool) == 0)
        ;
}

/* Waits ------------------------------------------------------------------------ */

static void take_all(green_wait_list *list, green_wait_list *taken) {
    for (green_shared_wait *wait; (wait = green__shared_wait_take(list));)
        green__wait_list_append(taken, &wait->wait);
}

void green__workers_take_waits(green_offload_pool *pool, green_wait_list *taken) {
    green__wait_list_init(taken);
    if (pool->queued > 0 || pool->busy > 0)
        return;
    take_all(&pool->idle_waiters, taken);
    if (pool->threads == 0)
        take_all(&pool->empty_waiters, taken);
}

void green__workers_wake(green_wait_list *taken) {
    for (green_wait *wait; (wait = green__wait_list_take(taken));)
        green__shared_wait_wake(GREEN_CONTAINER(wait, green_shared_wait, wait));
}

/* Jobs ------------------------------------------------------------------------- */

static void append(green_offload_pool *pool, green_job *job) {
    job->next = NULL;
    job->queued = true;
    job->owners++;
    *pool->last = job;
    pool->last = &job->next;
    pool->queued++;
    green__pthread.cond_signal(&pool->work);
}

/* Whether at least count more jobs are queued than idle workers will take. */
static bool is_behind(const green_offload_pool *pool, unsigned count) {
    return pool->queued >= (uint64_t)(pool->threads - pool->busy) + count;
}

int green__workers_put(green_offload_pool *pool, green_job *job) {
    int error = green__lock_register(&pool->lock);
    if (error < 0)
        return error;
    green__lock(&pool->lock);
    if (is_behind(pool, 0) && pool->threads < pool->threads_max)
        error = add_thread(pool);
    if (pool->threads == 0) {
        green__fail(error, "cannot offload a call: cannot start an OS thread");
    } else if (pool->queue_limit > 0 && is_behind(pool, pool->queue_limit)) {
        error =
            green__fail(-EAGAIN, "cannot offload a call: the queue of '%s' is full (%u calls wait for %u OS threads)",
                        pool->name, pool->queued, pool->threads);
    } else {
        append(pool, job);
        error = 0;
    }
    green__unlock(&pool->lock);
    return error;
}

bool green__workers_take_back(green_offload_pool *pool, green_job *job) {
    green__lock(&pool->lock);
    bool queued = job->queued;
    if (queued) {
        green_job **place = &pool->first;
        while (*place != job)
            place = &(*place)->next;
        if (!(*place = job->next))
            pool->last = place;
        pool->queued--;
        job->queued = false;
        job->owners--;
    }
    green_wait_list taken;
    green__workers_take_waits(pool, &taken);
    green__unlock(&pool->lock);
    green__workers_wake(&taken);
    return queued;
}

void green__job_release(green_job *job) {
    if (__atomic_sub_fetch(&job->owners, 1, __ATOMIC_ACQ_REL) == 0)
        job->release(job);
}

/* Pools ------------------------------------------------------------------------ */

int green_offload_pool_make(green_offload_pool **pool, const green_offload_options *given) {
    green_offload_options options = given ? *given : (green_offload_options){0};
    *pool = malloc(sizeof **pool);
    if (!*pool)
        return green__fail(-ENOMEM, "cannot make an offload pool");
    **pool = (green_offload_pool)GREEN_OFFLOAD_POOL(**pool, "", options.threads ? options.threads : THREADS_DEFAULT);
    (*pool)->queue_limit = options.queue_limit;
    if (options.idle != 0)
        (*pool)->idle_time = options.idle;
    strncpy((*pool)->name, options.name ? options.name : "green-offload", GREEN_OFFLOAD_NAME_MAX);
    int error = green__lock_register(&(*pool)->lock);
    if (error < 0) {
        free(*pool);
        *pool = NULL;
    }
    return error;
}

void green_offload_pool_free(green_offload_pool *pool) {
    if (!pool)
        return;
    green__lock(&pool->lock);
    bool is_last = --pool->handles == 0 && pool->threads == 0;
    green__pthread.cond_broadcast(&pool->work);
    green__unlock(&pool->lock);
    if (is_last)
        pool_free(pool);
}
