/* Counters that one OS thread changes and others read, without a locked instruction. */
#ifndef GREEN_CORE_COUNTER_H
#define GREEN_CORE_COUNTER_H

#include <stdint.h>

static inline void green__counter_increment(uint64_t *counter) {
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static inline void green__counter_decrement(uint64_t *counter) {
    __atomic_store_n(counter, *counter - 1, __ATOMIC_RELAXED);
}

static inline uint64_t green__counter_read(const uint64_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
