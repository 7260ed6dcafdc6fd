/* Waits for any or all of several threads. */
#include "../core/exit_observer.h"
#include "../core/fork.h"
#include "../core/interrupt.h"

#include <green/group.h>

#include <stdio.h>
#include <stdlib.h>

enum { TARGETS_ON_STACK = 16 };

/* A thread that is waited for. */
struct target {
    green_exit_observer exit_observer;
    struct multi_wait *multi;
    green_thread *thread; /* retained, because another thread may release the handle */
};

struct multi_wait {
    green_wait wait;
    size_t count;        /* of targets */
    size_t missing;      /* how many of them must still exit */
    green_thread *first; /* the first that exited */
    struct target *targets;
    struct target inline_targets[TARGETS_ON_STACK];
};

static void wake(green_wait *wait) {
    green__ready(wait->thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const struct multi_wait *multi = GREEN_CONTAINER(wait, const struct multi_wait, wait);
    snprintf(text, size, "waiting for %zu of %zu green threads", multi->missing, multi->count);
}

static const green_wait_kind waiting = {wake, describe};

static void target_exited(green_exit_observer *observer, green_thread *thread) {
    struct multi_wait *multi = GREEN_CONTAINER(observer, struct target, exit_observer)->multi;
    if (!multi->first)
        multi->first = thread;
    if (multi->missing == 0)
        return; /* the wait for any is over */
    multi->missing--;
    /* The timeout may have ended the wait already. */
    if (multi->missing == 0 && multi->wait.thread->state == GREEN_PARKED)
        wake(&multi->wait);
}

static int watch(struct multi_wait *multi, green_thread *const *threads, size_t count) {
    multi->count = count;
    multi->first = NULL;
    multi->targets = count <= TARGETS_ON_STACK ? multi->inline_targets : calloc(count, sizeof *multi->targets);
    if (!multi->targets)
        return green__fail(-ENOMEM, "cannot wait for %zu green threads", count);
    for (size_t i = 0; i < count; i++) {
        struct target *target = &multi->targets[i];
        *target = (struct target){{.exited = target_exited}, multi, green_thread_retain(threads[i])};
        if (threads[i]->state != GREEN_DONE)
            green__exit_observer_add(threads[i], &target->exit_observer);
    }
    return 0;
}

static void unwatch(struct multi_wait *multi) {
    for (size_t i = 0; i < multi->count; i++) {
        green__exit_observer_remove(&multi->targets[i].exit_observer);
        green_thread_release(multi->targets[i].thread);
    }
    if (multi->targets != multi->inline_targets)
        free(multi->targets);
}

/* Blocks until `missing` of the threads have exited. The caller must call unwatch() if
 * multi->targets is set. */
static int wait_for_exits(struct multi_wait *multi, green_thread *const *threads, size_t count, size_t missing,
                          int64_t timeout) {
    green_hub *hub = green__hub;
    multi->targets = NULL;
    int error = green__begin(hub, timeout);
    if (error == 0)
        error = watch(multi, threads, count);
    if (error < 0)
        return error;
    multi->missing = missing;
    green__wait_init(hub, &multi->wait, &waiting);
    return green__wait(hub, &multi->wait, timeout);
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
    struct multi_wait any;
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
        unwatch(&any);
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
    struct multi_wait all;
    error = wait_for_exits(&all, threads, count, unfinished, timeout);
    if (error == -ETIMEDOUT)
        fail_some(all.missing, count, timeout);
    for (size_t i = 0; i < count && error == 0; i++)
        all.targets[i].thread->observed = true;
    if (all.targets)
        unwatch(&all);
    return error;
}
