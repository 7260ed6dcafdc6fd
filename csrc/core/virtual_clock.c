#include "virtual_clock.h"

#include "../base/clock.h"
#include "io.h"
#include "main_queue.h"
#include "virtual_peers.h"

/* It starts at the real time, because the program may compare the two. */
void green__virtual_clock_init(green_hub *hub, bool is_virtual) {
    hub->has_virtual_clock = is_virtual;
    green__virtual_now = is_virtual ? green__os_clock() : 0;
}

void green__virtual_clock_pass(int64_t nanoseconds) {
    if (green__virtual_now != 0)
        green__virtual_now = green__time_add(green__virtual_now, nanoseconds);
}

/* Stops at the first thread whose operation comes from outside. */
static void look_for_outside_peer(green_thread *thread, void *context) {
    bool *found = context;
    if (!*found && thread->state == GREEN_PARKED && thread->wait->kind->cancel == green__io_cancel)
        *found = green__op_is_from_outside(&GREEN_CONTAINER(thread->wait, green_io, wait)->op);
}

static bool has_outside_peer(green_hub *hub) {
    bool found = false;
    green__hub_each_thread(hub, look_for_outside_peer, &found);
    return found;
}

int64_t green__virtual_wait_begin(green_virtual_wait *wait, green_hub *hub, int64_t timeout) {
    bool has_operations = hub->engine->operations > green__main_queue_operations(hub);
    *wait = (green_virtual_wait){.began = green__os_clock(), .timeout = timeout};
    wait->follows = hub->clock_holds > 0 || hub->outside_work > 0 || (has_operations && has_outside_peer(hub));
    if (timeout <= 0 || wait->follows)
        return timeout;
    wait->patience = has_operations ? GREEN_VIRTUAL_PATIENCE : 0;
    return wait->patience;
}

/* A timer that is due fires even if the real clock has not quite reached it. */
static void follow(const green_virtual_wait *wait) {
    int64_t passed = green__os_clock() - wait->began;
    green__virtual_clock_pass(wait->timeout >= 0 && passed > wait->timeout ? wait->timeout : passed);
}

/* An engine may return when an operation has made progress, but is not complete. */
static bool has_ended_early(const green_virtual_wait *wait) {
    return wait->patience > 0 && green__os_clock() - wait->began < wait->patience;
}

void green__virtual_wait_end(const green_virtual_wait *wait, green_hub *hub) {
    if (wait->follows)
        follow(wait);
    else if (wait->timeout > 0 && !hub->head && !green__inbox_has_posts(&hub->inbox) && !has_ended_early(wait))
        green__virtual_now = hub->timers.entries[0].at;
}
