/* Queues: waiting and the order of service. Waits that end early are in
 * queue_wait_errors.c, stored elements in queue_memory.c. */
#include "calls.h"
#include "helpers.h"

#include <sys/mman.h>

/* Creating ----------------------------------------------------------------- */

static void refused(green_queue_options options, const char *part) {
    green_queue *queue = NULL;
    CHECK(green_queue_make(&queue, &options), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), part);
    CHECK(queue == NULL);
}

TEST(refusals, "a negative capacity, an odd alignment, a priority queue without priorities are refused") {
    refused((green_queue_options){.element_size = 8, .capacity = -2}, "-2");
    refused((green_queue_options){.element_size = 8, .capacity = INT64_MIN}, "capacity");
    refused((green_queue_options){.element_size = 8, .alignment = 3}, "3");
    refused((green_queue_options){.element_size = 8, .alignment = 48}, "48");
    refused((green_queue_options){.element_size = 8, .order = GREEN_PRIORITY}, "priority");
    green_queue_free(NULL);
}

TEST(without_hub, "making and freeing a queue needs no hub") {
    green_statistics statistics;
    green_queue *queue = element_queue(3, GREEN_FIFO);
    CHECK(green_queue_capacity(queue), ==, 3);
    queue_counts(queue, 0, 0, 0);
    CHECK(green_queue_unfinished(queue), ==, 0);
    CHECK(!green_queue_is_closed(queue));
    queue_release(queue);
    CHECK(green_hub_statistics(&statistics), ==, -ENOENT);
}

TEST(capacities, "a queue is full when a put would have to wait; a rendezvous always is") {
    static const int64_t capacities[] = {0, 1, 3, GREEN_UNBOUNDED};
    for (int i = 0; i < 4; i++) {
        int64_t capacity = capacities[i];
        green_queue *queue = element_queue(capacity, GREEN_FIFO);
        CHECK(green_queue_capacity(queue), ==, capacity);
        for (int j = 0; j < capacity || (capacity < 0 && j < 1000); j++) {
            CHECK(!green_queue_is_full(queue));
            CHECK(queue_put(queue, j + 1), ==, 0);
        }
        CHECK(green_queue_is_full(queue), ==, capacity >= 0);
        queue_release(queue);
    }
}

/* Waiting ------------------------------------------------------------------ */

TEST(empty, "a get waits for an element") {
    green_queue *queue = element_queue(GREEN_UNBOUNDED, GREEN_FIFO);
    struct call getter;
    call_get(&getter, queue);
    CHECK(call_waits(&getter));
    queue_counts(queue, 0, 1, 0);
    CHECK(queue_put(queue, 5), ==, 0);
    queue_counts(queue, 0, 0, 0); /* the waiting thread has it */
    CHECK(call_end(&getter), ==, 5);
    queue_release(queue);
}

TEST(full, "a put waits for room, and a get makes room") {
    green_queue *queue = queue_of(2, 2);
    struct call putter;
    call_put(&putter, queue, 3);
    CHECK(call_waits(&putter));
    queue_counts(queue, 2, 0, 1);
    CHECK(queue_get(queue), ==, 1);
    queue_counts(queue, 2, 0, 0); /* as soon as there was room */
    CHECK(call_end(&putter), ==, 0);
    CHECK(queue_get(queue), ==, 2);
    CHECK(queue_get(queue), ==, 3);
    queue_release(queue);
}

TEST(no_yield, "puts and gets that need not wait let no other thread run") {
    green_queue *queue = element_queue(4, GREEN_FIFO);
    struct call other;
    call_begin(&other, queue, 9, GREEN_FOREVER);
    for (int i = 1; i <= 4; i++)
        CHECK(queue_put(queue, i), ==, 0);
    for (int i = 1; i <= 4; i++)
        CHECK(queue_get(queue), ==, i);
    CHECK_TEXT(marks(), "");
    CHECK(call_end(&other), ==, 0);
    queue_release(queue);
}

