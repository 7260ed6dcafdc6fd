/* Fixes OpenSSL's random numbers and time, so that each run is the same. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "fuzz.h"

#include <openssl/rand.h>
#include <time.h>

/* splitmix64 */
uint64_t next_random(uint64_t *state) {
    uint64_t word = *state += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

/* Each end has its own sequence. Otherwise a recorded stream would match only if both ends
 * ran in the order of the recording. */
static uint64_t *sequence(void) {
    static uint64_t others;
    struct end *end = green_thread_context(green_current());
    return end ? &end->random : &others;
}

static int random_bytes(unsigned char *bytes, int size) {
    uint64_t *state = sequence();
    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)(next_random(state) >> 56);
    return 1;
}

static int is_seeded(void) {
    return 1;
}

void fix_randomness(void) {
    static const RAND_METHOD method = {.bytes = random_bytes, .pseudorand = random_bytes, .status = is_seeded};
    CHECK(RAND_set_rand_method(&method), ==, 1);
}

/* Replaces the C library's: certificates and tickets contain the time. */
time_t time(time_t *into) {
    static const time_t now = 1800000000;
    if (into)
        *into = now;
    return now;
}
