/* Waits on a queue that end early, by timeouts, kills and a close, and contexts that
 * must not wait. No element is lost. */
#include "calls.h"
#include "helpers.h"

#include <pthread.h>

/* Timeouts and kills ------------------------------------------------------- */

TEST(timeouts, "a call that times out takes nothing and leaves nothing behind") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    CHECK(element_get(queue, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "queue");
    CHECK(queue_put(queue, 1), ==, 0);
    queue_counts(queue, 1, 0, 0); /* no call took it */
    CHECK(element_put(queue, 0, 2, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "queue");
    CHECK(queue_get(queue), ==, 1);
    queue_counts(queue, 0, 0, 0); /* the call has left nothing behind */
    CHECK(green_queue_unfinished(queue), ==, 1);
    queue_release(queue);
}

TEST(timed_in_time, "a call with a timeout that is served in time succeeds, and its timer is removed") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    green_statistics statistics;
    struct call call;
    call_begin(&call, queue, 0, 3600 * GREEN_SECOND);
    let_run();
    CHECK(queue_put(queue, 1), ==, 0);
    CHECK(call_end(&call), ==, 1);
    CHECK(queue_put(queue, 2), ==, 0);
    call_begin(&call, queue, 3, 3600 * GREEN_SECOND);
    let_run();
    CHECK(queue_get(queue), ==, 2);
    CHECK(call_end(&call), ==, 0);
    CHECK(green_hub_statistics(&statistics), ==, 0);
    CHECK(statistics.timers, ==, 0);
    queue_release(queue);
}

TEST(late_timeout, "a timeout that expires after the element was handed over has no effect") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    struct call getter;
    call_begin(&getter, queue, 0, 50 * GREEN_MILLISECOND);
    UNTIL(green_queue_getting(queue) == 1 || !call_waits(&getter));
    bool handed = green_queue_getting(queue) == 1; /* unless the machine is very slow */
    int64_t over = green_now() + 51 * GREEN_MILLISECOND;
    CHECK(queue_put(queue, 1), ==, 0);
    while (green_now() < over)
        continue;
    CHECK(call_end(&getter), ==, handed ? 1 : -ETIMEDOUT);
    queue_release(queue);
}

TEST(killed, "killed threads are not served, and the others keep their order") {
    green_queue *queue = element_queue(0, GREEN_FIFO);
    struct call calls[5];
    for (int i = 0; i < 5; i++)
        call_put(&calls[i], queue, i + 1);
    CHECK(call_kill(&calls[2]), ==, -ECANCELED);
    CHECK(call_kill(&calls[4]), ==, -ECANCELED);
    CHECK(call_kill(&calls[0]), ==, -ECANCELED);
    queue_counts(queue, 0, 0, 2);
    CHECK(queue_get(queue), ==, 2);
    CHECK(queue_get(queue), ==, 4);
    CHECK(call_end(&calls[1]), ==, 0);
    CHECK(call_end(&calls[3]), ==, 0);
    for (int i = 0; i < 5; i++)
        call_get(&calls[i], queue);
    CHECK(call_kill(&calls[2]), ==, -ECANCELED);
    CHECK(call_kill(&calls[4]), ==, -ECANCELED);
    CHECK(call_kill(&calls[0]), ==, -ECANCELED);
    queue_counts(queue, 0, 2, 0);
    CHECK(queue_put(queue, 1), ==, 0);
    CHECK(queue_put(queue, 2), ==, 0);
    CHECK(call_end(&calls[1]), ==, 1);
    CHECK(call_end(&calls[3]), ==, 2);
    queue_release(queue);
}

static int get_within(void *argument) {
    green_timeout *timeout = NULL;
    CHECK(green_timeout_start(&timeout, GREEN_MILLISECOND), ==, 0);
    int error = element_get(argument, GREEN_FOREVER);
    CHECK(green_timeout_has_fired(timeout), ==, error == -ETIME);
    green_timeout_free(timeout);
    return error;
}

