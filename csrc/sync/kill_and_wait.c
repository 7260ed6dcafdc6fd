#include "kill_and_wait.h"

#include "../core/thread.h"
#include "exit_wait.h"

#include <stdio.h>

static void describe(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "waiting for %zu killed green threads to end",
             GREEN_CONTAINER(wait, const green_exit_wait, wait)->missing);
}

static const green_wait_kind waiting = {green__exit_wait_cancel, describe};

static bool is_target(const green_thread *thread) {
    return thread->state != GREEN_DONE && thread != thread->hub->current;
}

static void count(green_thread *thread, void *targets) {
    *(size_t *)targets += is_target(thread);
}

static void kill_one(green_thread *thread, void *exits) {
    if (!is_target(thread))
        return;
    green__exit_wait_add(exits, thread);
    green__thread_kill_unless_current(thread);
}

/* Threads may exit before this one parks. */
static int wait_for_exits(green_exit_wait *exits, green_hub *hub, int64_t timeout) {
    int error = green__begin(hub, timeout);
    if (error == 0 && exits->missing > 0)
        error = timeout == 0 ? -ETIMEDOUT : green__wait(hub, &exits->wait, timeout);
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "%zu of %zu killed green threads have not finished", exits->missing,
                              exits->count);
    return error;
}

int green__kill_and_wait(green_hub *hub, green_each_thread *each, void *object, int64_t timeout) {
    size_t targets = 0;
    each(object, count, &targets);
    if (targets == 0)
        return green__check_interrupt(hub);
    green_exit_wait exits;
    if (green__exit_wait_begin(&exits, hub, &waiting, targets, targets) < 0)
        return green__fail(-ENOMEM, "cannot kill %zu green threads and wait for them", targets);
    each(object, kill_one, &exits);
    int error = wait_for_exits(&exits, hub, timeout);
    green__exit_wait_end(&exits);
    return error;
}
