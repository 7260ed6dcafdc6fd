/* Timers: a 4-ary heap of deadlines.
 *
 * The heap contains the deadlines, so that sifting compares neighbors in memory. Each timer
 * contains its index, so that cancelling it is one removal. Timeouts are mostly cancelled
 * before they expire: they stay at the bottom of the heap and cost a few moves, regardless
 * of the number of timers. Those with the same deadline fire in the order of their starts. */
#ifndef GREEN_CORE_TIMER_H
#define GREEN_CORE_TIMER_H

#include "../base/error.h"

#include <green/base.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct green_timer {
    void (*fire)(struct green_timer *timer); /* called once, when the timer is idle again */
    uint32_t place;                          /* 1 + index in the heap; 0: idle */
    uint32_t number;                         /* in the order of the starts */
} green_timer;

typedef struct green_timer_heap {
    struct green_deadline {
        int64_t at; /* nanoseconds, CLOCK_MONOTONIC */
        green_timer *timer;
    } * entries;
    size_t count, capacity;
    uint32_t started;
} green_timer_heap;

/* Reserves memory for one more timer, so that the next start cannot fail. -ENOMEM. */
int green__timer_reserve(green_timer_heap *heap);

/* Starts an idle timer. -ENOMEM. */
int green__timer_start(green_timer_heap *heap, green_timer *timer, int64_t deadline);

/* Stops it if it is pending. */
void green__timer_cancel(green_timer_heap *heap, green_timer *timer);

static inline bool green__timer_pending(const green_timer *timer) {
    return timer->place != 0;
}

/* Fires all timers whose deadline is not after now, in the order of their deadlines. Timers
 * that they start wait for the next call. */
void green__timers_fire(green_timer_heap *heap, int64_t now);

void green__timers_destroy(green_timer_heap *heap);

/* Returns now + delay, or INT64_MAX if that overflows. */
static inline int64_t green__time_add(int64_t now, int64_t delay) {
    return delay < INT64_MAX - now ? now + delay : INT64_MAX;
}

/* A deadline that never comes. */
static const int64_t GREEN_NEVER = -1;

/* The deadline of a timeout that starts now. GREEN_NEVER for GREEN_FOREVER. */
static inline int64_t green__deadline_after(int64_t timeout) {
    return GREEN_LIKELY(timeout < 0) ? GREEN_NEVER : green__time_add(green_now(), timeout);
}

/* The time until a deadline, as a timeout: 0 if it has passed. */
static inline int64_t green__time_left(int64_t deadline) {
    if (GREEN_LIKELY(deadline < 0))
        return GREEN_FOREVER;
    int64_t left = deadline - green_now();
    return left > 0 ? left : 0;
}

#endif
