/* Timeouts of 0, negative and huge timeouts have the same meaning in every call that waits
 * for threads, shared objects, descriptors or OS threads. */
#include "files.h"
#include "times.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

/* Threads ------------------------------------------------------------------ */

static green_thread *finished, *endless;

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

static int wait_finished(int64_t timeout) {
    return green_thread_wait(finished, NULL, timeout);
}

static int wait_endless(int64_t timeout) {
    return green_thread_wait(endless, NULL, timeout);
}

static green_remote_thread *remote_finished, *remote_endless;

static int wait_remote_finished(int64_t timeout) {
    return green_remote_thread_wait(remote_finished, NULL, timeout);
}

static int wait_remote_endless(int64_t timeout) {
    return green_remote_thread_wait(remote_endless, NULL, timeout);
}

static int wait_any_finished(int64_t timeout) {
    green_thread *threads[] = {endless, finished};
    return (int)green_wait_any(threads, 2, timeout);
}

static int wait_any_endless(int64_t timeout) {
    return (int)green_wait_any(&endless, 1, timeout);
}

static int wait_all_finished(int64_t timeout) {
    return green_wait_all(&finished, 1, timeout);
}

static int wait_all_endless(int64_t timeout) {
    green_thread *threads[] = {endless, finished};
    return green_wait_all(threads, 2, timeout);
}

static int next_of(green_thread *thread, int64_t timeout) {
    green_group *group;
    CHECK(green_group_make(&group), ==, 0);
    CHECK(green_group_add(group, thread), ==, 0);
    green_thread *next = NULL;
    int result = green_group_next(group, &next, timeout);
    green_thread_release(next);
    green_group_free(group);
    return result;
}

static int next_finished(int64_t timeout) {
    return next_of(finished, timeout);
}

static int next_endless(int64_t timeout) {
    return next_of(endless, timeout);
}

static int next_with_of(green_thread *thread, int64_t timeout) {
    green_group *group;
    CHECK(green_group_make(&group), ==, 0);
    CHECK(green_group_add(group, thread), ==, 0);
    int result = green_group_next_with(group, NULL, NULL, timeout);
    green_group_free(group);
    return result;
}

static int next_with_finished(int64_t timeout) {
    return next_with_of(finished, timeout);
}

static int next_with_endless(int64_t timeout) {
    return next_with_of(endless, timeout);
}

static green_pool *pool, *full;
static green_pile *pile, *waiting_pile;

static int spawn_in_pool(int64_t timeout) {
    return green_pool_spawn(pool, NULL, NULL, nothing, NULL, timeout);
}

static int spawn_in_full(int64_t timeout) {
    return green_pool_spawn(full, NULL, NULL, nothing, NULL, timeout);
}

static int wait_for_pool(int64_t timeout) {
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    return green_pool_wait(pool, timeout);
}

static int wait_for_full(int64_t timeout) {
    return green_pool_wait(full, timeout);
}

static int spawn_in_pile(int64_t timeout) {
    int result = green_pile_spawn(pile, NULL, nothing, NULL, timeout), taken;
    return result < 0 ? result : green_pile_next(pile, &taken, GREEN_FOREVER);
}

static int spawn_in_full_pile(int64_t timeout) {
    return green_pile_spawn(waiting_pile, NULL, nothing, NULL, timeout);
}

static int spawn_for_ever(void *unused) {
    (void)unused;
    return spawn_in_full_pile(GREEN_FOREVER);
}

