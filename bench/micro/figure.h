/* What the micro benchmarks share: how to time, and how to print a figure. */
#ifndef GREEN_BENCH_FIGURE_H
#define GREEN_BENCH_FIGURE_H

#include <stdbool.h>

/* How long to measure. A run is one timed piece of work; its figures are kept
 * apart, to show the noise. */
typedef struct figure_plan {
    int runs;
    long scale; /* divides the work of a run: 1 normally, more to be quick */
} figure_plan;

extern figure_plan plan;

enum { FIGURE_RUNS_MAX = 64 };

/* Nanoseconds of CLOCK_MONOTONIC. */
double clock_ns(void);

/* Times one run, of the given number of steps, and returns nanoseconds. */
typedef double figure_run(long steps, void *context);

/* Does one run to warm up and plan.runs more, and prints nanoseconds a step. */
void figure_measure(const char *name, long threads, long steps, figure_run *run, void *context);

/* Prints one figure: a line of JSON. */
void figure_print(const char *name, long threads, const char *unit, const double *runs, int count);

/* Ends the program, saying which call has failed. */
_Noreturn void failed(int result, const char *call);

/* In line, because it stands in the loops that are timed. */
static inline void must(int result, const char *call) {
    if (result < 0)
        failed(result, call);
}

/* Ends the program when something that always holds does not. */
void expect(bool holds, const char *what);

/* One function a concept; see main.c for what each measures. */
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
void bench_semaphore(void);
void bench_pool(void);
void bench_scope(void);

#endif
