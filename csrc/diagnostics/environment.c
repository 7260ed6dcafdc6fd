/* GREEN_MONITOR and GREEN_DUMP. */
#include "environment.h"

#include "../base/error.h"

#include <green/monitor.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(const char *variable) {
    const char *text = getenv(variable);
    return text && *text ? text : NULL;
}

static void start_monitor(const char *text) {
    char *end;
    double milliseconds = strtod(text, &end);
    if (*end != 0 || !(milliseconds >= 1 && milliseconds < 1e9)) {
        green__warn("ignoring GREEN_MONITOR=%s: expected milliseconds, at least 1", text);
        return;
    }
    int error = green_monitor_start(&(green_monitor_options){.limit = (int64_t)(milliseconds * 1e6)});
    if (error < 0 && error != -EALREADY)
        green__warn("ignoring GREEN_MONITOR=%s: %s", text, green_explain(error));
}

/* The number of the signal with a name, such as QUIT. 0: there is none. */
static int signal_named(const char *name) {
    for (int number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np(number);
        if (known && strcmp(known, name) == 0)
            return number;
    }
    return 0;
}

static void dump_on_signal(const char *name) {
    int number = signal_named(name);
    if (number == 0) {
        green__warn("ignoring GREEN_DUMP=%s: expected the name of a signal without SIG, such as QUIT or USR1", name);
        return;
    }
    int error = green_dump_on_signal(number);
    if (error < 0)
        green__warn("ignoring GREEN_DUMP=%s: %s", name, green_explain(error));
}

void green__diagnostics_from_environment(void) {
    const char *monitor = value_of("GREEN_MONITOR"), *dump = value_of("GREEN_DUMP");
    if (monitor)
        start_monitor(monitor);
    if (dump)
        dump_on_signal(dump);
}
