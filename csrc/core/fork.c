/* What becomes of hubs in a forked child.
 *
 * A child has copies of its parent's hubs, but the kernel's side of them, the
 * ring or the epoll, is the parent's alone. So they are given up: their
 * descriptors are closed without touching what is shared, and nothing ever runs
 * on them again. Their memory stays, since it is what the child's only OS thread
 * may be running on, and since an old handle must not meet a new hub at the same
 * address. The next blocking call makes a hub as in any other process. */
#include "hub.h"

#include <stdlib.h>

/* Those of the process before the fork, by registration.next. */
static green_hub *abandoned;

/* The green stack that this OS thread goes on with, because it forked there. */
static _Thread_local const green_stack *inherited;

void green__hub_abandon(green_hub *hub) {
    green__engine_abandon(hub->engine);
    green__stacks_abandon(&hub->stacks, hub == green__hub ? hub->current->stack : NULL);
    hub->registration.place = NULL;
    hub->registration.next = abandoned;
    abandoned = hub;
    /* Whoever comes back into it from a callback that forked meets the engine,
     * which says so, and no thread of the parent's. */
    hub->head = NULL;
    hub->tail = &hub->head;
    green__run_queue_append(hub, &hub->mark);
    hub->io_waiters++;
    if (hub != green__hub)
        return;
    if (hub->exit)
        hub->exit((char *)hub->current->access);
    if (hub->current->stack)
        inherited = hub->current->stack;
    green__hub = NULL;
}

bool green__hub_is_abandoned(const green_hub *hub) {
    for (const green_hub *other = abandoned; other; other = other->registration.next)
        if (other == hub)
            return true;
    return false;
}

const char *green__foreign_hub_reason(const green_hub *hub) {
    return green__hub_is_abandoned(hub) ? "belongs to the process before the fork" : "lives on another OS thread";
}

const green_stack *green__inherited_stack(void) {
    return inherited;
}

void green__forked_child_exit(const green_thread *thread, int result) {
    char label[GREEN_LABEL_MAX];
    if (result < 0 && result != -ECANCELED)
        green__report("%s ended a forked child with an error: %s", green__thread_label(thread, label, sizeof label),
                      green__error_text(result));
    exit(result < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
