#include "channel_spin.h"

#include "../base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static const int64_t SPIN_MAX = 20 * GREEN_MICROSECOND;
static const int64_t SHORT_WAIT = 100 * GREEN_MICROSECOND;

/* A pause is a few tens of nanoseconds. */
enum {
    PAUSES = 16 /* between two looks, which take a cache line from the other end */,
    HEAD_START = 200,
    FEW = 256,
    SMALL_SWAPS_MAX = 4
};

static bool has_processors; /* atomic: more than one */

static void count_processors(void) {
    cpu_set_t set;
    /* It fails on machines with more processors than the set has room for. */
    __atomic_store_n(&has_processors, sched_getaffinity(0, sizeof set, &set) < 0 || CPU_COUNT(&set) > 1,
                     __ATOMIC_RELAXED);
}

static void pause_for(int count) {
    while (count-- > 0)
        green__spin_pause();
}

/* The number of elements that the call could send or receive. */
static size_t ready_for(const green_channel *channel, bool sends) {
    size_t taken = green__channel_read(&channel->taken), count = green__channel_read(&channel->sent) - taken;
    if (__atomic_load_n(&channel->closed, __ATOMIC_RELAXED))
        return 1;
    if (!sends)
        return count;
    return count < channel->limit ? channel->limit - count : 0;
}

/* The other end has begun, and has done more than one call. It gets ahead by some elements,
 * because for each single one both ends would wait for the same cache lines. */
static void let_ahead(size_t ready) {
    if (ready > 1 && ready < FEW)
        pause_for(HEAD_START);
}

/* A thread that is already in the list of waits goes first. */
static bool may_spin(const green_channel *channel, bool sends) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, count_processors);
    const green_hub *hub = green__hub;
    return __atomic_load_n(&has_processors, __ATOMIC_RELAXED) && channel->limit > 0 &&
           __atomic_load_n(&channel->waits_are_short[sends], __ATOMIC_RELAXED) &&
           green__channel_read(sends ? &channel->sending : &channel->receiving) == 0 &&
           (!hub || (hub->head == &hub->mark && !hub->mark.next && !green__inbox_has_posts(&hub->inbox)));
}

int64_t green__channel_spin(green_channel *channel, bool sends, int64_t timeout) {
    int64_t began = green__os_clock();
    if ((timeout >= 0 && timeout < SPIN_MAX) || !may_spin(channel, sends))
        return began;
    size_t ready;
    do {
        pause_for(PAUSES);
        ready = ready_for(channel, sends);
    } while (ready == 0 && green__os_clock() - began < SPIN_MAX);
    let_ahead(ready);
    return began;
}

void green__channel_let_senders_ahead_slow(const green_channel *channel) {
    if (__atomic_load_n(&has_processors, __ATOMIC_RELAXED) && green__channel_read(&channel->sending) == 0)
        let_ahead(ready_for(channel, false));
}

void green__channel_spin_learn(green_channel *channel, bool sends, int64_t began, bool was_served) {
    bool was_short = was_served && green__os_clock() - began < SHORT_WAIT;
    __atomic_store_n(&channel->waits_are_short[sends], was_short, __ATOMIC_RELAXED);
}
