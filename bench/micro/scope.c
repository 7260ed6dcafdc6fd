/* scope: what a timeout costs around a call that does not block, started and
 * canceled, and the same call without one. */
#include "figure.h"

#include <green/green.h>

static void nothing(void) {
}

/* A call that no compiler can see through. */
static void (*volatile function)(void) = nothing;

static double timeouts(long steps, void *context) {
    (void)context;
    green_timeout *timeout;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++) {
        must(green_timeout_start(&timeout, 60 * GREEN_SECOND), "green_timeout_start");
        function();
        green_timeout_free(timeout);
    }
    return clock_ns() - begin;
}

/* Within another one, as those of a request are within that of its session. */
static double nested(long steps, void *context) {
    green_timeout *around;
    must(green_timeout_start(&around, 3600 * GREEN_SECOND), "green_timeout_start");
    double taken = timeouts(steps, context);
    green_timeout_free(around);
    return taken;
}

void bench_scope(void) {
    figure_measure("timeout around a call", 1, 5000000, timeouts, NULL);
    figure_measure("timeout around a call", 2, 5000000, nested, NULL);
}
