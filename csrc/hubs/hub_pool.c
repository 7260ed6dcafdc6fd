#include "../base/message.h"
#include "../base/pthread.h"
#include "../core/fork.h"
#include "../core/interrupt.h"
#include "pool_hub.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HUBS_MAX = 1024 };

/* Memory ----------------------------------------------------------------------- */

static void pool_free(green_hub_pool *pool) {
    for (size_t i = 0; i < pool->count; i++) {
        green_hub_release(pool->hubs[i].hub);
        free(pool->hubs[i].message);
    }
    green__cpus_free(&pool->cpus);
    free(pool);
}

static void disown(green_hub_pool *pool) {
    if (__atomic_sub_fetch(&pool->owners, 1, __ATOMIC_ACQ_REL) == 0)
        pool_free(pool);
}

static void stop_running(green_hub_pool *pool) {
    if (__atomic_sub_fetch(&pool->running, 1, __ATOMIC_ACQ_REL) == 0)
        green__latch_open(&pool->ended);
}

void green__hub_pool_ended(green_hub_pool *pool) {
    stop_running(pool);
    disown(pool);
}

static green_hub_pool *pool_alloc(const green_hub_pool_options *options, size_t count) {
    green_hub_pool *pool = calloc(1, sizeof *pool + count * sizeof *pool->hubs);
    if (!pool)
        return NULL;
    pool->handles = 1;
    pool->owners = 1;  /* the handles, which the maker has until it returns */
    pool->running = 1; /* the maker */
    pool->generation = green__generation;
    pool->options = options->hub;
    pool->count = count;
    strncpy(pool->name, options->name ? options->name : "hub", GREEN_POOL_NAME_MAX);
    green_latch *const latches[] = {&pool->stop, &pool->ended, &pool->joined};
    for (size_t i = 0; i < sizeof latches / sizeof *latches; i++)
        green__latch_init(latches[i]);
    for (size_t i = 0; i < count; i++) {
        pool->hubs[i].pool = pool;
        pool->hubs[i].index = i;
        green__latch_init(&pool->hubs[i].started);
    }
    return pool;
}

static int check_may_block(const char *call) {
    if (!green__hub || !green__hub->current->must_not_block)
        return 0;
    if (green__hub->current->must_not_block != GREEN_IN_DESTRUCTOR)
        return green__refuse_to_block(green__hub->current);
    return green__fail(-EWOULDBLOCK, "%s: cannot block in a link or a destructor of a green thread", call);
}

/* Making ----------------------------------------------------------------------- */

static void describe_start(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "making the hubs of a pool");
}

static void describe_close(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for the hubs of a pool to end");
}

/* One after the other, so that an error belongs to the first hub that cannot be made. Returns
 * how many OS threads were started. */
static size_t start_all(green_hub_pool *pool) {
    for (size_t i = 0; i < pool->count; i++) {
        green_pool_hub *hub = &pool->hubs[i];
        __atomic_fetch_add(&pool->owners, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&pool->running, 1, __ATOMIC_RELAXED);
        if (green__pool_hub_start(hub) < 0) {
            stop_running(pool);
            __atomic_fetch_sub(&pool->owners, 1, __ATOMIC_RELAXED); /* not the last */
            return i;
        }
        green__latch_await(&hub->started, describe_start);
        if (!hub->hub)
            return i + 1;
    }
    return pool->count;
}

static void join_all(green_hub_pool *pool, size_t count) {
    for (size_t i = 0; i < count; i++)
        green__pthread.join(pool->hubs[i].os_thread, NULL);
}

/* Stores the message of the first hub that was not made. Returns its error. */
static int explain_failure(const green_hub_pool *pool) {
    char text[GREEN_MESSAGE_MAX];
    const green_pool_hub *hub = pool->hubs;
    while (hub->error == 0)
        hub++;
    if (!hub->message)
        return green__fail(hub->error, "green_hub_pool_make: hub %zu of %zu", hub->index + 1, pool->count);
    snprintf(text, sizeof text, "green_hub_pool_make: hub %zu of %zu: %s", hub->index + 1, pool->count, hub->message);
    green__message_store(hub->error, text);
    return hub->error;
}

static int make(green_hub_pool *pool) {
    size_t started = start_all(pool);
    bool made = pool->hubs[pool->count - 1].hub;
    if (!made)
        green__latch_open(&pool->stop);
    stop_running(pool); /* the maker */
    if (made)
        return 0;
    green__latch_await(&pool->ended, describe_close);
    join_all(pool, started);
    return explain_failure(pool);
}