TEST(first_come, "gets and puts are served first come, first served") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    struct call calls[4];
    for (int i = 0; i < 4; i++)
        call_get(&calls[i], queue);
    for (int i = 0; i < 4; i++)
        CHECK(queue_put(queue, i + 1), ==, 0);
    for (int i = 0; i < 4; i++)
        CHECK(call_end(&calls[i]), ==, i + 1);
    CHECK(queue_put(queue, 1), ==, 0);
    for (int i = 0; i < 4; i++)
        call_put(&calls[i], queue, i + 2);
    for (int i = 1; i <= 5; i++)
        CHECK(queue_get(queue), ==, i);
    for (int i = 0; i < 4; i++)
        CHECK(call_end(&calls[i]), ==, 0);
    CHECK_TEXT(marks(), "00002345");
    queue_release(queue);
}

TEST(first_come_of_any_order, "puts are served first come, first served, whatever the order of the queue") {
    static const green_queue_order orders[] = {GREEN_LIFO, GREEN_PRIORITY};
    for (int i = 0; i < 2; i++) {
        green_queue *queue = element_queue(0, orders[i]);
        struct call calls[3];
        for (int j = 0; j < 3; j++)
            call_put(&calls[j], queue, j + 1);
        for (int j = 0; j < 3; j++)
            CHECK(queue_get(queue), ==, j + 1);
        for (int j = 0; j < 3; j++)
            CHECK(call_end(&calls[j]), ==, 0);
        queue_release(queue);
    }
}

TEST(no_overtaking, "a newcomer does not overtake a served waiter that has not run yet") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    struct call getter, putter;
    call_get(&getter, queue);
    CHECK(queue_put(queue, 1), ==, 0);
    CHECK(element_try_get(queue), ==, 0);
    CHECK(call_end(&getter), ==, 1);
    CHECK(queue_put(queue, 2), ==, 0);
    call_put(&putter, queue, 3);
    CHECK(queue_get(queue), ==, 2);
    CHECK(element_try_put(queue, 0, 4), ==, 0);
    CHECK(call_end(&putter), ==, 0);
    CHECK(queue_get(queue), ==, 3);
    queue_release(queue);
}

/* Rendezvous ----------------------------------------------------------------- */

TEST(rendezvous_put, "a put into a rendezvous returns when its element has been taken") {
    green_queue *rendezvous = element_queue(0, GREEN_FIFO);
    struct call putter;
    call_put(&putter, rendezvous, 1);
    CHECK(call_waits(&putter));
    CHECK(green_queue_is_full(rendezvous));
    queue_counts(rendezvous, 0, 0, 1);
    CHECK(green_queue_unfinished(rendezvous), ==, 0);
    CHECK(queue_get(rendezvous), ==, 1);
    queue_counts(rendezvous, 0, 0, 0);
    CHECK(green_queue_unfinished(rendezvous), ==, 1);
    CHECK(call_end(&putter), ==, 0);
    queue_release(rendezvous);
}

TEST(rendezvous_get, "a put into a rendezvous with a waiting get hands its element over at once") {
    green_queue *rendezvous = element_queue(0, GREEN_FIFO);
    struct call getter;
    call_get(&getter, rendezvous);
    CHECK(green_queue_is_full(rendezvous));
    CHECK(queue_put(rendezvous, 1), ==, 0);
    CHECK(call_waits(&getter)); /* it has not run yet */
    CHECK(call_end(&getter), ==, 1);
    queue_release(rendezvous);
}

/* Calls without waiting ---------------------------------------------------- */

TEST(tries, "a try moves an element, or returns 0 if it would have to wait") {
    green_queue *queue = element_queue(2, GREEN_FIFO);
    CHECK(element_try_get(queue), ==, 0);
    CHECK(element_try_put(queue, 0, 1), ==, 1);
    CHECK(element_try_put(queue, 0, 2), ==, 1);
    CHECK(element_try_put(queue, 0, 3), ==, 0);
    CHECK(element_try_get(queue), ==, 1);
    CHECK(element_try_get(queue), ==, 2);
    CHECK(element_try_get(queue), ==, 0);
    queue_release(queue);
}

