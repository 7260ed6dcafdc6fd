/* Random programs of several hubs and OS threads, whose interleaving follows from a seed:
 * see seed_runs.h. */
#include "seed_runs.h"
#include "sites.h"

#include <sched.h>

enum { SEEDS = 4000 };

static uint64_t points;

static void run(uint64_t seed) {
    program_run(seed);
    points += turns_points();
}

/* On one processor, giving the turn to another OS thread costs a third. */
static void use_one_processor(void) {
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET((size_t)sched_getcpu(), &processors);
    (void)sched_setaffinity(0, sizeof processors, &processors);
}

BIG_TEST(hubs, "no interleaving of hubs loses a post or a wake-up, and none changes the order of a sender") {
    use_one_processor();
    uint64_t count = run_seeds("hubs", SCALED(SEEDS), run, program_dump);
    printf("%lu seeds, %lu schedule points\n", (unsigned long)count, (unsigned long)points);
}

TEST(replay, "the same seed gives the same interleaving") {
    use_one_processor();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        program_run(seed);
        uint64_t trace = turns_trace();
        program_run(seed);
        CHECK(turns_trace(), ==, trace);
    }
}
