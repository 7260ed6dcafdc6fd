/* The public calls for tests. */
#include "../base/clock.h"
#include "hub.h"
#include "thread.h"

#include <green/testing.h>

#include <errno.h>

static int check_hub(const char *call) {
    if (!green__hub)
        return green__fail(-ENOENT, "%s: this OS thread has no hub", call);
    return 0;
}

int green_clock_hold(void) {
    int error = check_hub("green_clock_hold");
    if (error == 0)
        green__hub->clock_holds++;
    return error;
}

int green_clock_resume(void) {
    int error = check_hub("green_clock_resume");
    if (error == 0 && green__hub->clock_holds == 0)
        return green__fail(-EINVAL, "green_clock_resume: there is no hold");
    if (error == 0)
        green__hub->clock_holds--;
    return error;
}

bool green_clock_is_virtual(void) {
    return green__virtual_now != 0;
}

static void kill_other(green_thread *thread, void *unused) {
    (void)unused;
    if (thread->stack && thread != thread->hub->current && !thread->is_own)
        green__thread_kill(thread, (green_interrupt_reason){0});
}

size_t green_hub_kill_threads(void) {
    green_hub *hub = green__hub;
    if (!hub)
        return 0;
    green__hub_each_thread(hub, kill_other, NULL);
    return hub->threads - 1 - (hub->current != &hub->root);
}