static int put_within(void *argument) {
    green_timeout *timeout = NULL;
    CHECK(green_timeout_start(&timeout, GREEN_MILLISECOND), ==, 0);
    int error = element_put(argument, 0, 8, GREEN_FOREVER);
    CHECK(green_timeout_has_fired(timeout), ==, error == -ETIME);
    green_timeout_free(timeout);
    return error;
}

TEST(limited, "a green_timeout ends a get and a put with -ETIME") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    CHECK(finish(start(get_within, queue)), ==, -ETIME);
    CHECK(queue_put(queue, 1), ==, 0);
    CHECK(finish(start(put_within, queue)), ==, -ETIME);
    queue_counts(queue, 1, 0, 0);
    CHECK(finish(start(get_within, queue)), ==, 1);
    CHECK(finish(start(put_within, queue)), ==, 0);
    queue_release(queue);
}

/* Threads that make a second call, to see its result. */
static int get_twice(void *queue) {
    int first = element_get(queue, GREEN_FOREVER);
    return first < 0 ? first : 100 * first + (green_yield() == -ECANCELED);
}

static int put_twice(void *queue) {
    int first = element_put(queue, 0, 7, GREEN_FOREVER);
    return first < 0 ? first : 100 + (green_yield() == -ECANCELED);
}

TEST(handed_and_killed, "a thread killed after it was given an element keeps it, and its next call gets the kill") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    green_thread *thread = start(get_twice, queue);
    let_run();
    CHECK(queue_put(queue, 3), ==, 0);
    CHECK(kill_and_finish(thread), ==, 301);
    CHECK(queue_put(queue, 4), ==, 0);
    thread = start(put_twice, queue);
    let_run();
    CHECK(queue_get(queue), ==, 4);
    CHECK(kill_and_finish(thread), ==, 101);
    CHECK(queue_get(queue), ==, 7);
    queue_release(queue);
}

TEST(killed_and_put, "an element put after a kill goes to the next thread, even before the killed thread has run") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    struct call first, second;
    call_get(&first, queue);
    call_get(&second, queue);
    CHECK(green_thread_kill(first.thread), ==, 0);
    queue_counts(queue, 0, 1, 0);
    CHECK(queue_put(queue, 1), ==, 0);
    CHECK(call_end(&first), ==, -ECANCELED);
    CHECK(call_end(&second), ==, 1);
    queue_release(queue);
}

struct pending {
    green_queue *queue;
    int (*call)(green_queue *queue);
};

/* Is killed while it is ready. Returns the result of its first call. */
static int call_when_killed(void *argument) {
    struct pending *pending = argument;
    int first = queue_get(pending->queue); /* served, and killed right after */
    CHECK(first, ==, 9);
    return pending->call(pending->queue);
}

static int put_one(green_queue *queue) {
    return queue_put(queue, 2);
}

static int join(green_queue *queue) {
    return green_queue_join(queue, GREEN_FOREVER);
}

static int slot_and_get(green_queue *queue) {
    CHECK(green_queue_get_slot(queue) == NULL);
    CHECK(green_queue_put_slot(queue) == NULL);
    return queue_get(queue);
}

TEST(pending_kill, "a kill of a ready thread ends its next call, even if the call need not wait") {
    static int (*const calls[])(green_queue *) = {queue_get, put_one, join, slot_and_get};
    for (int i = 0; i < 4; i++) {
        struct pending pending = {.queue = element_queue(2, GREEN_FIFO), .call = calls[i]};
        green_thread *thread = start(call_when_killed, &pending);
        let_run();
        CHECK(queue_put(pending.queue, 9), ==, 0);
        CHECK(green_queue_task_done(pending.queue), ==, 0);
        CHECK(green_thread_kill(thread), ==, 0);
        if (calls[i] != join)
            CHECK(queue_put(pending.queue, 1), ==, 0); /* an element to get, and room to put */
        CHECK(finish(thread), ==, -ECANCELED);
        queue_counts(pending.queue, calls[i] != join, 0, 0);
        queue_release(pending.queue);
    }
}

/* Close and free ----------------------------------------------------------- */

