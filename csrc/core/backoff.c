#include <green/backoff.h>

#include <sys/random.h>

enum { FIRST_DEFAULT_MS = 100, LONGEST_DEFAULT_S = 30 };

/* SplitMix64. Its state is one word, and any number may be the first. */
static uint64_t next_random(uint64_t *state) {
    uint64_t value = *state += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static uint64_t system_seed(void) {
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed || seed == 0)
        seed = (uint64_t)green_now();
    return seed;
}

static int64_t longest_of(const green_backoff *backoff) {
    if (backoff->longest < 0)
        return INT64_MAX;
    return backoff->longest > 0 ? backoff->longest : LONGEST_DEFAULT_S * GREEN_SECOND;
}

int64_t green_backoff_next(green_backoff *backoff) {
    if (backoff->first < 0)
        return 0;
    if (backoff->seed == 0)
        backoff->seed = system_seed();
    if (backoff->limit <= 0)
        backoff->limit = backoff->first > 0 ? backoff->first : FIRST_DEFAULT_MS * GREEN_MILLISECOND;
    int64_t longest = longest_of(backoff), limit = backoff->limit < longest ? backoff->limit : longest;
    backoff->limit = limit <= longest / 2 ? 2 * limit : longest;
    return (int64_t)(next_random(&backoff->seed) % ((uint64_t)limit + 1));
}
