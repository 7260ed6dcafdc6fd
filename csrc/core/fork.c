#include "fork.h"

#include "../base/clock.h"
#include "../base/own_fd.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

uint32_t green__generation;

static green_hub_registration *abandoned; /* the hubs of the parent */

static _Thread_local const green_stack *inherited;

static void abandon(green_hub *hub) {
    green__engine_abandon(hub->engine);
    green__stacks_abandon(&hub->stacks, hub == green__hub ? hub->current->stack : NULL);
    hub->registration.place = NULL;
    hub->registration.next = abandoned;
    abandoned = &hub->registration;
    /* If a callback forked, the child may return into the hub's functions. They then reach
     * the engine, which reports it, and no thread of the parent. */
    hub->mark.next = NULL;
    hub->head = &hub->mark;
    hub->tail = &hub->mark.next;
    hub->io_waiters++;
    green__inbox_abandon(&hub->inbox);
    if (hub != green__hub)
        return;
    if (hub->exit)
        hub->exit((char *)hub->current->access);
    if (hub->current->stack)
        inherited = hub->current->stack;
    green__hub = NULL;
    green__virtual_now = 0;
}

static void before_fork(void) {
    green__hubs_lock();
}

/* In the child, only the OS thread that forked exists. */
static void in_child(void) {
    green__generation++;
    for (green_hub_registration *hub = green__hubs_reset(), *next; hub; hub = next) {
        next = hub->next;
        abandon(hub->hub);
    }
    green__own_fds_forget_all(); /* what is left belongs to threads that do not exist here */
    green__diagnostics_hooks.forked();
}

static void watch(void) {
    if (pthread_atfork(before_fork, green__hubs_unlock, in_child) != 0)
        green__report("no memory for a fork handler: a forked child must not use Green");
}

void green__fork_watch(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch);
}

bool green__hub_is_abandoned(const green_hub *hub) {
    for (const green_hub_registration *other = abandoned; other; other = other->next)
        if (other->hub == hub)
            return true;
    return false;
}

const char *green__foreign_hub_reason(const green_hub *hub) {
    return green__hub_is_abandoned(hub) ? "belongs to the process before the fork"
                                        : "lives on another OS thread; spawn a green thread on its hub for the call";
}

int green__thread_check_hub(const green_thread *thread, const char *call) {
    if (GREEN_LIKELY(thread->hub == green__hub))
        return 0;
    char label[GREEN_LABEL_MAX];
    return green__fail(-EXDEV, "%s: %s %s", call, green__thread_label(thread, label, sizeof label),
                       green__foreign_hub_reason(thread->hub));
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
