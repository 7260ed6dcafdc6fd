#include "dump.h"
#include "environment.h"
#include "monitor.h"
#include "timing.h"

static void hub_opened(green_hub *hub) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    green__timing_hub_opened(hub);
    pthread_once(&once, green__diagnostics_from_environment);
}

static void forked(void) {
    green__timing_forked();
    green__dumps_forked();
    green__monitor_forked();
}

const green_diagnostics_hooks green__diagnostics_hooks = {
    .hub_opened = hub_opened,
    .iteration_began = green__timing_iteration_began,
    .wait_ended = green__timing_wait_ended,
    .dump = green__hub_report_dump,
    .forked = forked,
};
