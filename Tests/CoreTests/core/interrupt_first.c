/* Every blocking call checks for a pending interrupt when it begins, whether or not it
 * has to wait: calls that wait for threads, events, queues, semaphores and locks. */
#include "pending.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

/* The objects of the calls, prepared so that no call has to wait. */
static struct {
    green_thread *finished;
    green_event *event;
    green_queue *queue, *idle_queue;
    green_channel *channel;
    green_promise *promise;
    green_semaphore *semaphore;
    green_mutex *mutex;
    green_condition *condition;
    green_rwlock *lock;
    green_pool *pool;
    green_pile *pile, *empty_pile;
    green_group *group, *empty_group;
    green_remote_thread *remote;
    green_hub_pool *hub_pool;
    green_rate_limiter *limiter;
    green_interval interval;
    int counter, sink;
} w;

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

/* Threads ------------------------------------------------------------------ */

static int call_wait(void) {
    return green_thread_wait(w.finished, NULL, GREEN_FOREVER);
}

static int call_wait_zero(void) {
    return green_thread_wait(w.finished, NULL, 0);
}

static int call_yield(void) {
    return green_yield();
}

static int call_sleep(void) {
    return green_sleep(1);
}

static int call_sleep_zero(void) {
    return green_sleep(0);
}

static int call_sleep_until(void) {
    return green_sleep_until(green_now() + 1);
}

static int call_sleep_until_past(void) {
    return green_sleep_until(0);
}

static int call_interval_next(void) {
    return green_interval_next(&w.interval, NULL);
}

static int call_wait_fd(void) {
    return green_wait_fd(w.counter, POLLIN, GREEN_FOREVER);
}

static int call_wait_any(void) {
    return (int)green_wait_any(&w.finished, 1, GREEN_FOREVER);
}

static int call_wait_all(void) {
    return green_wait_all(&w.finished, 1, GREEN_FOREVER);
}

static int call_wait_all_of_none(void) {
    return green_wait_all(&w.finished, 0, GREEN_FOREVER);
}

static int call_group_next(void) {
    green_thread *thread;
    int result = green_group_next(w.group, &thread, GREEN_FOREVER);
    if (result > 0)
        green_thread_release(thread);
    return result == 0 ? -ENOENT : result;
}

static int call_group_next_of_none(void) {
    green_thread *thread;
    return green_group_next(w.empty_group, &thread, GREEN_FOREVER);
}

static int call_group_next_with(void) {
    return green_group_next_with(w.empty_group, NULL, NULL, GREEN_FOREVER);
}

static int call_group_kill_all_and_wait(void) {
    return green_group_kill_all_and_wait(w.empty_group, GREEN_FOREVER);
}

static int call_group_end_of_none(void) {
    green_group *group;
    CHECK(green_group_begin(&group, NULL), ==, 0);
    return green_group_end(group, 0);
}

static int call_pool_spawn(void) {
    return green_pool_spawn(w.pool, NULL, NULL, nothing, NULL, GREEN_FOREVER);
}

static int call_pool_wait(void) {
    return green_pool_wait(w.pool, GREEN_FOREVER);
}

static int call_pile_spawn(void) {
    return green_pile_spawn(w.pile, NULL, nothing, NULL, GREEN_FOREVER);
}

static int call_pile_next(void) {
    int result, taken = green_pile_next(w.pile, &result, GREEN_FOREVER);
    return taken == 0 ? -ENOENT : taken;
}

static int call_pile_next_of_none(void) {
    int result;
    return green_pile_next(w.empty_pile, &result, GREEN_FOREVER);
}

static int call_pile_next_with(void) {
    return green_pile_next_with(w.empty_pile, NULL, NULL, GREEN_FOREVER);
}

static int call_offload(void) {
    return green_offload(NULL, nothing, NULL, NULL, NULL, GREEN_FOREVER);
}

static int call_dump_all(void) {
    return green_dump_all(w.sink, GREEN_FOREVER);
}

static int call_statistics_of(void) {
    green_statistics statistics;
    return green_hub_statistics_of(green_hub_current(), &statistics, GREEN_FOREVER);
}

static int call_statistics_all(void) {
    green_statistics statistics;
    return green_hub_statistics_all(&statistics, GREEN_FOREVER);
}

static int call_remote_wait(void) {
    return green_remote_thread_wait(w.remote, NULL, GREEN_FOREVER);
}

static int call_remote_wait_zero(void) {
    return green_remote_thread_wait(w.remote, NULL, 0);
}

static int call_hub_pool_close(void) {
    return green_hub_pool_close(w.hub_pool, GREEN_FOREVER);
}

