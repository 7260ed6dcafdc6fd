/* Numbers that are random enough and follow from a seed alone. */
#ifndef GREEN_SIMULATION_DICE_H
#define GREEN_SIMULATION_DICE_H

#include <stdbool.h>
#include <stdint.h>

void dice_begin(uint64_t seed);

/* Less than limit. */
uint32_t below(uint32_t limit);

/* True in so many of a thousand cases. */
bool chance(uint32_t per_mille);

#endif
