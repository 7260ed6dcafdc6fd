#include "figure.h"

#include <green/green.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
