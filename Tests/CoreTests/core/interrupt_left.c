/* Clean-up calls and calls that never block succeed despite a pending interrupt, which
 * stays pending for the next blocking call. */
#include "files.h"
#include "pending.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

static int nothing(void *argument) {
    (void)argument;
    return 0;
}

/* A read is in progress in a thread; the close waits for it. */
static green_socket *read_from;

static int read_on(void *argument) {
    char byte;
    (void)argument;
    return (int)green_read(read_from, &byte, 1);
}

static green_thread *reader;

static void prepare_reader(struct pair *pair) {
    *pair = connected(UNIX_PAIR);
    read_from = pair->near;
    reader = start(read_on, NULL);
    let_run();
}

static int close_used(void) {
    return green_close(read_from);
}

static int close_socket(void) {
    green_socket *near, *far;
    CHECK(green_socket_pair(&near, &far), ==, 0);
    int error = green_shutdown(near, SHUT_WR);
    if (error == 0)
        error = green_close(near);
    green_socket_release(near);
    green_socket_release(far);
    return error;
}

static int close_listener(void) {
    green_address any;
    green_listener *listener;
    CHECK(green_address_parse(&any, "127.0.0.1:0"), ==, 0);
    CHECK(green_listen_address(&listener, &any, NULL), ==, 0);
    int error = green_listener_close(listener);
    green_listener_release(listener);
    return error;
}

static int close_file(void) {
    int fd = memfd_create("file", MFD_CLOEXEC);
    green_file *file;
    CHECK(green_file_adopt(&file, fd), ==, 0);
    int error = green_file_close(file);
    CHECK(fcntl(fd, F_GETFD), ==, -1);
    green_file_free(file);
    return error;
}

static int release_file(void) {
    green_file *file;
    CHECK(green_file_adopt(&file, memfd_create("file", MFD_CLOEXEC)), ==, 0);
    green_file_free(file);
    return 0;
}

static int close_signals(void) {
    green_signals *signals;
    int error = green_signals_open(&signals, &(int){SIGUSR1}, 1);
    green_signals_free(signals);
    return error;
}

static int use_semaphore(void) {
    green_semaphore *semaphore;
    CHECK(green_semaphore_make(&semaphore, 1, 1), ==, 0);
    int result = green_semaphore_try_acquire(semaphore);
    result = result == 1 ? green_semaphore_release(semaphore) : -EAGAIN;
    green_semaphore_free(semaphore);
    return result;
}

static int use_mutex(void) {
    green_mutex *mutex;
    CHECK(green_mutex_make(&mutex), ==, 0);
    int result = green_mutex_try_lock(mutex);
    result = result == 1 ? green_mutex_unlock(mutex) : -EAGAIN;
    green_mutex_free(mutex);
    return result;
}

static int use_condition(void) {
    green_condition *condition;
    CHECK(green_condition_make(&condition), ==, 0);
    int result = green_condition_signal(condition);
    green_condition_free(condition);
    return result;
}

static int use_rwlock(void) {
    green_rwlock *lock;
    CHECK(green_rwlock_make(&lock), ==, 0);
    int result = green_rwlock_try_write_lock(lock);
    result = result == 1 ? green_rwlock_downgrade(lock) : -EAGAIN;
    result = result == 0 ? green_rwlock_unlock(lock) : result;
    green_rwlock_free(lock);
    return result;
}

static int use_queue(void) {
    green_queue *queue;
    int element = 1;
    CHECK(green_queue_make(&queue, &(green_queue_options){.element_size = sizeof(int), .capacity = 1}), ==, 0);
    int result = green_queue_try_put(queue, &element);
    result = result == 1 ? green_queue_try_get(queue, &element) : -EAGAIN;
    result = result == 1 ? green_queue_task_done(queue) : -EAGAIN;
    result = result == 0 ? green_queue_resize(queue, 2) : result;
    result = result == 0 ? green_queue_close(queue) : result;
    green_queue_free(queue);
    return result;
}

static int use_event(void) {
    green_event *event;
    CHECK(green_event_make(&event), ==, 0);
    int error = green_event_send(event, NULL);
    green_event_free(event);
    return error;
}

