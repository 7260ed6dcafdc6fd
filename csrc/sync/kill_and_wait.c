#include "kill_and_wait.h"

#include "../core/exit_observer.h"
#include "../core/thread.h"

#include <stdio.h>
#include <stdlib.h>

struct killed {
    green_exit_observer exit_observer;
    struct kill_wait *wait;
};

struct kill_wait {
    green_wait wait;
    size_t count, left; /* killed threads, and those that have not exited */
    bool waits;
    struct killed *killed;
};

static void wake(green_wait *wait) {
    green__ready(wait->thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    snprintf(text, size, "waiting for %zu killed green threads to end",
             GREEN_CONTAINER(wait, const struct kill_wait, wait)->left);
}

static const green_wait_kind waiting = {wake, describe};

static void exited(green_exit_observer *observer, green_thread *thread) {
    (void)thread;
    struct kill_wait *wait = GREEN_CONTAINER(observer, struct killed, exit_observer)->wait;
    if (--wait->left == 0 && wait->waits && wait->wait.thread->state == GREEN_PARKED)
        wake(&wait->wait);
}

static bool is_target(const green_thread *thread) {
    return thread->state != GREEN_DONE && thread != thread->hub->current;
}

static void count(green_thread *thread, void *wait) {
    if (is_target(thread))
        ((struct kill_wait *)wait)->count++;
}

static void kill_one(green_thread *thread, void *context) {
    struct kill_wait *wait = context;
    if (!is_target(thread))
        return;
    struct killed *killed = &wait->killed[wait->left++];
    *killed = (struct killed){{.exited = exited}, wait};
    green__exit_observer_add(thread, &killed->exit_observer);
    green__thread_kill_unless_current(thread);
}

static int wait_for_exits(struct kill_wait *wait, green_hub *hub, int64_t timeout) {
    int error = green__begin(hub, timeout);
    if (error == 0 && wait->left > 0) {
        green__wait_init(hub, &wait->wait, &waiting);
        wait->waits = true;
        error = timeout == 0 ? -ETIMEDOUT : green__wait(hub, &wait->wait, timeout);
        wait->waits = false;
    }
    if (error == -ETIMEDOUT)
        green__fail_timed_out(timeout, "%zu of %zu killed green threads have not finished", wait->left, wait->count);
    return error;
}

int green__kill_and_wait(green_hub *hub, green_each_thread *each, void *object, int64_t timeout) {
    struct kill_wait wait = {0};
    each(object, count, &wait);
    if (wait.count == 0)
        return green__check_interrupt(hub);
    wait.killed = malloc(wait.count * sizeof *wait.killed);
    if (!wait.killed)
        return green__fail(-ENOMEM, "cannot kill %zu green threads and wait for them", wait.count);
    each(object, kill_one, &wait);
    int error = wait_for_exits(&wait, hub, timeout);
    for (size_t i = 0; i < wait.count; i++)
        green__exit_observer_remove(&wait.killed[i].exit_observer);
    free(wait.killed);
    return error;
}