static int next_of_pile(int64_t timeout) {
    int taken;
    if (green_pile_count(pile) == 0)
        CHECK(green_pile_spawn(pile, NULL, nothing, NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    return green_pile_next(pile, &taken, timeout);
}

static int next_of_waiting(int64_t timeout) {
    int taken;
    return green_pile_next(waiting_pile, &taken, timeout);
}

static int next_with_of_pile(int64_t timeout) {
    if (green_pile_count(pile) == 0)
        CHECK(green_pile_spawn(pile, NULL, nothing, NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    return green_pile_next_with(pile, NULL, NULL, timeout);
}

static int next_with_of_waiting(int64_t timeout) {
    return green_pile_next_with(waiting_pile, NULL, NULL, timeout);
}

TEST(threads, "waits for threads and for a pool: negative and huge timeouts mean no limit, 0 does not wait") {
    static const struct timed calls[] = {
        {"green_thread_wait", wait_finished, wait_endless, false},
        {"green_remote_thread_wait", wait_remote_finished, wait_remote_endless, false},
        {"green_wait_any", wait_any_finished, wait_any_endless, false},
        {"green_wait_all", wait_all_finished, wait_all_endless, false},
        {"green_group_next", next_finished, next_endless, false},
        {"green_group_next_with", next_with_finished, next_with_endless, false},
        {"green_pool_spawn", spawn_in_pool, spawn_in_full, false},
        {"green_pool_wait", wait_for_pool, wait_for_full, false},
        {"green_pile_spawn", spawn_in_pile, spawn_in_full_pile, false},
        {"green_pile_next", next_of_pile, next_of_waiting, false},
        {"green_pile_next_with", next_with_of_pile, next_with_of_waiting, false},
        {0},
    };
    finished = start(nothing, NULL);
    CHECK(green_thread_wait(finished, NULL, GREEN_FOREVER), ==, 0);
    endless = start(nap, NULL);
    CHECK(green_hub_spawn(green_hub_current(), &remote_finished, NULL, nothing, NULL), ==, 0);
    CHECK(green_remote_thread_wait(remote_finished, NULL, GREEN_FOREVER), ==, 0);
    CHECK(green_hub_spawn(green_hub_current(), &remote_endless, NULL, nap, NULL), ==, 0);
    CHECK(green_pool_make(&pool, 10), ==, 0);
    CHECK(green_pool_make(&full, 1), ==, 0);
    CHECK(green_pile_make(&pile, pool), ==, 0);
    CHECK(green_pile_make(&waiting_pile, full), ==, 0);
    green_thread *occupant;
    CHECK(green_pool_spawn(full, &occupant, NULL, nap, NULL, 0), ==, 0);
    /* A spawn that waits for room counts as the first of its pile. */
    green_thread *spawner = start(spawn_for_ever, NULL);
    let_run();
    check_times(calls);
    CHECK(kill_and_finish(spawner), ==, -ECANCELED);
    CHECK(kill_and_finish(occupant), ==, -ECANCELED);
    green_pile_free(pile);
    green_pile_free(waiting_pile);
    green_pool_free(pool);
    green_pool_free(full);
    CHECK(finish(finished), ==, 0);
    CHECK(kill_and_finish(endless), ==, -ECANCELED);
    CHECK(green_remote_thread_kill(remote_endless), ==, 0);
    CHECK(green_remote_thread_wait(remote_endless, NULL, GREEN_FOREVER), ==, 0);
    green_remote_thread_release(remote_endless);
    green_remote_thread_release(remote_finished);
}

/* Shared objects ------------------------------------------------------- */

static green_event *sent, *unsent;
static green_queue *queue, *rendezvous;
static green_channel *channel, *meeting;
static green_promise *kept, *unkept;
static green_semaphore *semaphore, *none;
static green_rate_limiter *fast, *slow;
static green_mutex *mutex, *held_mutex;
static green_condition *condition;
static green_rwlock *lock, *held_lock;

static int wait_sent(int64_t timeout) {
    void *value;
    return green_event_wait(sent, &value, timeout);
}

static int wait_unsent(int64_t timeout) {
    void *value;
    return green_event_wait(unsent, &value, timeout);
}

static int put(int64_t timeout) {
    int element = 1;
    int error = green_queue_put(queue, &element, timeout);
    CHECK(error < 0 || green_queue_try_get(queue, &element) == 1);
    return error;
}

static int put_rendezvous(int64_t timeout) {
    return green_queue_put(rendezvous, &(int){1}, timeout);
}

static int get(int64_t timeout) {
    int element;
    if (green_queue_count(queue) == 0)
        CHECK(green_queue_try_put(queue, &(int){1}), ==, 1);
    return green_queue_get(queue, &element, timeout);
}

static int get_rendezvous(int64_t timeout) {
    int element;
    return green_queue_get(rendezvous, &element, timeout);
}

static int join(int64_t timeout) {
    return green_queue_join(rendezvous, timeout);
}

static int join_unfinished(int64_t timeout) {
    return green_queue_join(queue, timeout);
}

static int send_channel(int64_t timeout) {
    int element = 1;
    int error = green_channel_send(channel, &element, timeout);
    CHECK(error < 0 || green_channel_try_receive(channel, &element) == 1);
    return error;
}

static int send_meeting(int64_t timeout) {
    return green_channel_send(meeting, &(int){1}, timeout);
}

static int receive_channel(int64_t timeout) {
    int element;
    if (green_channel_count(channel) == 0)
        CHECK(green_channel_try_send(channel, &(int){1}), ==, 1);
    return green_channel_receive(channel, &element, timeout);
}

static int receive_meeting(int64_t timeout) {
    int element;
    return green_channel_receive(meeting, &element, timeout);
}

static int wait_kept(int64_t timeout) {
    return green_promise_wait(kept, NULL, timeout);
}

static int wait_unkept(int64_t timeout) {
    return green_promise_wait(unkept, NULL, timeout);
}

static int acquire(int64_t timeout) {
    int error = green_semaphore_acquire(semaphore, timeout);
    CHECK(error < 0 || green_semaphore_release(semaphore) == 0);
    return error;
}

static int acquire_none(int64_t timeout) {
    return green_semaphore_acquire(none, timeout);
}

static int select_ready(int64_t timeout) {
    green_case cases[] = {green_case_acquire(semaphore), green_case_acquire(none)};
    ssize_t index = green_select(cases, 2, timeout);
    CHECK(index != 0 || green_semaphore_release(semaphore) == 0);
    return (int)index;
}

static int select_never(int64_t timeout) {
    green_case cases[] = {green_case_acquire(none), green_case_acquire(none)};
    return (int)green_select(cases, 2, timeout);
}

static int acquire_fast(int64_t timeout) {
    return green_rate_limiter_acquire(fast, 1, timeout);
}

static int acquire_slow(int64_t timeout) {
    return green_rate_limiter_acquire(slow, 1, timeout);
}

static int release(int64_t timeout) {
    int error = green_semaphore_release_within(semaphore, timeout);
    CHECK(error < 0 || green_semaphore_try_acquire(semaphore) == 1);
    return error;
}

static int release_none(int64_t timeout) {
    return green_semaphore_release_within(none, timeout);
}

static int lock_mutex(int64_t timeout) {
    int error = green_mutex_lock(mutex, timeout);
    CHECK(error < 0 || green_mutex_unlock(mutex) == 0);
    return error;
}

static int lock_held_mutex(int64_t timeout) {
    return green_mutex_lock(held_mutex, timeout);
}

static int wait_for_condition(int64_t timeout) {
    CHECK(green_mutex_try_lock(mutex), ==, 1);
    int error = green_condition_wait(condition, mutex, timeout);
    CHECK(green_mutex_unlock(mutex), ==, 0);
    return error;
}

static int read_lock(int64_t timeout) {
    int error = green_rwlock_read_lock(lock, timeout);
    CHECK(error < 0 || green_rwlock_unlock(lock) == 0);
    return error;
}

static int read_held_lock(int64_t timeout) {
    return green_rwlock_read_lock(held_lock, timeout);
}

static int write_lock(int64_t timeout) {
    int error = green_rwlock_write_lock(lock, timeout);
    CHECK(error < 0 || green_rwlock_unlock(lock) == 0);
    return error;
}

static int write_held_lock(int64_t timeout) {
    return green_rwlock_write_lock(held_lock, timeout);
}

/* Holds the locks while the event is not sent. */
static int hold_locks(void *event) {
    void *value;
    CHECK(green_mutex_try_lock(held_mutex), ==, 1);
    CHECK(green_rwlock_try_write_lock(held_lock), ==, 1);
    CHECK(green_event_wait(event, &value, GREEN_FOREVER), ==, 0);
    CHECK(green_rwlock_unlock(held_lock), ==, 0);
    return green_mutex_unlock(held_mutex);
}

TEST(locks, "locks and conditions: negative and huge timeouts mean no limit, 0 does not wait") {
    static const struct timed calls[] = {
        {"green_mutex_lock", lock_mutex, lock_held_mutex, false},
        {"green_condition_wait", NULL, wait_for_condition, false},
        {"green_rwlock_read_lock", read_lock, read_held_lock, false},
        {"green_rwlock_write_lock", write_lock, write_held_lock, false},
        {0},
    };
    green_event *event;
    CHECK(green_event_make(&event), ==, 0);
    CHECK(green_mutex_make(&mutex), ==, 0);
    CHECK(green_mutex_make(&held_mutex), ==, 0);
    CHECK(green_condition_make(&condition), ==, 0);
    CHECK(green_rwlock_make(&lock), ==, 0);
    CHECK(green_rwlock_make(&held_lock), ==, 0);
    green_thread *holder = start(hold_locks, event);
    let_run();
    check_times(calls);
    CHECK(green_event_send(event, NULL), ==, 0);
    CHECK(finish(holder), ==, 0);
    green_event_free(event);
    green_condition_free(condition);
    green_mutex_free(mutex);
    green_mutex_free(held_mutex);
    green_rwlock_free(lock);
    green_rwlock_free(held_lock);
}

TEST(sync, "objects that threads share: negative and huge timeouts mean no limit, 0 does not wait") {
    static const struct timed calls[] = {
        {"green_event_wait", wait_sent, wait_unsent, false},
        {"green_queue_put", put, put_rendezvous, false},
        {"green_queue_get", get, get_rendezvous, false},
        {"green_queue_join", join, join_unfinished, false},
        {"green_channel_send", send_channel, send_meeting, false},
        {"green_channel_receive", receive_channel, receive_meeting, false},
        {"green_promise_wait", wait_kept, wait_unkept, false},
        {"green_semaphore_acquire", acquire, acquire_none, false},
        {"green_select", select_ready, select_never, false},
        {"green_rate_limiter_acquire", acquire_fast, acquire_slow, false},
        {"green_semaphore_release_within", release, release_none, false},
        {0},
    };
    green_queue_options options = {.element_size = sizeof(int), .capacity = 10};
    CHECK(green_event_make(&sent), ==, 0);
    CHECK(green_event_make(&unsent), ==, 0);
    CHECK(green_event_send(sent, NULL), ==, 0);
    CHECK(green_queue_make(&queue, &options), ==, 0);
    options.capacity = 0;
    CHECK(green_queue_make(&rendezvous, &options), ==, 0);
    green_channel_options channels = {.element_size = sizeof(int), .capacity = 10};
    CHECK(green_channel_make(&channel, &channels), ==, 0);
    channels.capacity = 0;
    CHECK(green_channel_make(&meeting, &channels), ==, 0);
    CHECK(green_promise_make(&kept), ==, 0);
    CHECK(green_promise_make(&unkept), ==, 0);
    CHECK(green_promise_send(kept, NULL), ==, 0);
    CHECK(green_semaphore_make(&semaphore, 1, 2), ==, 0);
    CHECK(green_semaphore_make(&none, 0, 0), ==, 0);
    CHECK(green_rate_limiter_make(&fast, &(green_rate_limiter_options){.tokens = 1, .burst = 1000000}), ==, 0);
    CHECK(green_rate_limiter_make(&slow, &(green_rate_limiter_options){.tokens = 1, .period = INT64_MAX}), ==, 0);
    CHECK(green_rate_limiter_try_acquire(slow, 1), ==, 1);
    check_times(calls);
    green_event_free(sent);
    green_event_free(unsent);
    green_queue_free(queue);
    green_queue_free(rendezvous);
    green_channel_release(channel);
    green_channel_release(meeting);
    green_promise_release(kept);
    green_promise_release(unkept);
    green_semaphore_free(semaphore);
    green_semaphore_free(none);
    green_rate_limiter_free(fast);
    green_rate_limiter_free(slow);
}

/* Descriptors, processes, OS threads ---------------------------------------- */

static int full_counter, empty_counter;
static green_process *ended, *running;
static green_signals *signals;

static int wait_fd(int64_t timeout) {
    return green_wait_fd(full_counter, POLLIN, timeout);
}

static int wait_empty_fd(int64_t timeout) {
    return green_wait_fd(empty_counter, POLLIN, timeout);
}

static int next_signal(int64_t timeout) {
    sigset_t pending;
    CHECK(sigpending(&pending), ==, 0);
    if (!sigismember(&pending, SIGUSR1))
        CHECK(raise(SIGUSR1), ==, 0);
    return green_signals_next(signals, timeout);
}

static int next_signal_never(int64_t timeout) {
    return green_signals_next(signals, timeout);
}

static int wait_ended(int64_t timeout) {
    return green_process_wait(ended, NULL, timeout);
}

static int wait_running(int64_t timeout) {
    return green_process_wait(running, NULL, timeout);
}

/* OS threads continue when the caller no longer waits. */
static green_offload_pool *workers;
static int stop_workers, started, over;

static int offload(int64_t timeout) {
    return green_offload(workers, nothing, NULL, NULL, NULL, timeout);
}

static int block(void *unused) {
    uint64_t count;
    (void)unused;
    __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
    ssize_t result = read(stop_workers, &count, sizeof count);
    __atomic_add_fetch(&over, 1, __ATOMIC_SEQ_CST);
    return result == sizeof count ? 0 : -EIO;
}

static int offload_never(int64_t timeout) {
    return green_offload(workers, block, NULL, NULL, NULL, timeout);
}

static void end_workers(void) {
    CHECK(eventfd_write(stop_workers, 100), ==, 0);
    green_offload_pool_free(workers);
    UNTIL(__atomic_load_n(&over, __ATOMIC_SEQ_CST) == __atomic_load_n(&started, __ATOMIC_SEQ_CST));
}

static int resolve(int64_t timeout) {
    green_address address;
    return green_resolve_within(&address, 1, "127.0.0.1:80", timeout);
}

/* A process that has ended and was not collected. */
static int wait_for_new(int64_t timeout) {
    green_process *process;
    green_file *output;
    char byte;
    green_process_options options = {.output = {.kind = GREEN_STDIO_PIPE, .pipe = &output}};
    CHECK(green_process_spawn(&process, "true", NULL, &options), ==, 0);
    CHECK(green_file_read(output, &byte, 1), ==, 0); /* it is about to end */
    int error = green_process_wait(process, NULL, timeout);
    CHECK(green_process_wait(process, NULL, GREEN_FOREVER), ==, 0);
    green_process_free(process);
    green_file_free(output);
    return error;
}

TEST(others, "descriptors, signals, processes, offloads: negative and huge mean no limit, 0 does not wait") {
    static const struct timed calls[] = {
        {"green_wait_fd", wait_fd, wait_empty_fd, false},
        {"green_signals_next", next_signal, next_signal_never, false},
        {"green_process_wait", wait_ended, wait_running, false},
        {"green_process_wait, of a new one", wait_for_new, NULL, true},
        {"green_offload", offload, offload_never, true},
        {"green_resolve_within", resolve, NULL, false},
        {0},
    };
    full_counter = eventfd(1, EFD_CLOEXEC);
    empty_counter = eventfd(0, EFD_CLOEXEC);
    stop_workers = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    CHECK(green_offload_pool_make(&workers, NULL), ==, 0);
    CHECK(green_signals_open(&signals, &(int){SIGUSR1}, 1), ==, 0);
    CHECK(green_process_spawn(&ended, "true", NULL, NULL), ==, 0);
    CHECK(green_process_wait(ended, NULL, GREEN_FOREVER), ==, 0);
    const char *const arguments[] = {"sleep", "3600", NULL};
    CHECK(green_process_spawn(&running, "sleep", arguments, NULL), ==, 0);
    check_times(calls);
    CHECK(green_process_signal(running, SIGKILL), ==, 0);
    CHECK(green_process_wait(running, NULL, GREEN_FOREVER), ==, 0);
    green_process_free(ended);
    green_process_free(running);
    green_signals_free(signals);
    end_workers();
    close(full_counter);
    close(empty_counter);
    close(stop_workers);
}