static int use_threads(void) {
    green_thread *thread;
    green_group *group;
    CHECK(green_spawn(&thread, nothing, NULL), ==, 0);
    CHECK(green_group_make(&group), ==, 0);
    int error = green_group_add(group, thread);
    if (error == 0)
        error = green_thread_kill(thread);
    green_group_free(group);
    green_thread_release(thread);
    return error;
}

static int use_timeout(void) {
    green_timeout *limit;
    int error = green_timeout_start(&limit, 3600 * GREEN_SECOND);
    green_timeout_free(limit);
    return error;
}

static int resize_pool(void) {
    green_pool *pool;
    CHECK(green_pool_make(&pool, 1), ==, 0);
    int error = green_pool_resize(pool, 2);
    green_pool_free(pool);
    return error;
}

static const struct prepared calls[] = {
    {"green_close", close_socket},
    {"green_listener_close", close_listener},
    {"green_file_close", close_file},
    {"green_file_free", release_file},
    {"green_signals_free", close_signals},
    {"green_semaphore_release", use_semaphore},
    {"green_queue_try_put", use_queue},
    {"green_event_send", use_event},
    {"green_thread_kill", use_threads},
    {"green_timeout_start", use_timeout},
    {"green_pool_resize", resize_pool},
    {"green_mutex_unlock", use_mutex},
    {"green_rwlock_unlock", use_rwlock},
    {"green_condition_signal", use_condition},
    {0},
};

static const struct prepared close_of_used[] = {{"green_close of a socket in use", close_used}, {0}};

TEST(cleans_up, "closes, releases and calls that never block leave an interrupt pending") {
    for (enum pending pending = PENDING_KILL; pending <= PENDING_TIMEOUT; pending++) {
        struct pair pair;
        check_leaves_pending(calls, pending);
        prepare_reader(&pair);
        check_leaves_pending(close_of_used, pending);
        CHECK(finish(reader), ==, -EBADF);
        release_pair(&pair);
    }
}

/* An interrupt that arrives together with a result stays pending for the next call. */

static green_queue *items;
static green_thread *getter;

static int get_item(void *argument) {
    CHECK(green_queue_get(items, argument, GREEN_FOREVER), ==, 0);
    return green_yield();
}

TEST(keeps_results, "a call that has its result returns it even if an interrupt arrives before it runs") {
    int item = 0;
    CHECK(green_queue_make(&items, &(green_queue_options){.element_size = sizeof item, .capacity = 1}), ==, 0);
    getter = start(get_item, &item);
    let_run();
    CHECK(green_queue_put(items, &(int){7}, GREEN_FOREVER), ==, 0);
    CHECK(green_thread_kill(getter), ==, 0);
    CHECK(finish(getter), ==, -ECANCELED);
    CHECK(item, ==, 7);
    green_queue_free(items);
}

TEST(check_interrupt, "green_check_interrupt delivers a pending interrupt once and never blocks") {
    green_timeout *limit;
    CHECK(green_check_interrupt(), ==, 0);
    CHECK(green_timeout_start(&limit, 0), ==, 0);
    CHECK(green_check_interrupt(), ==, -ETIME);
    CHECK(green_timeout_has_fired(limit));
    CHECK(green_check_interrupt(), ==, 0);
    green_timeout_free(limit);
}

static void look_in_link(green_thread *thread, void *result) {
    (void)thread;
    *(int *)result = green_check_interrupt();
}

static int leave_with_interrupt(void *event) {
    void *value;
    return green_event_wait(event, &value, GREEN_FOREVER);
}

TEST(in_a_link, "a link gets no interrupt, not even one that was pending in its thread") {
    green_event *event;
    int result = 1;
    CHECK(green_event_make(&event), ==, 0);
    green_thread *thread = start(leave_with_interrupt, event);
    CHECK(green_thread_link(thread, NULL, look_in_link, &result), ==, 0);
    let_run();
    CHECK(green_event_send(event, NULL), ==, 0);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(result, ==, 0);
    green_event_free(event);
}
