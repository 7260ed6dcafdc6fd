/* Waits for any or all of several threads. */
#include "../core/fork.h"
#include "exit_wait.h"

#include <green/group.h>

#include <stdio.h>

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_exit_wait *exits = GREEN_CONTAINER(wait, const green_exit_wait, wait);
    snprintf(text, size, "waiting for %zu of %zu green threads", exits->missing, exits->count);
}

static const green_wait_kind waiting = {green__exit_wait_cancel, describe};

/* Blocks until `missing` of the threads have exited. The caller must call green__exit_wait_end()
 * if exits->targets is set. */
static int wait_for_exits(green_exit_wait *exits, green_thread *const *threads, size_t count, size_t missing,
                          int64_t timeout) {
    green_hub *hub = green__hub;
    exits->targets = NULL;
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    if (green__exit_wait_begin(exits, hub, &waiting, count, missing) < 0)
        return green__fail(-ENOMEM, "cannot wait for %zu green threads", count);
    for (size_t i = 0; i < count; i++)
        green__exit_wait_add(exits, threads[i]);
    return green__wait(hub, &exits->wait, timeout);
}

/* The start of both calls. There may be no threads. */
static int enter(green_thread *const *threads, size_t count) {
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        error = green__thread_check_hub(threads[i], "wait");
    return error < 0 ? error : green_check_interrupt();
}

/* Counts a thread as often as it is named. */
static size_t count_unfinished(green_thread *const *threads, size_t count) {
    size_t unfinished = 0;
    for (size_t i = 0; i < count; i++)
        unfinished += threads[i]->state != GREEN_DONE;
    return unfinished;
}

static size_t count_of(const green_thread *thread, green_thread *const *threads, size_t count) {
    size_t times = 0;
    for (size_t i = 0; i < count; i++)
        times += threads[i] == thread;
    return times;
}

static int fail_none(size_t count, int64_t timeout) {
    return green__fail_timed_out(timeout, "none of %zu green threads has finished", count);
}

static int fail_some(size_t unfinished, size_t count, int64_t timeout) {
    return green__fail_timed_out(timeout, "%zu of %zu green threads have not finished", unfinished, count);
}

ssize_t green_wait_any(green_thread *const *threads, size_t count, int64_t timeout) {
    if (count == 0)
        return green__fail(-EINVAL, "green_wait_any: no green threads are given");
    int error = enter(threads, count);
    if (error < 0)
        return error;
    for (size_t i = 0; i < count; i++)
        if (threads[i]->state == GREEN_DONE) {
            threads[i]->observed = true;
            return (ssize_t)i;
        }
    if (count_of(green__hub->current, threads, count) == count)
        return green__fail(-EDEADLK, "a green thread waits for itself");
    if (timeout == 0)
        return fail_none(count, timeout);
    green_exit_wait any;
    size_t index = 0;
    error = wait_for_exits(&any, threads, count, 1, timeout);
    if (error == -ETIMEDOUT) {
        fail_none(count, timeout);
    } else if (error == 0) {
        while (any.targets[index].thread != any.first)
            index++;
        any.first->observed = true;
    }
    if (any.targets)
        green__exit_wait_end(&any);
    return error < 0 ? error : (ssize_t)index;
}

int green_wait_all(green_thread *const *threads, size_t count, int64_t timeout) {
    int error = enter(threads, count);
    if (error < 0)
        return error;
    size_t unfinished = count_unfinished(threads, count);
    if (unfinished == 0) {
        for (size_t i = 0; i < count; i++)
            threads[i]->observed = true;
        return 0;
    }
    const green_thread *self = green__hub->current;
    if (self->state != GREEN_DONE && count_of(self, threads, count) > 0)
        return green__fail(-EDEADLK, "a green thread waits for itself and %zu others", count - 1);
    if (timeout == 0)
        return fail_some(unfinished, count, timeout);
    green_exit_wait all;
    error = wait_for_exits(&all, threads, count, unfinished, timeout);
    if (error == -ETIMEDOUT)
        fail_some(all.missing, count, timeout);
    for (size_t i = 0; i < count && error == 0; i++)
        all.targets[i].thread->observed = true;
    if (all.targets)
        green__exit_wait_end(&all);
    return error;
}
