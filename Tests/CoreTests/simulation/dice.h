/* Pseudo-random numbers that depend only on a seed. */
#ifndef GREEN_SIMULATION_DICE_H
#define GREEN_SIMULATION_DICE_H

#include <stdbool.h>
#include <stdint.h>

void dice_begin(uint64_t seed);

/* A number below limit. */
uint32_t below(uint32_t limit);

/* True with this probability in thousandths. */
bool chance(uint32_t per_mille);

#endif
