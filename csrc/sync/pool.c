/* Pools: bounds on how many green threads run at the same time. */
#include "../core/exit_observer.h"
#include "../core/hub.h"
#include "../core/thread.h"
#include "hub_affinity.h"
#include "kill_and_wait.h"

#include <green/pool.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A thread of a pool. */
struct member {
    green_exit_observer exit_observer; /* in the list of spare members: its next is the next spare */
    green_pool *pool;
};

/* No thread waits for room while there is any: a released slot belongs at once to
 * the spawner that has waited longest, so that no later caller can take it. */
struct green_pool {
    green_hub *hub;
    int64_t size;
    int64_t running; /* slots in use, also by woken spawners; the pool exists at least until it is 0 */
    green_wait_list spawners;
    green_wait_list idle; /* in green_pool_wait() */
    green_exit_observer *spare;
    bool freed;
    green_foreign_release foreign_release;
};

/* A wait in one of the two lists. A thread that is woken with an error does not use
 * the pool again, which may have been freed. */
struct pool_wait {
    green_wait wait;
    green_pool *pool;
};

static green_pool *pool_of(const green_wait *wait) {
    return GREEN_CONTAINER(wait, const struct pool_wait, wait)->pool;
}

static bool is_idle(const green_pool *pool) {
    return pool->running == 0 && green__wait_list_is_empty(&pool->spawners);
}

static void wake_if_idle(green_pool *pool) {
    if (!is_idle(pool))
        return;
    green__ready_all(&pool->idle);
}

static void cancel_spawn(green_wait *wait) {
    green_pool *pool = pool_of(wait);
    green__wait_leave_list(wait);
    wake_if_idle(pool);
}

static void describe_spawner(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "waiting for room in a pool of %" PRId64 " green threads", pool_of(wait)->size);
}

static void describe_idle(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "waiting for the %" PRId64 " green threads of a pool", pool_of(wait)->running);
}

static const green_wait_kind awaiting_room = {cancel_spawn, describe_spawner};
static const green_wait_kind awaiting_idle = {green__wait_leave_list, describe_idle};

static int wait_in(green_wait_list *list, const green_wait_kind *kind, green_pool *pool, int64_t timeout) {
    struct pool_wait wait = {.pool = pool};
    int error = green__wait_in_list(pool->hub, &wait.wait, kind, list, timeout);
    if (error < 0 && wait.wait.cause == -EBADF)
        green__fail(error, "the pool was freed while a green thread waited for it");
    else if (error < 0 && wait.wait.cause == -ETIMEDOUT)
        green__fail_timed_out(timeout, kind == &awaiting_room ? "cannot spawn: the pool had no room"
                                                              : "not all green threads of a pool have finished");
    return error;
}

static void destroy(green_pool *pool) {
    for (green_exit_observer *spare; (spare = pool->spare);) {
        pool->spare = spare->next;
        free(GREEN_CONTAINER(spare, struct member, exit_observer));
    }
    free(pool);
}

/* Gives free slots to the waiting spawners. */
static void admit(green_pool *pool) {
    while (pool->running < pool->size && !green__wait_list_is_empty(&pool->spawners)) {
        pool->running++;
        green__ready(green__wait_list_take(&pool->spawners)->thread);
    }
}

/* Releases a slot: its thread has ended, or could not be created. */
static void slot_give(green_pool *pool) {
    pool->running--;
    admit(pool);
    wake_if_idle(pool);
    if (pool->freed && pool->running == 0)
        destroy(pool);
}

static void member_exited(green_exit_observer *exit_observer, green_thread *thread) {
    (void)thread;
    green_pool *pool = GREEN_CONTAINER(exit_observer, struct member, exit_observer)->pool;
    exit_observer->next = pool->spare;
    pool->spare = exit_observer;
    slot_give(pool);
}

