#include "seed_runs.h"

#include "harness.h"

#include <signal.h>

static uint64_t seed;
static const char *test_name;
static void (*dump_run)(void);

static void tell_seed(void) {
    char program[4096] = "";
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    fprintf(stderr, "seed %lu fails; to replay it: GREEN_SEED=%lu %.*s %s\n", (unsigned long)seed, (unsigned long)seed,
            (int)length, program, test_name);
    dump_run();
}

static void on_crash(int signal) {
    (void)signal;
    tell_seed();
}

/* Prints the seed if the process crashes. */
static void watch_crashes(void) {
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_RESETHAND};
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

static uint64_t number_from(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

uint64_t run_seeds(const char *test, uint64_t seeds, void (*run)(uint64_t seed), void (*dump)(void)) {
    uint64_t first = number_from("GREEN_SEED", 1);
    uint64_t count = getenv("GREEN_SEED") ? 1 : number_from("GREEN_SEEDS", seeds);
    test_name = test;
    dump_run = dump;
    if (!SANITIZED)
        watch_crashes();
    on_failure = tell_seed;
    for (seed = first; seed < first + count; seed++)
        run(seed);
    on_failure = NULL;
    return count;
}