int green_hub_pool_make(green_hub_pool **result, const green_hub_pool_options *given) {
    green_hub_pool_options options = given ? *given : (green_hub_pool_options){0};
    green_cpus cpus = {0};
    if (options.count > HUBS_MAX)
        return green__fail(-EINVAL, "green_hub_pool_make: count is %zu and must be at most %d", options.count,
                           HUBS_MAX);
    int error = check_may_block("green_hub_pool_make");
    if (error == 0 && (options.count == 0 || options.pinned))
        error = green__cpus_get(&cpus);
    if (error < 0)
        return error;
    size_t count = options.count ? options.count : cpus.count;
    if (!options.pinned)
        green__cpus_free(&cpus);
    green_hub_pool *pool = pool_alloc(&options, count < HUBS_MAX ? count : HUBS_MAX);
    if (!pool) {
        green__cpus_free(&cpus);
        return green__fail(-ENOMEM, "cannot make a hub pool");
    }
    pool->cpus = cpus;
    green__fork_watch();
    error = make(pool);
    if (error < 0)
        disown(pool);
    else
        *result = pool;
    return error;
}

/* References ------------------------------------------------------------------- */

green_hub_pool *green_hub_pool_retain(green_hub_pool *pool) {
    __atomic_fetch_add(&pool->handles, 1, __ATOMIC_RELAXED);
    return pool;
}

/* Whether the caller is the one that joins the OS threads. */
static bool begin_join(green_hub_pool *pool) {
    return !__atomic_exchange_n(&pool->joins, true, __ATOMIC_ACQ_REL);
}

void green_hub_pool_release(green_hub_pool *pool) {
    if (!pool || __atomic_sub_fetch(&pool->handles, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (green__is_inherited(pool->generation)) {
        pool_free(pool); /* the OS threads are the parent's */
        return;
    }
    if (begin_join(pool))
        for (size_t i = 0; i < pool->count; i++)
            pthread_detach(pool->hubs[i].os_thread);
    green__latch_open(&pool->stop);
    disown(pool);
}

size_t green_hub_pool_count(const green_hub_pool *pool) {
    return pool->count;
}

green_hub *green_hub_pool_hub(const green_hub_pool *pool, size_t index) {
    return pool->hubs[index].hub;
}

green_hub *green_hub_pool_next(green_hub_pool *pool) {
    return pool->hubs[__atomic_fetch_add(&pool->next, 1, __ATOMIC_RELAXED) % pool->count].hub;
}

/* Closing ---------------------------------------------------------------------- */

static int wait_for(green_latch *latch, int64_t timeout) {
    if (green__latch_is_open(latch))
        return 0;
    int error = timeout == 0 ? -ETIMEDOUT : green__shared_begin(timeout);
    return error < 0 ? error : green__latch_wait(latch, describe_close, timeout);
}

static void kill_all(green_hub_pool *pool) {
    for (size_t i = 0; i < pool->count; i++)
        green__pool_hub_kill(&pool->hubs[i]);
}

/* Of several closes at the same time, the first joins, and the others wait for it. */
static int join(green_hub_pool *pool) {
    if (!begin_join(pool))
        return wait_for(&pool->joined, GREEN_FOREVER);
    join_all(pool, pool->count);
    green__latch_open(&pool->joined);
    return 0;
}

/* A second close returns 0. */
static int take_killed(green_hub_pool *pool) {
    uint64_t killed = 0;
    for (size_t i = 0; i < pool->count; i++)
        killed += __atomic_exchange_n(&pool->hubs[i].killed, 0, __ATOMIC_RELAXED);
    return killed < INT_MAX ? (int)killed : INT_MAX;
}

static int close_pool(green_hub_pool *pool, int64_t timeout) {
    green__latch_open(&pool->stop);
    int error = green__hub ? green__check_interrupt(green__hub) : 0;
    if (error == 0)
        error = wait_for(&pool->ended, timeout);
    if (error == -ETIMEDOUT) {
        kill_all(pool);
        error = wait_for(&pool->ended, GREEN_FOREVER);
    }
    if (error == 0)
        error = join(pool);
    return error < 0 ? error : take_killed(pool);
}

static int check_caller(const green_hub_pool *pool) {
    for (size_t i = 0; green__hub && i < pool->count; i++)
        if (pool->hubs[i].hub == green__hub)
            return green__fail(-EDEADLK, "green_hub_pool_close: called by a thread of the pool's hub '%s'",
                               green__hub->name);
    return green__latch_is_open(&pool->joined) ? 0 : check_may_block("green_hub_pool_close");
}

int green_hub_pool_close(green_hub_pool *pool, int64_t timeout) {
    if (green__is_inherited(pool->generation))
        return green__fail(-EXDEV, "green_hub_pool_close: the pool belongs to the process before the fork");
    int error = check_caller(pool);
    if (error < 0)
        return error;
    green_hub_pool_retain(pool); /* another owner may release it during the wait */
    error = close_pool(pool, timeout);
    green_hub_pool_release(pool);
    return error;
}
