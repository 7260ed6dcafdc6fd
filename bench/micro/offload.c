/* Offloaded calls: a round trip to a worker, which has the same core or another one. */
#include "figure.h"

#include <green/green.h>

static int pin(void *core) {
    use_core(*(int *)core);
    return 0;
}

static int nothing(void *unused) {
    (void)unused;
    return 0;
}

static double round_trips(long steps, void *pool) {
    double begin = clock_ns();
    for (long i = 0; i < steps; i++)
        must(green_offload(pool, nothing, NULL, NULL, NULL, GREEN_FOREVER), "green_offload");
    return clock_ns() - begin;
}

static void measure(const char *name, int core) {
    green_offload_pool *pool;
    must(green_offload_pool_make(&pool, &(green_offload_options){.threads = 1, .idle = -1}), "green_offload_pool_make");
    must(green_offload(pool, pin, &core, NULL, NULL, GREEN_FOREVER), "green_offload");
    figure_measure(name, 1, 50000, round_trips, pool);
    green_offload_pool_free(pool);
}

void bench_offload(void) {
    measure("offload round trip", 0);
    measure("offload round trip, two cores", 1);
}
