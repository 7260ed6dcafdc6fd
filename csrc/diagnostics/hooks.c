#include "dump.h"
#include "monitor.h"
#include "requests.h"

static void hub_opened(green_hub *hub) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    green__requests_hub_opened(hub);
    pthread_once(&once, green__monitor_start_from_environment);
}

static void forked(void) {
    green__requests_forked();
    green__monitor_forked();
}

const green_diagnostics_hooks green__diagnostics_hooks = {
    .hub_opened = hub_opened,
    .iteration_began = green__requests_iteration_began,
    .wait_ended = green__requests_wait_ended,
    .dump = green__hub_dump,
    .forked = forked,
};
