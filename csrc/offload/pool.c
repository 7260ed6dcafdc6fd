/* Resizing and emptying pools, and their counts. */
#include "workers.h"

#include <stdio.h>

static green_offload_pool *pool_or_shared(green_offload_pool *pool) {
    return pool ? pool : &green__offload_shared;
}

int green_offload_pool_resize(green_offload_pool *given, unsigned threads) {
    green_offload_pool *pool = pool_or_shared(given);
    if (threads == 0)
        return green__fail(-EINVAL, "cannot resize an offload pool to 0 OS threads: it needs at least one");
    int error = green__lock_register(&pool->lock);
    if (error < 0)
        return error;
    green__lock(&pool->lock);
    pool->threads_max = threads;
    green__workers_start(pool);
    green__pthread.cond_broadcast(&pool->work);
    green__unlock(&pool->lock);
    return 0;
}

/* Waits -------------------------------------------------------------------- */

struct pool_wait {
    green_shared_wait wait;
    green_offload_pool *pool;
};

static bool leave(green_shared_wait *wait) {
    green_offload_pool *pool = GREEN_CONTAINER(wait, struct pool_wait, wait)->pool;
    green__lock(&pool->lock);
    bool left = green__shared_wait_remove(wait);
    green__unlock(&pool->lock);
    return left;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for the calls of an offload pool");
}

static const green_shared_wait_kind ends = {{green__shared_wait_cancel, describe}, leave};

static bool is_idle(const green_offload_pool *pool, bool without_workers) {
    return pool->queued == 0 && pool->busy == 0 && (pool->threads == 0 || !without_workers);
}

/* Called with the lock held, which it releases. */
static int wait_locked(green_offload_pool *pool, bool without_workers, int64_t timeout) {
    struct pool_wait local, *wait = GREEN_SHARED_WAIT_MEMORY(local);
    if (is_idle(pool, without_workers) || timeout == 0) {
        int error = is_idle(pool, without_workers) ? 0 : -ETIMEDOUT;
        green__unlock(&pool->lock);
        return error;
    }
    green__shared_wait_init(&wait->wait, &ends);
    wait->pool = pool;
    green__wait_list_append(without_workers ? &pool->empty_waiters : &pool->idle_waiters, &wait->wait.wait);
    green__unlock(&pool->lock);
    return green__shared_wait_outside(&wait->wait, timeout);
}

static int explain(int error, const char *what, int64_t timeout) {
    if (error == -ETIMEDOUT)
        return green__fail_timed_out(timeout, "the %s of an offload pool have not ended", what);
    if (error < 0 && !green__is_explained(error) && error != -ENOMEM)
        return green__fail(error, "waiting for the %s of an offload pool", what);
    return error;
}

static int begin(green_offload_pool *pool, int64_t timeout) {
    int error = green__lock_register(&pool->lock);
    return error < 0 ? error : green__shared_begin(timeout);
}

int green_offload_pool_wait(green_offload_pool *given, int64_t timeout) {
    green_offload_pool *pool = pool_or_shared(given);
    int error = begin(pool, timeout);
    if (error < 0)
        return error;
    green__lock(&pool->lock);
    return explain(wait_locked(pool, false, timeout), "calls", timeout);
}

int green_offload_pool_empty(green_offload_pool *given, int64_t timeout) {
    green_offload_pool *pool = pool_or_shared(given);
    int error = begin(pool, timeout);
    if (error < 0)
        return error;
    green__lock(&pool->lock);
    pool->emptying++;
    green__pthread.cond_broadcast(&pool->work);
    error = wait_locked(pool, true, timeout);
    green__lock(&pool->lock);
    pool->emptying--;
    green__unlock(&pool->lock);
    return explain(error, "workers", timeout);
}

/* Counts ------------------------------------------------------------------- */

/* A counter that the lock guards. */
static unsigned count(green_offload_pool *pool, const unsigned *counter) {
    green__lock(&pool->lock);
    unsigned value = *counter;
    green__unlock(&pool->lock);
    return value;
}

unsigned green_offload_pool_size(green_offload_pool *given) {
    green_offload_pool *pool = pool_or_shared(given);
    return count(pool, &pool->threads_max);
}

unsigned green_offload_pool_workers(green_offload_pool *given) {
    green_offload_pool *pool = pool_or_shared(given);
    return count(pool, &pool->threads);
}

unsigned green_offload_pool_running(green_offload_pool *given) {
    green_offload_pool *pool = pool_or_shared(given);
    return count(pool, &pool->busy);
}

unsigned green_offload_pool_waiting(green_offload_pool *given) {
    green_offload_pool *pool = pool_or_shared(given);
    return count(pool, &pool->queued);
}