static bool has_member(const green_thread *thread, const green_pool *pool) {
    for (const green_exit_observer *exit_observer = thread->exit_observers; exit_observer;
         exit_observer = exit_observer->next)
        if (exit_observer->exited == member_exited &&
            GREEN_CONTAINER(exit_observer, const struct member, exit_observer)->pool == pool)
            return true;
    return false;
}

static struct member *member_make(green_pool *pool) {
    struct member *member = malloc(sizeof *member);
    if (member)
        *member = (struct member){.exit_observer.exited = member_exited, .pool = pool};
    return member;
}

static inline struct member *member_take(green_pool *pool) {
    green_exit_observer *spare = pool->spare;
    if (GREEN_UNLIKELY(!spare))
        return member_make(pool);
    pool->spare = spare->next;
    return GREEN_CONTAINER(spare, struct member, exit_observer);
}

/* Creates a thread for a slot that the caller owns. */
static int start(green_pool *pool, green_thread **handle, const green_spawn_options *options, green_function *function,
                 void *argument) {
    green_thread *thread = NULL;
    struct member *member = member_take(pool);
    int error = -ENOMEM;
    if (!member) {
        green__fail(error, "cannot spawn another green thread of a pool");
        goto no_member;
    }
    error = options ? green_spawn_with(&thread, options, function, argument) : green_spawn(&thread, function, argument);
    if (error < 0)
        goto no_thread;
    green__exit_observer_add(thread, &member->exit_observer);
    if (handle)
        *handle = thread;
    else
        green_thread_release(thread);
    return 0;

no_thread:
    member->exit_observer.next = pool->spare;
    pool->spare = &member->exit_observer;
no_member:
    slot_give(pool);
    return error;
}

/* Calls the function on the caller's stack, and creates the handle of a finished
 * thread for it. The function may free the pool. */
static int call_in_place(green_hub *hub, green_thread **handle, const green_spawn_options *options,
                         green_function *function, void *argument) {
    int error = green__begin(hub, GREEN_FOREVER);
    if (error == 0 && options && options->delay > 0)
        error = green_sleep(options->delay);
    if (error < 0)
        return error;
    green_thread *thread = green__thread_finished_inline(hub);
    if (!thread)
        return green__fail(-ENOMEM, "cannot spawn another green thread of a pool");
    if (options && options->name)
        green__thread_set_name(thread, options->name);
    uint64_t deliveries = hub->current->deliveries;
    int result = thread->result = function(argument);
    /* The caller was interrupted and must learn about it. It does, so the error is
     * not reported as unobserved. */
    bool interrupted = result < 0 && hub->current->deliveries != deliveries;
    thread->observed = interrupted;
    if (result < 0)
        green__message_forward(green__message_slot_of(hub->current), result, &thread->message);
    if (handle)
        *handle = thread;
    else
        green_thread_release(thread);
    return interrupted ? result : 0;
}

int green_pool_spawn(green_pool *pool, green_thread **thread, const green_spawn_options *options,
                     green_function *function, void *argument, int64_t timeout) {
    if (thread)
        *thread = NULL;
    int error = green__hub_affinity_enter(&pool->hub, "pool");
    if (GREEN_UNLIKELY(error < 0))
        return error;
    if (GREEN_LIKELY(pool->running < pool->size)) {
        pool->running++;
        return start(pool, thread, options, function, argument);
    }
    if (green_pool_is_inside(pool))
        return call_in_place(pool->hub, thread, options, function, argument);
    if (timeout == 0)
        return green__fail_timed_out(0, "cannot spawn: a pool of %" PRId64 " green threads is full", pool->size);
    error = wait_in(&pool->spawners, &awaiting_room, pool, timeout);
    return error < 0 ? error : start(pool, thread, options, function, argument);
}