TEST(tries_on_a_rendezvous, "a try on a rendezvous takes from a waiting put, or passes to a waiting get") {
    green_queue *rendezvous = element_queue(0, GREEN_FIFO);
    struct call call;
    CHECK(element_try_put(rendezvous, 0, 1), ==, 0);
    CHECK(element_try_get(rendezvous), ==, 0);
    call_put(&call, rendezvous, 2);
    CHECK(element_try_put(rendezvous, 0, 1), ==, 0);
    CHECK(element_try_get(rendezvous), ==, 2);
    CHECK(call_end(&call), ==, 0);
    call_get(&call, rendezvous);
    CHECK(element_try_get(rendezvous), ==, 0);
    CHECK(element_try_put(rendezvous, 0, 3), ==, 1);
    CHECK(call_end(&call), ==, 3);
    queue_release(rendezvous);
}

TEST(timeout_zero, "a timeout of 0 polls without waiting") {
    green_queue *queue = queue_of(1, 1), *rendezvous = element_queue(0, GREEN_FIFO);
    struct call other, call;
    call_begin(&other, queue, 9, GREEN_FOREVER);
    CHECK(element_put(queue, 0, 2, 0), ==, -ETIMEDOUT);
    CHECK(element_get(queue, 0), ==, 1);
    CHECK(element_get(queue, 0), ==, -ETIMEDOUT);
    CHECK(element_put(rendezvous, 0, 1, 0), ==, -ETIMEDOUT);
    CHECK(element_get(rendezvous, 0), ==, -ETIMEDOUT);
    CHECK(green_queue_join(queue, 0), ==, -ETIMEDOUT);
    CHECK_TEXT(marks(), "");
    CHECK(call_end(&other), ==, 0);
    call_put(&call, rendezvous, 3);
    CHECK(element_get(rendezvous, 0), ==, 3);
    CHECK(call_end(&call), ==, 0);
    call_get(&call, rendezvous);
    CHECK(element_put(rendezvous, 0, 4, 0), ==, 0);
    CHECK(call_end(&call), ==, 4);
    queue_release(queue);
    queue_release(rendezvous);
}

/* Resize ------------------------------------------------------------------- */

TEST(resize_up, "after growing, waiting puts proceed at once, in order") {
    green_queue *queue = queue_of(1, 1);
    struct call calls[4];
    for (int i = 0; i < 4; i++)
        call_put(&calls[i], queue, i + 2);
    CHECK(green_queue_resize(queue, 3), ==, 0);
    CHECK(green_queue_capacity(queue), ==, 3);
    queue_counts(queue, 3, 0, 2);
    CHECK(call_end(&calls[0]), ==, 0);
    CHECK(call_end(&calls[1]), ==, 0);
    CHECK(call_waits(&calls[2]));
    CHECK(green_queue_resize(queue, GREEN_UNBOUNDED), ==, 0);
    queue_counts(queue, 5, 0, 0);
    for (int i = 1; i <= 5; i++)
        CHECK(queue_get(queue), ==, i);
    CHECK(call_end(&calls[2]), ==, 0);
    CHECK(call_end(&calls[3]), ==, 0);
    queue_release(queue);
}

TEST(resize_down, "above a smaller capacity the elements stay, and no put succeeds until there are fewer") {
    green_queue *queue = queue_of(GREEN_UNBOUNDED, 4);
    struct call putter;
    CHECK(green_queue_resize(queue, 2), ==, 0);
    CHECK(green_queue_is_full(queue));
    call_put(&putter, queue, 5);
    for (int i = 1; i <= 2; i++) {
        CHECK(queue_get(queue), ==, i);
        queue_counts(queue, (size_t)(4 - i), 0, 1);
        CHECK(element_try_put(queue, 0, 9), ==, 0);
    }
    CHECK(queue_get(queue), ==, 3);
    queue_counts(queue, 2, 0, 0);
    CHECK(call_end(&putter), ==, 0);
    CHECK(queue_get(queue), ==, 4);
    CHECK(queue_get(queue), ==, 5);
    queue_release(queue);
}

