/* Random programs on a simulated kernel, from a seed: see seed_runs.h. */
#include "seed_runs.h"
#include "world.h"

enum { SEEDS = 10000 };

static const char *engine;
static uint64_t steps;

static void run(uint64_t seed) {
    world_run(seed, engine);
    steps += world.steps;
}

/* The test is named like the engine. */
static void run_engine(const char *name) {
    engine = name;
    uint64_t count = run_seeds(name, SCALED(SEEDS), run, kernel_dump);
    printf("%lu seeds, %lu steps, %lu faults\n", (unsigned long)count, (unsigned long)steps,
           (unsigned long)kernel_faults());
}

BIG_TEST(uring, "on io_uring no order of events loses, duplicates or leaks anything, and no thread is stuck") {
    run_engine("uring");
}

BIG_TEST(epoll, "on epoll no order of events loses, duplicates or leaks anything, and no thread is stuck") {
    run_engine("epoll");
}
