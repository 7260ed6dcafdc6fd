/* The record of a channel.
 *
 * Senders and receivers have a lock and a buffer each, on cache lines of their own, so that
 * they meet seldom: a receiver that finds its buffer empty swaps it for that of the senders.
 *
 *   send_lock     guards `in` and `sent`, and the receivers that wait
 *   receive_lock  guards `out`, `taken` and `swapped`; acquired before send_lock
 *   both          guard the senders that wait and `closed`: either is enough to read them
 *
 * A channel of capacity 0 stores nothing, and send_lock guards all of it.
 *
 * A thread enters a list of waits with both locks, so with both it is true that
 *
 *   a receiver waits only while no element is stored and no sender waits,
 *   a sender waits only while `sent - taken` is at least the capacity. */
#ifndef GREEN_SYNC_CHANNEL_RECORD_H
#define GREEN_SYNC_CHANNEL_RECORD_H

#include "biased_lock.h"
#include "segmented_buffer.h"

#include "../core/wait.h"

#include <green/channel.h>

enum { GREEN_CHANNEL_APART = 2 * GREEN_CACHE_LINE }; /* processors fetch pairs of cache lines */

struct green_channel {
    uint32_t references; /* atomic */
    uint32_t generation;
    size_t limit;
    green_channel_options options;
    bool passes_words;         /* elements are copied by one instruction, and stored: see send_at_once() */
    bool closed;               /* atomic, like all counts below, for readers without the lock */
    bool waits_are_short[2];   /* atomic: of receivers and of senders, see channel_spin.h */
    size_t receiving, sending; /* the lengths of the next two */
    green_wait_list receivers, senders;
    struct green_channel_buffer {
        green_segmented_buffer buffer;
    } __attribute__((aligned(GREEN_CHANNEL_APART))) buffers[2];

    green_biased_lock send_lock __attribute__((aligned(GREEN_CHANNEL_APART)));
    size_t sent;       /* elements that were stored since the channel was made */
    size_t taken_seen; /* `taken`, when a sender last read it */
    green_segmented_buffer *in;

    green_biased_lock receive_lock __attribute__((aligned(GREEN_CHANNEL_APART)));
    size_t taken;   /* elements that were taken out of the buffers */
    size_t swapped; /* `sent` at the last swap: elements are in `out` while `taken` is below it */
    green_segmented_buffer *out;
};

/* Stores the message of an error that ends a call, unless it has one, and returns the error. The
 * channel may have been freed. */
int green__channel_fail(int error, bool sends, int64_t timeout) __attribute__((cold));

/* Counts, which change with a lock, and are read with it or without. */
static inline void green__channel_set(size_t *count, size_t value) {
    __atomic_store_n(count, value, __ATOMIC_RELAXED);
}

static inline size_t green__channel_read(const size_t *count) {
    return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* How the caller acquired the locks. */
typedef struct green_channel_locks {
    bool receive, send;
} green_channel_locks;

static inline void green__channel_lock_receive(green_channel *channel, green_channel_locks *held) {
    held->receive = channel->limit > 0 && green__biased_lock(&channel->receive_lock);
}

static inline void green__channel_unlock_receive(green_channel *channel, const green_channel_locks *held) {
    if (channel->limit > 0)
        green__biased_unlock(&channel->receive_lock, held->receive);
}

static inline void green__channel_lock_send(green_channel *channel, green_channel_locks *held) {
    held->send = green__biased_lock(&channel->send_lock);
}

static inline void green__channel_unlock_send(green_channel *channel, const green_channel_locks *held) {
    green__biased_unlock(&channel->send_lock, held->send);
}

static inline void green__channel_lock_both(green_channel *channel, green_channel_locks *held) {
    green__channel_lock_receive(channel, held);
    green__channel_lock_send(channel, held);
}

static inline void green__channel_unlock_both(green_channel *channel, const green_channel_locks *held) {
    green__channel_unlock_send(channel, held);
    green__channel_unlock_receive(channel, held);
}

#endif
