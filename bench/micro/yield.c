/* yield: from one ready thread to the next, including the hub's loop iterations. */
#include "figure.h"

#include <green/green.h>

#include <dlfcn.h>
#include <string.h>

/* The threads run in lockstep, because the run queue is FIFO: between two rounds of the first
 * thread, each thread yields once per round. So only the first thread measures the time, and
 * starting and ending do not count. */
typedef struct yield_bench {
    long threads, rounds; /* rounds of one run */
    double runs[FIGURE_RUNS_MAX];
    bool kept; /* a thread measures the time */
} yield_bench;

/* All threads yield at the same place in the code, as those of a server wait at the same
 * place: a processor predicts a return by the place of the last call. */
static int yield_rounds(void *argument) {
    yield_bench *bench = argument;
    bool first = !bench->kept;
    bench->kept = true;
    for (int run = -1; run < plan.runs; run++) { /* -1 is the warm-up */
        double begin = first ? clock_ns() : 0;
        for (long i = 0; i < bench->rounds; i++)
            must(green_yield(), "green_yield");
        if (first && run >= 0)
            bench->runs[run] = (clock_ns() - begin) / (double)(bench->rounds * bench->threads);
    }
    return 0;
}

static void measure(const char *name, long threads, double *runs) {
    yield_bench bench = {.threads = threads, .rounds = 10000000 / plan.scale / threads};
    green_thread *first;
    must(green_spawn(&first, yield_rounds, &bench), "green_spawn");
    for (long i = 1; i < threads; i++)
        must(green_detach(yield_rounds, &bench), "green_detach");
    must(green_thread_wait(first, NULL, GREEN_FOREVER), "green_thread_wait");
    green_thread_release(first);
    /* The others are in their last round. */
    must(green_yield(), "green_yield");
    figure_print(name, threads, "ns", bench.runs, plan.runs);
    memcpy(runs, bench.runs, sizeof bench.runs);
}

void bench_yield(void) {
    double runs[FIGURE_RUNS_MAX];
    measure("yield", 2, runs);
    measure("yield", 10, runs);
    measure("yield", 10000, runs);
}

static void load_cxx(void) {
    void *(*globals)(void);
    void *library = dlopen("libstdc++.so.6", RTLD_NOW);
    expect(library != NULL, "libstdc++.so.6 can be loaded");
    *(void **)&globals = dlsym(library, "__cxa_get_globals");
    expect(globals && globals(), "libstdc++ has __cxa_get_globals"); /* as the first throw does */
}

/* A C++ runtime cannot be unloaded, so its figures come last. */
void bench_exceptions(void) {
    enum { THREADS = 10 };
    double without[FIGURE_RUNS_MAX], with[FIGURE_RUNS_MAX];
    measure("yield without C++", THREADS, without);
    load_cxx();
    measure("yield with C++", THREADS, with);
    for (int i = 0; i < plan.runs; i++)
        with[i] -= without[i];
    figure_print("yield, more with C++", THREADS, "ns", with, plan.runs);
}