int green_pool_wait(green_pool *pool, int64_t timeout) {
    int error = green__hub_affinity_enter(&pool->hub, "pool");
    if (error < 0)
        return error;
    if (green_pool_is_inside(pool))
        return green__fail(-EDEADLK, "a green thread of a pool waits for all threads of the pool");
    if (is_idle(pool))
        return 0;
    if (timeout == 0)
        return green__fail_timed_out(0, "%" PRId64 " green threads of the pool run and %zu wait for room",
                                     pool->running, green_pool_waiting(pool));
    return wait_in(&pool->idle, &awaiting_idle, pool, timeout);
}

int green_pool_make(green_pool **made, int64_t size) {
    if (size < 0)
        return green__fail(-EINVAL, "cannot create a pool of %" PRId64 " green threads: the size is negative", size);
    green_pool *pool = malloc(sizeof *pool);
    if (!pool)
        return green__fail(-ENOMEM, "cannot create a pool");
    *pool = (green_pool){.size = size};
    green__wait_list_init(&pool->spawners);
    green__wait_list_init(&pool->idle);
    *made = pool;
    return 0;
}

/* The last running thread destroys the pool. */
static void destroy_when_empty(green_pool *pool) {
    if (pool->running == 0)
        destroy(pool);
    else
        pool->freed = true;
}

static void foreign_released(green_post *post, int error) {
    green_pool *pool = GREEN_CONTAINER(post, green_pool, foreign_release.post);
    if (error < 0)
        destroy_when_empty(pool);
    else
        green_pool_free(pool);
}

void green_pool_free(green_pool *pool) {
    if (!pool)
        return;
    if (green__hub_affinity_is_foreign(pool->hub)) {
        if (green__foreign_release(pool->hub, &pool->foreign_release, foreign_released) > 0)
            destroy_when_empty(pool);
        return;
    }
    green__wait_list_end(&pool->idle, -EBADF); /* first, because the last spawner that leaves makes the pool idle */
    green__wait_list_end(&pool->spawners, -EBADF);
    destroy_when_empty(pool);
}

static void kill_member(green_thread *thread, void *pool) {
    if (has_member(thread, pool))
        green__thread_kill_unless_current(thread);
}

/* Looks at all threads of the hub, because a list of the members would cost each spawn. */
int green_pool_kill_all(green_pool *pool) {
    int error = green__hub_affinity_check(&pool->hub, "pool");
    if (error == 0)
        green__hub_each_thread(pool->hub, kill_member, pool);
    return error;
}

struct visit {
    const green_pool *pool;
    void (*visit)(green_thread *thread, void *context);
    void *context;
};

static void visit_member(green_thread *thread, void *context) {
    const struct visit *visit = context;
    if (has_member(thread, visit->pool))
        visit->visit(thread, visit->context);
}

static void each_member(void *pool, void (*visit)(green_thread *, void *), void *context) {
    green__hub_each_thread(((green_pool *)pool)->hub, visit_member, &(struct visit){pool, visit, context});
}

int green_pool_kill_all_and_wait(green_pool *pool, int64_t timeout) {
    int error = green__hub_affinity_check(&pool->hub, "pool");
    return error < 0 ? error : green__kill_and_wait(pool->hub, each_member, pool, timeout);
}

int green_pool_resize(green_pool *pool, int64_t size) {
    if (size < 0)
        return green__fail(-EINVAL, "cannot resize a pool to %" PRId64 " green threads: the size is negative", size);
    int error = green__hub_affinity_check(&pool->hub, "pool");
    if (error < 0)
        return error;
    pool->size = size;
    admit(pool);
    return 0;
}

int64_t green_pool_size(const green_pool *pool) {
    return pool->size;
}

size_t green_pool_running(const green_pool *pool) {
    return (size_t)pool->running;
}

int64_t green_pool_available(const green_pool *pool) {
    return pool->size - pool->running;
}

size_t green_pool_waiting(const green_pool *pool) {
    return green__wait_list_count(&pool->spawners);
}

bool green_pool_is_inside(const green_pool *pool) {
    return green__hub && has_member(green__hub->current, pool);
}
