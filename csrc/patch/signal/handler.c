#include "handler.h"

#include "../../core/inbox.h"
#include "../signal_wait.h"

static void deliver(green_post *post, int error) {
    green_hub *hub = GREEN_CONTAINER(post, green_hub, signal_post);
    __atomic_store_n(&hub->signal_was_posted, false, __ATOMIC_RELAXED);
    if (error == 0)
        green__signals_end_wait(&hub->root);
}

/* The kernel delivers a signal that is sent to the process to its main OS thread, if it can. So
 * the OS thread's own context is the receiver, unless pthread_kill() names a green thread, which
 * that call wakes itself. */
void green__signal_handled(green_hub *hub, bool restarts) {
    green_thread *receiver = hub->signalled ? hub->signalled : &hub->root;
    uint32_t *handled = receiver->signals.handled;
    __atomic_store_n(&handled[GREEN_SIGNALS_INTERRUPT], handled[GREEN_SIGNALS_INTERRUPT] + 1, __ATOMIC_RELAXED);
    if (!restarts)
        __atomic_store_n(&handled[GREEN_SIGNALS_RESTART], handled[GREEN_SIGNALS_RESTART] + 1, __ATOMIC_RELAXED);
    if (receiver != &hub->root || !__atomic_load_n(&receiver->signals.is_parking, __ATOMIC_RELAXED) ||
        __atomic_exchange_n(&hub->signal_was_posted, true, __ATOMIC_RELAXED))
        return;
    hub->signal_post.deliver = deliver;
    (void)green__inbox_try_post(hub, &hub->signal_post); /* it fails only in a child that is forked */
}
