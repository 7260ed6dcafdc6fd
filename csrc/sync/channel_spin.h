/* Waits of a few microseconds for the thread at the other end of a channel.
 *
 * If that thread runs on another processor, it sends or receives in less time than a hub needs
 * to sleep and to be woken. So a call that would wait spins first, if waits of its direction
 * have been short, and if its OS thread has nothing else to do. */
#ifndef GREEN_SYNC_CHANNEL_SPIN_H
#define GREEN_SYNC_CHANNEL_SPIN_H

#include "channel_record.h"

/* Whether calls on the channel spin: if several OS threads use it. */
static inline bool green__channel_may_spin(const green_channel *channel) {
    return channel->limit > 0 && GREEN_UNLIKELY(green__biased_lock_is_shared(&channel->send_lock));
}

/* Called when a call would have to wait. Spins until it would probably not, or for a limited
 * time. Returns the time at which the wait has begun. */
int64_t green__channel_spin(green_channel *channel, bool sends, int64_t timeout);

void green__channel_let_senders_ahead_slow(const green_channel *channel);

/* Called with receive_lock before a swap. Lets the senders get ahead if they run at the same
 * time, and the swap would bring only a few elements: otherwise both ends spend their time with
 * the lock of the senders. */
static inline void green__channel_let_senders_ahead(const green_channel *channel) {
    if (GREEN_UNLIKELY(green__channel_may_spin(channel)))
        green__channel_let_senders_ahead_slow(channel);
}

/* Records that a wait has ended: it was served, or has given up. */
void green__channel_spin_learn(green_channel *channel, bool sends, int64_t began, bool was_served);

#endif
