#include "exit_wait.h"

#include <stdlib.h>

void green__exit_wait_cancel(green_wait *wait) {
    green__ready(wait->thread);
}

static void target_exited(green_exit_observer *observer, green_thread *thread) {
    green_exit_wait *wait = GREEN_CONTAINER(observer, green_exit_target, exit_observer)->wait;
    if (!wait->first)
        wait->first = thread;
    if (wait->missing == 0)
        return; /* the wait is over */
    wait->missing--;
    /* It may not have begun, or have been ended already. */
    if (wait->missing == 0 && wait->wait.thread->wait == &wait->wait && wait->wait.thread->state == GREEN_PARKED)
        green__ready(wait->wait.thread);
}

int green__exit_wait_begin(green_exit_wait *wait, green_hub *hub, const green_wait_kind *kind, size_t capacity,
                           size_t missing) {
    wait->count = 0;
    wait->missing = missing;
    wait->first = NULL;
    wait->targets = capacity <= GREEN_EXIT_TARGETS_ON_STACK ? wait->on_stack : calloc(capacity, sizeof *wait->targets);
    green__wait_init(hub, &wait->wait, kind);
    return wait->targets ? 0 : -ENOMEM;
}

void green__exit_wait_add(green_exit_wait *wait, green_thread *thread) {
    green_exit_target *target = &wait->targets[wait->count++];
    *target = (green_exit_target){{.exited = target_exited}, wait, green_thread_retain(thread)};
    if (thread->state != GREEN_DONE)
        green__exit_observer_add(thread, &target->exit_observer);
}

void green__exit_wait_end(green_exit_wait *wait) {
    for (size_t i = 0; i < wait->count; i++) {
        green__exit_observer_remove(&wait->targets[i].exit_observer);
        green_thread_release(wait->targets[i].thread);
    }
    if (wait->targets != wait->on_stack)
        free(wait->targets);
}