static void prepare_hubs(void) {
    CHECK(green_hub_pool_make(&w.hub_pool, &(green_hub_pool_options){.count = 1}), ==, 0);
    CHECK(green_hub_spawn(green_hub_pool_next(w.hub_pool), &w.remote, NULL, nothing, NULL), ==, 0);
    CHECK(green_hub_pool_close(w.hub_pool, GREEN_FOREVER), ==, 0);
}

static void end_hubs(void) {
    green_remote_thread_release(w.remote);
    green_hub_pool_release(w.hub_pool);
}

static void prepare_threads(void) {
    w.finished = start(nothing, NULL);
    CHECK(green_thread_wait(w.finished, NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_interval_start(&w.interval, 1, GREEN_SKIP_MISSED), ==, 0);
    w.counter = eventfd(1, EFD_CLOEXEC);
    w.sink = memfd_create("dumps", MFD_CLOEXEC);
    CHECK(green_group_make(&w.group), ==, 0);
    CHECK(green_group_add(w.group, w.finished), ==, 0);
    CHECK(green_group_make(&w.empty_group), ==, 0);
    CHECK(green_pool_make(&w.pool, 10), ==, 0);
    CHECK(green_pile_make(&w.pile, w.pool), ==, 0);
    CHECK(green_pile_make(&w.empty_pile, w.pool), ==, 0);
    CHECK(call_pile_spawn(), ==, 0);
    CHECK(green_pool_wait(w.pool, GREEN_FOREVER), ==, 0);
}

static void end_threads(void) {
    CHECK(green_pool_wait(w.pool, GREEN_FOREVER), ==, 0);
    green_pile_free(w.pile);
    green_pile_free(w.empty_pile);
    green_pool_free(w.pool);
    green_group_free(w.group);
    green_group_free(w.empty_group);
    green_thread_release(w.finished);
    close(w.counter);
    close(w.sink);
}

static const struct prepared thread_calls[] = {
    {"green_thread_wait", call_wait},
    {"green_thread_wait, 0", call_wait_zero},
    {"green_yield", call_yield},
    {"green_sleep", call_sleep},
    {"green_sleep, 0", call_sleep_zero},
    {"green_sleep_until", call_sleep_until},
    {"green_sleep_until, past", call_sleep_until_past},
    {"green_interval_next", call_interval_next},
    {"green_wait_fd", call_wait_fd},
    {"green_wait_any", call_wait_any},
    {"green_wait_all", call_wait_all},
    {"green_wait_all of none", call_wait_all_of_none},
    {"green_group_next", call_group_next},
    {"green_group_next of none", call_group_next_of_none},
    {"green_group_next_with of none", call_group_next_with},
    {"green_group_end of none", call_group_end_of_none},
    {"green_group_kill_all_and_wait of none", call_group_kill_all_and_wait},
    {"green_pool_spawn", call_pool_spawn},
    {"green_pool_wait", call_pool_wait},
    {"green_pile_next", call_pile_next},
    {"green_pile_next of none", call_pile_next_of_none},
    {"green_pile_next_with of none", call_pile_next_with},
    {"green_pile_spawn", call_pile_spawn},
    {"green_offload", call_offload},
    {"green_dump_all", call_dump_all},
    {"green_hub_statistics_of", call_statistics_of},
    {"green_hub_statistics_all", call_statistics_all},
    {"green_remote_thread_wait", call_remote_wait},
    {"green_remote_thread_wait, 0", call_remote_wait_zero},
    {"green_hub_pool_close", call_hub_pool_close},
    {"green_check_interrupt", green_check_interrupt},
    {0},
};

/* Shared objects ------------------------------------------------------- */

static int call_event_wait(void) {
    void *value;
    return green_event_wait(w.event, &value, GREEN_FOREVER);
}

static int call_queue_put(void) {
    return green_queue_put(w.queue, &(int){2}, GREEN_FOREVER);
}

static int call_queue_get(void) {
    int element;
    return green_queue_get(w.queue, &element, GREEN_FOREVER);
}

static int call_queue_join(void) {
    return green_queue_join(w.idle_queue, GREEN_FOREVER);
}

static int call_channel_send(void) {
    return green_channel_send(w.channel, &(int){2}, GREEN_FOREVER);
}

static int call_channel_receive(void) {
    int element;
    return green_channel_receive(w.channel, &element, GREEN_FOREVER);
}

static int call_promise_wait(void) {
    return green_promise_wait(w.promise, NULL, GREEN_FOREVER);
}

static int call_select(void) {
    green_case cases[] = {green_case_get(w.idle_queue, NULL), green_case_event(w.event)};
    ssize_t index = green_select(cases, 2, GREEN_FOREVER);
    return index < 0 ? (int)index : 0;
}

static int call_acquire(void) {
    return green_semaphore_acquire(w.semaphore, GREEN_FOREVER);
}

static int call_rate_limiter_acquire(void) {
    return green_rate_limiter_acquire(w.limiter, 1, GREEN_FOREVER);
}

static int call_release_within(void) {
    return green_semaphore_release_within(w.semaphore, GREEN_FOREVER);
}

static int call_lock(void) {
    int error = green_mutex_lock(w.mutex, GREEN_FOREVER);
    CHECK(error < 0 || green_mutex_unlock(w.mutex) == 0);
    return error;
}

/* A second call, without an interrupt, need not wait either. */
static int call_condition_wait(void) {
    CHECK(green_mutex_try_lock(w.mutex), ==, 1);
    int error = green_condition_wait(w.condition, w.mutex, 0);
    CHECK(green_mutex_unlock(w.mutex), ==, 0);
    return error == -ETIMEDOUT ? 0 : error;
}

static int call_read_lock(void) {
    int error = green_rwlock_read_lock(w.lock, GREEN_FOREVER);
    CHECK(error < 0 || green_rwlock_unlock(w.lock) == 0);
    return error;
}

static int call_write_lock(void) {
    int error = green_rwlock_write_lock(w.lock, GREEN_FOREVER);
    CHECK(error < 0 || green_rwlock_unlock(w.lock) == 0);
    return error;
}

static void prepare_sync(void) {
    CHECK(green_event_make(&w.event), ==, 0);
    CHECK(green_event_send(w.event, NULL), ==, 0);
    CHECK(green_queue_make(&w.queue, &(green_queue_options){.element_size = sizeof(int), .capacity = 10}), ==, 0);
    CHECK(green_queue_make(&w.idle_queue, &(green_queue_options){.capacity = 10}), ==, 0);
    CHECK(green_queue_put(w.queue, &(int){1}, GREEN_FOREVER), ==, 0);
    CHECK(green_channel_make(&w.channel, &(green_channel_options){.element_size = sizeof(int), .capacity = 10}), ==, 0);
    CHECK(green_channel_send(w.channel, &(int){1}, GREEN_FOREVER), ==, 0);
    CHECK(green_promise_make(&w.promise), ==, 0);
    CHECK(green_promise_send(w.promise, NULL), ==, 0);
    CHECK(green_semaphore_make(&w.semaphore, 1, 10), ==, 0);
    green_rate_limiter_options options = {.tokens = 1, .period = INT64_MAX, .burst = 2};
    CHECK(green_rate_limiter_make(&w.limiter, &options), ==, 0);
    CHECK(green_mutex_make(&w.mutex), ==, 0);
    CHECK(green_condition_make(&w.condition), ==, 0);
    CHECK(green_rwlock_make(&w.lock), ==, 0);
}

static void end_sync(void) {
    CHECK(green_queue_count(w.queue), ==, 1);
    CHECK(green_channel_count(w.channel), ==, 1);
    CHECK(green_semaphore_permits(w.semaphore), ==, 1);
    CHECK(green_rate_limiter_available(w.limiter), ==, 1);
    green_channel_release(w.channel);
    green_promise_release(w.promise);
    green_event_free(w.event);
    green_queue_free(w.queue);
    green_queue_free(w.idle_queue);
    green_semaphore_free(w.semaphore);
    green_rate_limiter_free(w.limiter);
    green_condition_free(w.condition);
    green_mutex_free(w.mutex);
    green_rwlock_free(w.lock);
}

static const struct prepared sync_calls[] = {
    {"green_event_wait", call_event_wait},
    {"green_queue_get", call_queue_get},
    {"green_queue_put", call_queue_put},
    {"green_queue_join", call_queue_join},
    {"green_channel_receive", call_channel_receive},
    {"green_channel_send", call_channel_send},
    {"green_promise_wait", call_promise_wait},
    {"green_select", call_select},
    {"green_semaphore_acquire", call_acquire},
    {"green_semaphore_release_within", call_release_within},
    {"green_rate_limiter_acquire", call_rate_limiter_acquire},
    {"green_mutex_lock", call_lock},
    {"green_condition_wait", call_condition_wait},
    {"green_rwlock_read_lock", call_read_lock},
    {"green_rwlock_write_lock", call_write_lock},
    {0},
};

static void check_all(enum pending pending) {
    prepare_threads();
    prepare_hubs();
    check_delivers(thread_calls, pending);
    end_threads();
    end_hubs();
    prepare_sync();
    check_delivers(sync_calls, pending);
    end_sync();
}

TEST(delivers_kill, "a pending kill ends every wait for threads at once and takes nothing") {
    check_all(PENDING_KILL);
}

TEST(delivers_timeout, "a pending timeout ends every wait for threads at once and takes nothing") {
    check_all(PENDING_TIMEOUT);
}
