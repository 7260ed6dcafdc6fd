#include "timing.h"

#include "../base/clock.h"

static uint32_t timing; /* the number of the monitor, or 0; guarded by the lock of the registry */

static void set(green_hub_registration *hub) {
    __atomic_store_n(&hub->timing, timing, __ATOMIC_RELAXED);
}

void green__timing_set(uint32_t monitor) {
    green_hub_registration *hub = green__hubs_lock();
    timing = monitor;
    for (; hub; hub = hub->next)
        set(hub);
    green__hubs_unlock();
}

void green__timing_hub_opened(green_hub *hub) {
    green__hubs_lock();
    set(&hub->registration);
    green__hubs_unlock();
}

void green__timing_forked(void) {
    timing = 0;
}

void green__timing_iteration_began(green_hub *hub) {
    green_hub_diagnostics *own = &hub->diagnostics;
    uint32_t monitor = green__hub_timing(&hub->registration);
    int64_t now = green__os_clock();
    if (own->timed_for != monitor)
        own->timed_for = monitor; /* the iteration before was not timed */
    else if (now - own->iteration_start > own->longest_iteration)
        own->longest_iteration = now - own->iteration_start;
    own->iteration_start = now;
}

void green__timing_wait_ended(green_hub *hub) {
    hub->diagnostics.iteration_start = green__os_clock();
}
