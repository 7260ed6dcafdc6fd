#include "requests.h"

#include "../base/pthread.h"
#include "dump.h"

#include <unistd.h>

static pthread_mutex_t dumps = PTHREAD_MUTEX_INITIALIZER; /* one hub at a time writes its dump */
static uint32_t timing;                                   /* the number of the monitor, or 0 */

static void set_timing(green_hub_registration *hub) {
    __atomic_fetch_and(&hub->requests, GREEN_REQUEST_DUMP, __ATOMIC_RELAXED);
    __atomic_fetch_or(&hub->requests, timing * GREEN_REQUEST_TIMING, __ATOMIC_RELAXED);
}

void green__requests_add_dump(green_hub_registration *hub) {
    __atomic_fetch_or(&hub->requests, GREEN_REQUEST_DUMP, __ATOMIC_RELAXED);
}

void green__requests_set_timing(uint32_t monitor) {
    green_hub_registration *hub = green__hubs_lock();
    timing = monitor;
    for (; hub; hub = hub->next)
        set_timing(hub);
    green__hubs_unlock();
}

void green__requests_hub_opened(green_hub *hub) {
    green__hubs_lock();
    set_timing(&hub->registration);
    green__hubs_unlock();
}

void green__requests_forked(void) {
    dumps = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    timing = 0;
}

static int write_dump(void *unused) {
    (void)unused;
    green_hub *hub = green__hub;
    __atomic_fetch_and(&hub->registration.requests, ~(uint32_t)GREEN_REQUEST_DUMP, __ATOMIC_RELAXED);
    hub->diagnostics.dump_scheduled = false;
    green__pthread.mutex_lock(&dumps);
    green__hub_dump(hub, STDERR_FILENO);
    green__pthread.mutex_unlock(&dumps);
    return 0;
}

/* Writes the dump in a thread of its own, because the thread that runs the event loop may
 * have too little stack left. */
static void schedule_dump(green_hub *hub) {
    static const green_spawn_options options = {.name = "dump"};
    if (hub->diagnostics.dump_scheduled)
        return;
    hub->diagnostics.dump_scheduled = true;
    if (green_spawn_with(NULL, &options, write_dump, NULL) < 0)
        write_dump(NULL);
}

static void time_iteration(green_hub_diagnostics *hub, uint32_t monitor) {
    int64_t now = green_now();
    if (hub->timed_for != monitor)
        hub->timed_for = monitor; /* the iteration before was not timed */
    else if (now - hub->iteration_start > hub->longest_iteration)
        hub->longest_iteration = now - hub->iteration_start;
    hub->iteration_start = now;
}

void green__requests_iteration_began(green_hub *hub) {
    uint32_t requests = green__hub_requests(&hub->registration);
    if (requests & GREEN_REQUEST_DUMP)
        schedule_dump(hub);
    if (requests >= GREEN_REQUEST_TIMING)
        time_iteration(&hub->diagnostics, requests / GREEN_REQUEST_TIMING);
}

void green__requests_wait_ended(green_hub *hub) {
    hub->diagnostics.iteration_start = hub->now;
    if (green__hub_requests(&hub->registration) & GREEN_REQUEST_DUMP)
        schedule_dump(hub);
}
