/* Timing and printing of figures, for all micro benchmarks. */
#ifndef GREEN_BENCH_FIGURE_H
#define GREEN_BENCH_FIGURE_H

#include <pthread.h>
#include <stdbool.h>

/* How long to measure. A run is one timed piece of work. The figures of the runs are printed
 * separately, to show the noise. */
typedef struct figure_plan {
    int runs;
    long scale; /* divides the work of a run: normally 1, more with --quick */
} figure_plan;

extern figure_plan plan;

enum { FIGURE_RUNS_MAX = 64 };

/* Keeps the calling OS thread on a core of this machine, if it has that many. */
void use_core(int core);

/* Starts an OS thread on a core: from its beginning, because the caller may keep its own busy. */
pthread_t start_on_core(int core, void *(*function)(void *), void *argument);

/* Nanoseconds of CLOCK_MONOTONIC. */
double clock_ns(void);

/* Measures one run with the given number of steps. Returns nanoseconds. */
typedef double figure_run(long steps, void *context);

/* Makes one warm-up run and plan.runs measured runs, and prints nanoseconds per step. */
void figure_measure(const char *name, long threads, long steps, figure_run *run, void *context);

/* Prints one figure as a line of JSON. */
void figure_print(const char *name, long threads, const char *unit, const double *runs, int count);

/* Ends the program with a message that names the failed call. */
_Noreturn void failed(int result, const char *call);

/* Inline, because the measured loops call it. */
static inline void must(int result, const char *call) {
    if (result < 0)
        failed(result, call);
}

/* Ends the program if a condition does not hold. */
void expect(bool holds, const char *what);

/* One function for each subject, described in main.c. */
void bench_floor(void);
void bench_yield(void);
void bench_exceptions(void);
void bench_spawn(void);
void bench_detach(void);
void bench_sleep(void);
void bench_timer(void);
void bench_timeout(void);
void bench_memory(void);
void bench_file(void);
void bench_queue(void);
void bench_rate_limiter(void);
void bench_hub(void);
void bench_offload(void);
void bench_channel(void);
void bench_semaphore(void);
void bench_mutex(void);
void bench_patch(void);
void bench_pool(void);
void bench_select(void);
void bench_scope(void);

#endif
