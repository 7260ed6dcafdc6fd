#include "exit_observer.h"
#include "hub.h"
#include "interrupt.h"
#include "local.h"

int green_hub_close(void) {
    green_hub *hub = green__hub;
    if (!hub)
        return green__fail(-ENOENT, "green_hub_close: this OS thread has no hub");
    while (hub->diagnostics.dump_scheduled && hub->current == &hub->root)
        (void)green_yield(); /* the dump's thread ends without waiting */
    if (hub->current != &hub->root || hub->threads > 1 || hub->handles || hub->sockets)
        return green__fail(-EBUSY,
                           "green_hub_close: %lu green threads have not finished, %lu handles of finished ones and "
                           "%lu sockets, files or processes are still held",
                           hub->threads - 1, hub->handles, hub->sockets);
    hub->in_event_loop = true;
    while (hub->engine->operations > 0) /* cancelled and not completed yet */
        hub->engine->class->poll(hub->engine, GREEN_FOREVER);
    hub->root.must_not_block = true;
    green__locals_destroy(&hub->root);
    green__exit_observers_run(&hub->root);
    green__interrupt_reason_discard(&hub->root.reason);
    green__interrupt_reason_discard(&hub->root.kill.reason);
    green__hub_destroy(hub);
    return 0;
}