TEST(resize_kinds, "a rendezvous becomes a queue, bounded or not, and a rendezvous again") {
    green_queue *queue = element_queue(0, GREEN_FIFO);
    struct call calls[3];
    for (int i = 0; i < 3; i++)
        call_put(&calls[i], queue, i + 1);
    CHECK(green_queue_resize(queue, 2), ==, 0);
    queue_counts(queue, 2, 0, 1);
    CHECK(green_queue_resize(queue, GREEN_UNBOUNDED), ==, 0);
    queue_counts(queue, 3, 0, 0);
    for (int i = 0; i < 3; i++)
        CHECK(call_end(&calls[i]), ==, 0);
    CHECK(green_queue_resize(queue, 0), ==, 0);
    CHECK(green_queue_is_full(queue));
    call_put(&calls[0], queue, 4);
    for (int i = 1; i <= 3; i++) {
        CHECK(queue_get(queue), ==, i);
        CHECK(call_waits(&calls[0])); /* nothing is stored in a rendezvous */
    }
    CHECK(queue_get(queue), ==, 4);
    CHECK(call_end(&calls[0]), ==, 0);
    CHECK(green_queue_resize(queue, 1), ==, 0);
    CHECK(queue_put(queue, 5), ==, 0);
    CHECK(queue_get(queue), ==, 5);
    queue_release(queue);
}

TEST(resize_refused, "a negative capacity other than GREEN_UNBOUNDED is refused, and changes nothing") {
    green_queue *queue = element_queue(2, GREEN_FIFO);
    CHECK(green_queue_resize(queue, -2), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "-2");
    CHECK(green_queue_resize(queue, INT64_MIN), ==, -EINVAL);
    CHECK(green_queue_capacity(queue), ==, 2);
    CHECK(green_queue_resize(queue, INT64_MAX), ==, 0);
    CHECK(queue_put(queue, 1), ==, 0);
    queue_release(queue);
}

TEST(resize_closed, "a closed queue stays closed whatever its capacity") {
    green_queue *queue = queue_of(1, 1);
    CHECK(green_queue_close(queue), ==, 0);
    CHECK(green_queue_resize(queue, GREEN_UNBOUNDED), ==, 0);
    CHECK(queue_put(queue, 2), ==, -EBADF);
    CHECK(queue_get(queue), ==, 1);
    CHECK(queue_get(queue), ==, -EBADF);
    queue_release(queue);
}

/* Unfinished elements ------------------------------------------------------ */

TEST(unfinished, "every element is unfinished until task_done, and further calls of it are refused") {
    green_queue *queue = element_queue(2, GREEN_FIFO);
    CHECK(green_queue_task_done(queue), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "task_done");
    CHECK(queue_put(queue, 1), ==, 0);
    CHECK(element_try_put(queue, 0, 2), ==, 1);
    CHECK(element_try_put(queue, 0, 3), ==, 0);
    CHECK(queue_get(queue), ==, 1);
    CHECK(green_queue_unfinished(queue), ==, 2);
    CHECK(green_queue_task_done(queue), ==, 0);
    CHECK(green_queue_unfinished(queue), ==, 1);
    CHECK(green_queue_task_done(queue), ==, 0);
    CHECK(green_queue_task_done(queue), ==, -EINVAL);
    CHECK(green_queue_unfinished(queue), ==, 0);
    queue_release(queue);
}

TEST(join_empty, "a join of a queue without any put does not wait") {
    green_queue *queue = element_queue(2, GREEN_FIFO);
    CHECK(green_queue_join(queue, GREEN_FOREVER), ==, 0);
    CHECK(green_queue_join(queue, 0), ==, 0);
    queue_release(queue);
}

