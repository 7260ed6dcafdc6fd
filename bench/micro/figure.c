#include "figure.h"

#include <green/green.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>

figure_plan plan = {.runs = 7, .scale = 1};

double clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void failed(int result, const char *call) {
    fprintf(stderr, "green-bench-micro: %s: %s\n", call, green_explain(result));
    exit(1);
}

void expect(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "green-bench-micro: this does not hold: %s\n", what);
    exit(1);
}

static cpu_set_t only(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET((size_t)(core % get_nprocs_conf()), &cores);
    return cores;
}

void use_core(int core) {
    cpu_set_t cores = only(core);
    expect(sched_setaffinity(0, sizeof cores, &cores) == 0, "the OS thread may use the core");
}

pthread_t start_on_core(int core, void *(*function)(void *), void *argument) {
    pthread_t thread;
    pthread_attr_t attributes;
    cpu_set_t cores = only(core);
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof cores, &cores);
    expect(pthread_create(&thread, &attributes, function, argument) == 0, "an OS thread starts");
    pthread_attr_destroy(&attributes);
    return thread;
}

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(const double *runs, int count) {
    double sorted[FIGURE_RUNS_MAX];
    memcpy(sorted, runs, (size_t)count * sizeof *runs);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

void figure_print(const char *name, long threads, const char *unit, const double *runs, int count) {
    printf("{\"name\":\"%s\",\"threads\":%ld,\"unit\":\"%s\",\"value\":%.3f,\"runs\":[", name, threads, unit,
           median(runs, count));
    for (int i = 0; i < count; i++)
        printf("%s%.3f", i ? "," : "", runs[i]);
    printf("]}\n");
    fflush(stdout);
}

void figure_measure(const char *name, long threads, long steps, figure_run *run, void *context) {
    double runs[FIGURE_RUNS_MAX];
    steps = steps / plan.scale > 0 ? steps / plan.scale : 1;
    run(steps, context);
    for (int i = 0; i < plan.runs; i++)
        runs[i] = run(steps, context) / (double)steps;
    figure_print(name, threads, "ns", runs, plan.runs);
}