TEST(close, "a closed queue accepts no more elements and returns those that remain") {
    green_queue *queue = queue_of(3, 2);
    CHECK(green_queue_close(queue), ==, 0);
    CHECK(green_queue_is_closed(queue));
    CHECK(queue_put(queue, 3), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "closed");
    CHECK(element_try_put(queue, 0, 3), ==, -EBADF);
    CHECK(queue_get(queue), ==, 1);
    CHECK(element_try_get(queue), ==, 2);
    CHECK(queue_get(queue), ==, -EBADF);
    CHECK_CONTAINS(green_explain(-EBADF), "closed");
    CHECK(element_try_get(queue), ==, -EBADF);
    CHECK(element_get(queue, 0), ==, -EBADF);
    CHECK(green_queue_close(queue), ==, 0); /* does nothing the second time */
    CHECK(green_queue_is_closed(queue));
    queue_release(queue);
}

TEST(close_waiting, "closing wakes all waiting threads, and those that put keep their elements") {
    green_queue *queue = queue_of(1, 1), *empty = element_queue(1, GREEN_FIFO),
                *rendezvous = element_queue(0, GREEN_FIFO);
    struct call calls[6];
    for (int i = 0; i < 2; i++) {
        call_put(&calls[3 * i], queue, i + 2);
        call_get(&calls[3 * i + 1], empty);
        call_put(&calls[3 * i + 2], rendezvous, i + 4);
    }
    CHECK(green_queue_close(queue), ==, 0);
    CHECK(green_queue_close(empty), ==, 0);
    CHECK(green_queue_close(rendezvous), ==, 0);
    queue_counts(queue, 1, 0, 0);
    for (int i = 0; i < 6; i++)
        CHECK(call_end(&calls[i]), ==, -EBADF);
    CHECK(queue_get(queue), ==, 1);
    CHECK(queue_get(queue), ==, -EBADF);
    CHECK(queue_get(rendezvous), ==, -EBADF);
    queue_release(queue);
    queue_release(empty);
    queue_release(rendezvous);
}

TEST(close_after_handing, "a call that was served before the close succeeds, even if its thread runs later") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    struct call call;
    call_get(&call, queue);
    CHECK(queue_put(queue, 1), ==, 0);
    CHECK(green_queue_close(queue), ==, 0);
    CHECK(call_end(&call), ==, 1);
    queue_release(queue);
    queue = queue_of(1, 1);
    call_put(&call, queue, 2);
    CHECK(queue_get(queue), ==, 1);
    CHECK(green_queue_close(queue), ==, 0);
    CHECK(call_end(&call), ==, 0);
    CHECK(queue_get(queue), ==, 2);
    CHECK(queue_get(queue), ==, -EBADF);
    queue_release(queue);
}

TEST(free_waiting, "freeing a queue wakes all waiting threads with -EBADF and destroys its elements") {
    green_queue *queue = queue_of(2, 2), *empty = element_queue(2, GREEN_FIFO);
    struct call calls[4], served;
    call_get(&served, empty);
    call_put(&calls[0], queue, 3);
    call_put(&calls[1], queue, 4);
    call_get(&calls[2], empty);
    call_begin(&calls[3], empty, 0, 3600 * GREEN_SECOND);
    let_run();
    CHECK(queue_put(empty, 5), ==, 0);
    green_queue_free(queue);
    green_queue_free(empty);
    CHECK(elements.destroyed, ==, 2);
    for (int i = 0; i < 4; i++)
        CHECK(call_end(&calls[i]), ==, -EBADF);
    CHECK(call_end(&served), ==, 5);
    CHECK(elements.alive, ==, 0);
}

TEST(free_joined, "freeing a queue ends joins with -EBADF") {
    green_queue *queue = queue_of(2, 2);
    green_thread *thread = start(queue_join, queue);
    let_run();
    green_queue_free(queue);
    CHECK(finish(thread), ==, -EBADF);
}

/* Contexts ----------------------------------------------------------------- */

