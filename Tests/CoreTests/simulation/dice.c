#include "dice.h"

static uint64_t state;

void dice_begin(uint64_t seed) {
    state = seed;
}

/* SplitMix64. */
static uint64_t roll(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint32_t below(uint32_t limit) {
    return (uint32_t)((roll() >> 32) * limit >> 32);
}

bool chance(uint32_t per_mille) {
    return below(1000) < per_mille;
}
