/* Random programs on a simulated kernel, from a seed. GREEN_SEED=7 runs this seed only,
 * GREEN_SEEDS=100000 this many seeds. */
#include "world.h"

#include "helpers.h"

#include <signal.h>

enum { SEEDS = 10000 };

static uint64_t seed;
static const char *test_name;

static void tell_seed(void) {
    char program[4096] = "";
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    fprintf(stderr, "seed %lu fails; to replay it: GREEN_SEED=%lu %.*s %s\n", (unsigned long)seed, (unsigned long)seed,
            (int)length, program, test_name);
    kernel_dump();
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

/* The test is named like the engine. */
static void run_seeds(const char *engine) {
    uint64_t first = number_from("GREEN_SEED", 1), steps = 0;
    uint64_t count = getenv("GREEN_SEED") ? 1 : number_from("GREEN_SEEDS", SCALED(SEEDS));
    test_name = engine;
    if (!SANITIZED)
        watch_crashes();
    on_failure = tell_seed;
    for (seed = first; seed < first + count; seed++) {
        world_run(seed, engine);
        steps += world.steps;
    }
    on_failure = NULL;
    printf("%lu seeds, %lu steps, %lu faults\n", (unsigned long)count, (unsigned long)steps,
           (unsigned long)kernel_faults());
}

BIG_TEST(uring, "on io_uring no order of events loses, duplicates or leaks anything, and no thread is stuck") {
    run_seeds("uring");
}

BIG_TEST(epoll, "on epoll no order of events loses, duplicates or leaks anything, and no thread is stuck") {
    run_seeds("epoll");
}
