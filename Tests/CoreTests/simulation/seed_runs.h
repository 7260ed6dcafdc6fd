/* Repeats a simulation with many seeds. GREEN_SEED=7 in the environment runs this seed only,
 * GREEN_SEEDS=100000 this many seeds. */
#ifndef GREEN_SIMULATION_SEED_RUNS_H
#define GREEN_SIMULATION_SEED_RUNS_H

#include <stdint.h>

/* Calls run for each seed, `count` by default. If one fails or crashes, prints the seed and
 * the command that replays it, and calls dump. test is the name of the running test. Returns
 * the number of seeds. */
uint64_t run_seeds(const char *test, uint64_t count, void (*run)(uint64_t seed), void (*dump)(void));

#endif
