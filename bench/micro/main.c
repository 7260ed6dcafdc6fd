/* green-bench-micro: prints the figures of the named benchmarks, a line of JSON
 * each. Times are of one step, in nanoseconds. */
#include "figure.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUICK_SCALE = 10 };

static const struct benchmark {
    const char *name;
    void (*run)(void);
    const char *about;
} benchmarks[] = {
    {"floor", bench_floor, "a call through a pointer, and bare switches of 2 and 10 contexts"},
    {"yield", bench_yield, "yield with 2, 10 and 10 000 threads"},
    {"exceptions", bench_exceptions, "yield with 10 threads, before and after libstdc++ is loaded"},
    {"spawn", bench_spawn, "spawn + wait, warm"},
    {"detach", bench_detach, "detach to completion, 1 and 100 at a time"},
    {"sleep", bench_sleep, "a sleep that expires at once, of 1, 10 and 1000 threads"},
    {"timer", bench_timer, "the timer heap with 1 000 000 pending"},
    {"timeout", bench_timeout, "spawn + wait without and with a timeout, 1 000 000 pending"},
    {"queue", bench_queue, "an item through a queue of 1 024, and by a rendezvous, of 1 and 16 producers"},
    {"channel", bench_channel, "the same through channels, within a hub and between two"},
    {"hub", bench_hub, "posts to a busy hub, a round trip of two hubs that sleep, posts of 8 OS threads"},
    {"offload", bench_offload, "a round trip to a worker on the same core and on another one"},
    {"semaphore", bench_semaphore, "a permit that circulates among 2 and 10 threads"},
    {"mutex", bench_mutex, "lock + unlock alone; a mutex that circulates among 2 and 10 threads"},
    {"patch", bench_patch, "an uncontended pthread mutex, and pthread_create + join: native and patched"},
    {"rate_limiter", bench_rate_limiter, "a token from a bucket that has some, and reading the clock"},
    {"pool", bench_pool, "spawn + wait in a pool of 100 and without one; 100 at a time, by a pool and by groups"},
    {"select", bench_select, "a get from a queue, and a select over 4 queues, one of them ready"},
    {"scope", bench_scope, "a timeout around a call that does not block, alone and within another"},
    {"file", bench_file, "calls on a small file in memory by 1 and 64 threads, and the system calls alone"},
    {"memory", bench_memory, "1 000 000 parked threads"},
};

enum { BENCHMARKS = sizeof benchmarks / sizeof *benchmarks };

static void print_help(void) {
    printf("green-bench-micro [--runs N] [--quick] [NAME...]\n\n");
    for (int i = 0; i < BENCHMARKS; i++)
        printf("  %-11s%s\n", benchmarks[i].name, benchmarks[i].about);
    printf("\n  --runs N  runs of each figure, up to %d\n  --quick   a tenth of the work, except for memory\n",
           FIGURE_RUNS_MAX);
}

static void parse_options(int argc, char **argv) {
    static const struct option known[] = {{"runs", 1, 0, 'r'}, {"quick", 0, 0, 'q'}, {"help", 0, 0, 'h'}, {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'r') {
            plan.runs = atoi(optarg);
        } else if (option == 'q') {
            plan.scale = QUICK_SCALE;
        } else {
            print_help();
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (plan.runs < 1 || plan.runs > FIGURE_RUNS_MAX) {
        fprintf(stderr, "green-bench-micro: --runs: expected 1 to %d\n", FIGURE_RUNS_MAX);
        exit(2);
    }
}

static const struct benchmark *find(const char *name) {
    for (int i = 0; i < BENCHMARKS; i++)
        if (strcmp(benchmarks[i].name, name) == 0)
            return &benchmarks[i];
    fprintf(stderr, "green-bench-micro: unknown benchmark '%s'; see --help\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    for (int i = optind; i < argc; i++)
        find(argv[i]);
    for (int i = optind; i < argc; i++)
        find(argv[i])->run();
    for (int i = 0; optind == argc && i < BENCHMARKS; i++)
        benchmarks[i].run();
    return 0;
}
