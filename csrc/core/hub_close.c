#include "exit_observer.h"
#include "hub.h"
#include "interrupt.h"
#include "local.h"
#include "main_queue.h"

/* Whether there are posts, or threads of Green's own, which end without waiting. Jobs of Tasks
 * are not such work: they may wait. */
static bool has_own_work(const green_hub *hub) {
    bool has_idle_runner = hub->task_jobs.has_runner && hub->task_jobs.queued == 0;
    return hub->diagnostics.dumps > 0 || hub->post_thread_exists || has_idle_runner ||
           green__main_queue_has_thread(hub) || green__inbox_has_posts(&hub->inbox);
}

/* A hub whose OS thread ends in a signal handler may be in the event loop. */
static bool is_in_use(const green_hub *hub) {
    return hub->is_lost || hub->in_event_loop || hub->current != &hub->root || hub->threads > 1 || hub->handles ||
           hub->sockets;
}

int green_hub_close(void) {
    green_hub *hub = green__hub;
    if (!hub)
        return green__fail(-ENOENT, "green_hub_close: this OS thread has no hub");
    if (hub->current == &hub->root && hub->root.must_not_block && !hub->in_event_loop && !hub->is_lost)
        return green__refuse_to_block(&hub->root); /* it could not wait for posts and threads of Green's own */
    do {
        while (hub->current == &hub->root && !hub->in_event_loop && !hub->is_lost && has_own_work(hub))
            green__yield(hub); /* a close that is refused keeps the interrupts of its caller */
        if (is_in_use(hub))
            return green__fail(-EBUSY,
                               "green_hub_close: %lu green threads have not finished, %lu handles of finished ones and "
                               "%lu sockets, files or processes are still held",
                               hub->threads - 1, hub->handles, hub->sockets);
    } while (!green__inbox_close(&hub->inbox));
    hub->in_event_loop = true;
    green__main_queue_stop(hub);
    while (hub->engine->operations > 0) /* cancelled and not completed yet */
        hub->engine->class->poll(hub->engine, GREEN_FOREVER);
    hub->root.must_not_block = GREEN_IN_DESTRUCTOR;
    green__locals_destroy(&hub->root);
    green__exit_observers_run(&hub->root);
    green__interrupt_reason_discard(&hub->root.reason);
    green__interrupt_reason_discard(&hub->root.kill.reason);
    green__hub_destroy(hub);
    return 0;
}