TEST(join, "a join waits until every task is done, not only until the queue is empty") {
    green_queue *queue = queue_of(2, 2);
    green_thread *threads[] = {start(queue_join, queue), start(queue_join, queue)};
    CHECK(queue_get(queue), ==, 1);
    CHECK(queue_get(queue), ==, 2);
    let_run();
    CHECK(!green_thread_is_finished(threads[0]));
    CHECK(green_queue_task_done(queue), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(threads[0]));
    CHECK(green_queue_task_done(queue), ==, 0);
    CHECK(queue_put(queue, 3), ==, 0); /* too late for the woken threads */
    CHECK(finish(threads[0]), ==, 0);
    CHECK(finish(threads[1]), ==, 0);
    queue_release(queue);
}

TEST(join_ended, "a join ends by its timeout or a kill and leaves nothing behind") {
    green_queue *queue = queue_of(1, 1);
    CHECK(green_queue_join(queue, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT),
                   "cannot join a queue: not all of its elements were finished within 1 ms (ETIMEDOUT)");
    green_thread *thread = start(queue_join, queue);
    let_run();
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(queue_get(queue), ==, 1);
    CHECK(green_queue_task_done(queue), ==, 0);
    queue_release(queue);
}

TEST(join_closed, "the tasks of a closed queue can still be done and joined") {
    green_queue *queue = queue_of(2, 1);
    green_thread *thread = start(queue_join, queue);
    let_run();
    CHECK(green_queue_close(queue), ==, 0);
    let_run();
    CHECK(!green_thread_is_finished(thread));
    CHECK(queue_get(queue), ==, 1);
    CHECK(green_queue_task_done(queue), ==, 0);
    CHECK(finish(thread), ==, 0);
    queue_release(queue);
}

/* Deadlock and dump -------------------------------------------------------- */

TEST(deadlock, "if no thread is left to put or get, a call of main returns -EDEADLK and takes nothing") {
    green_queue *queue = element_queue(1, GREEN_FIFO);
    capture_begin();
    int error = queue_get(queue);
    CHECK_CONTAINS(capture_end(), "getting from a queue");
    CHECK(error, ==, -EDEADLK);
    CHECK(queue_put(queue, 1), ==, 0);
    capture_begin();
    error = queue_put(queue, 2);
    CHECK_CONTAINS(capture_end(), "putting into a queue");
    CHECK(error, ==, -EDEADLK);
    capture_begin();
    error = green_queue_join(queue, GREEN_FOREVER);
    CHECK_CONTAINS(capture_end(), "joining a queue");
    CHECK(error, ==, -EDEADLK);
    queue_counts(queue, 1, 0, 0);
    CHECK(queue_get(queue), ==, 1);
    queue_release(queue);
}

/* The output of green_dump(), which the next call overwrites. */
static const char *dump(void) {
    static char text[16384];
    int file = memfd_create("dump", MFD_CLOEXEC);
    CHECK(green_dump(file), ==, 0);
    ssize_t size = pread(file, text, sizeof text - 1, 0);
    CHECK(size, >=, 0);
    text[size] = 0;
    close(file);
    return text;
}

TEST(dumped, "a dump shows the threads that get, put and join") {
    green_queue *empty = element_queue(GREEN_UNBOUNDED, GREEN_FIFO), *full = queue_of(3, 3);
    struct call getter, putter;
    call_get(&getter, empty);
    call_put(&putter, full, 4);
    green_thread_set_name(getter.thread, "hungry");
    green_thread_set_name(putter.thread, "generous");
    green_thread *joiner = start_named("patient", queue_join, full);
    let_run();
    CHECK_CONTAINS(dump(), "'hungry': parked, getting from a queue of 0 for");
    CHECK_CONTAINS(dump(), "'generous': parked, putting into a queue of 3 out of 3 for");
    CHECK_CONTAINS(dump(), "'patient': parked, joining a queue with 3 unfinished elements for");
    CHECK(call_kill(&getter), ==, -ECANCELED);
    CHECK(call_kill(&putter), ==, -ECANCELED);
    CHECK(kill_and_finish(joiner), ==, -ECANCELED);
    queue_release(full);
    queue_release(empty);
}