static void use_in_link(green_thread *thread, void *argument) {
    green_queue *queue = argument;
    CHECK(green_thread_is_finished(thread));
    CHECK(element_try_put(queue, 0, 1), ==, 1);
    CHECK(queue_put(queue, 2), ==, 0);
    CHECK(element_try_put(queue, 0, 3), ==, 0);
    CHECK(queue_put(queue, 3), ==, -EWOULDBLOCK);
    CHECK(element_put(queue, 0, 3, GREEN_SECOND), ==, -EWOULDBLOCK);
    CHECK(element_try_get(queue), ==, 1);
    CHECK(queue_get(queue), ==, 2);
    CHECK(element_try_get(queue), ==, 0);
    CHECK(queue_get(queue), ==, -EWOULDBLOCK);
    CHECK(green_queue_join(queue, GREEN_FOREVER), ==, -EWOULDBLOCK);
    CHECK(queue_put(queue, 4), ==, 0);
    queue_counts(queue, 1, 0, 0);
    mark('l');
}

TEST(in_link, "in a link a queue can be used as long as no call has to wait") {
    int value = 0;
    green_queue *queue = element_queue(2, GREEN_FIFO);
    green_thread *thread = start(give, &value);
    CHECK(green_thread_link(thread, NULL, use_in_link, queue), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK_TEXT(marks(), "l");
    CHECK(queue_get(queue), ==, 4);
    queue_release(queue);
}

static int take_and_end(void *queue) {
    return queue_get(queue);
}

TEST(in_link_of_killed, "a queue can be used in a link of a thread whose kill was not delivered") {
    green_queue *queue = element_queue(2, GREEN_FIFO);
    green_thread *thread = start(take_and_end, queue);
    CHECK(green_thread_link(thread, NULL, use_in_link, queue), ==, 0);
    let_run();
    CHECK(queue_put(queue, 9), ==, 0);
    CHECK(kill_and_finish(thread), ==, 9);
    CHECK_TEXT(marks(), "l");
    CHECK(queue_get(queue), ==, 4);
    queue_release(queue);
}

static void put_in_link(green_thread *thread, void *queue) {
    CHECK(green_thread_is_finished(thread));
    CHECK(element_try_put(queue, 0, 6), ==, 1);
}

TEST(link_wakes, "a put in a link wakes a waiting get, even if the thread of the link never ran") {
    int value = 0;
    green_queue *rendezvous = element_queue(0, GREEN_FIFO);
    green_thread *threads[] = {start(give, &value), start(nap, NULL)};
    CHECK(green_thread_link(threads[0], NULL, put_in_link, rendezvous), ==, 0);
    CHECK(queue_get(rendezvous), ==, 6);
    CHECK(finish(threads[0]), ==, 0);
    green_thread *unborn = start(give, &value);
    CHECK(green_thread_link(unborn, NULL, put_in_link, rendezvous), ==, 0);
    CHECK(green_thread_kill(unborn), ==, 0);
    CHECK(queue_get(rendezvous), ==, 6);
    CHECK(finish(unborn), ==, -ECANCELED);
    CHECK(kill_and_finish(threads[1]), ==, -ECANCELED);
    queue_release(rendezvous);
}

static void *use_elsewhere(void *argument) {
    green_queue *queue = argument;
    struct element element;
    element_make(&element, 0, 2);
    CHECK(green_queue_put(queue, &element, GREEN_FOREVER), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "queue");
    CHECK(green_queue_try_put(queue, &element), ==, -EXDEV);
    element_take(&element);
    CHECK(element_get(queue, GREEN_FOREVER), ==, -EXDEV);
    CHECK(element_try_get(queue), ==, -EXDEV);
    CHECK(green_queue_put_slot(queue) == NULL);
    CHECK(green_queue_get_slot(queue) == NULL);
    CHECK(green_queue_close(queue), ==, -EXDEV);
    CHECK(green_queue_resize(queue, 5), ==, -EXDEV);
    CHECK(green_queue_task_done(queue), ==, -EXDEV);
    CHECK(green_queue_join(queue, GREEN_FOREVER), ==, -EXDEV);
    return NULL;
}

/* Once without a hub, once with one. */
static void *use_elsewhere_with_hub(void *argument) {
    CHECK(green_yield(), ==, 0);
    use_elsewhere(argument);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(foreign, "a call on a queue of another OS thread is -EXDEV and has no effect") {
    static void *(*const users[])(void *) = {use_elsewhere, use_elsewhere_with_hub};
    green_queue *queue = queue_of(1, 1);
    for (int i = 0; i < 2; i++) {
        pthread_t other;
        CHECK(pthread_create(&other, NULL, users[i], queue), ==, 0);
        CHECK(pthread_join(other, NULL), ==, 0);
    }
    queue_counts(queue, 1, 0, 0);
    CHECK(green_queue_capacity(queue), ==, 1);
    CHECK(!green_queue_is_closed(queue));
    CHECK(green_queue_unfinished(queue), ==, 1);
    CHECK(queue_get(queue), ==, 1);
    queue_release(queue);
}

static void *use_first(void *argument) {
    CHECK(queue_put(argument, 1), ==, 0);
    CHECK(queue_get(argument), ==, 1);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(made_elsewhere, "a queue belongs to the OS thread that first uses it, not to the one that created it") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    pthread_t other;
    CHECK(pthread_create(&other, NULL, use_first, queue), ==, 0);
    CHECK(pthread_join(other, NULL), ==, 0);
    CHECK(element_try_put(queue, 0, 1), ==, -EXDEV);
    queue_release(queue);
}

/* Many threads ------------------------------------------------------------- */

enum { PRODUCERS = 20, CONSUMERS = 7, EACH = 300 };

struct crowd {
    green_queue *queue;
    unsigned char seen[PRODUCERS * EACH + 1];
    int got;
    int next_producer;
};

/* An element that was not put is put again: a kill and a timeout take nothing. */
static int produce(void *argument) {
    struct crowd *crowd = argument;
    int first = crowd->next_producer++ * EACH;
    for (int i = 1; i <= EACH; i++) {
        int error;
        do
            error = element_put(crowd->queue, 0, first + i, random_below(3) ? GREEN_FOREVER : GREEN_MICROSECOND);
        while (error == -ECANCELED || error == -ETIMEDOUT);
        CHECK(error, ==, 0);
        if (random_below(5) == 0)
            green_yield(); /* a kill here does not matter */
    }
    return 0;
}

static int consume(void *argument) {
    struct crowd *crowd = argument;
    for (;;) {
        int serial = element_get(crowd->queue, random_below(3) ? GREEN_FOREVER : GREEN_MICROSECOND);
        if (serial == -EBADF)
            return 0;
        if (serial == -ECANCELED || serial == -ETIMEDOUT)
            continue;
        CHECK(serial, >, 0);
        CHECK(crowd->seen[serial]++, ==, 0);
        crowd->got++;
        CHECK(green_queue_task_done(crowd->queue), ==, 0);
    }
}

static void run_crowd(int64_t capacity) {
    struct crowd *crowd = calloc(1, sizeof *crowd);
    crowd->queue = element_queue(capacity, GREEN_FIFO);
    green_thread *threads[PRODUCERS + CONSUMERS];
    for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
        threads[i] = start(i < PRODUCERS ? produce : consume, crowd);
    CHECK(green_yield(), ==, 0); /* a thread that is killed before never begins */
    while (crowd->got < PRODUCERS * EACH) {
        green_thread_kill(threads[random_below(PRODUCERS + CONSUMERS)]);
        if (random_below(20) == 0)
            CHECK(green_queue_resize(crowd->queue, (int64_t)random_below(4)), ==, 0);
        CHECK(green_yield(), ==, 0);
    }
    CHECK(green_queue_join(crowd->queue, GREEN_FOREVER), ==, 0);
    CHECK(green_queue_close(crowd->queue), ==, 0);
    for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    queue_release(crowd->queue);
    free(crowd);
}

TEST(crowd, "every element arrives once while many threads are killed and time out") {
    run_crowd(0);
    run_crowd(1);
    run_crowd(5);
    run_crowd(GREEN_UNBOUNDED);
}
