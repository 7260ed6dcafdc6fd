/* Timers: a 4-ary heap of deadlines.
 *
 * The deadline stands in the heap itself, so that sifting compares neighbours in
 * memory; each timer knows its place, so that cancelling is one removal. A
 * timer that is started late and cancelled early, as timeouts are, lives at the
 * bottom of the heap and costs a few moves however many there are. */
#ifndef GREEN_CORE_TIMER_H
#define GREEN_CORE_TIMER_H

#include "../base/error.h"

#include <green/base.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct green_timer {
    void (*fire)(struct green_timer *timer); /* called once; the timer is idle again by then */
    size_t place;                            /* 1 + index in the heap; 0: idle */
} green_timer;

typedef struct green_timer_heap {
    struct green_deadline {
        int64_t at; /* nanoseconds, CLOCK_MONOTONIC */
        green_timer *timer;
    } * entries;
    size_t count, capacity;
} green_timer_heap;

/* Makes room for one more, so that the next start cannot fail. -ENOMEM. */
int green__timer_reserve(green_timer_heap *heap);

/* Starts an idle timer. -ENOMEM. */
int green__timer_start(green_timer_heap *heap, green_timer *timer, int64_t deadline);

/* Stops it if it is pending. */
void green__timer_cancel(green_timer_heap *heap, green_timer *timer);

static inline bool green__timer_pending(const green_timer *timer) {
    return timer->place != 0;
}

/* Fires every timer whose deadline is not after now, in the order of their
 * deadlines; timers that these start are left for the next time. */
void green__timers_fire(green_timer_heap *heap, int64_t now);

void green__timers_destroy(green_timer_heap *heap);

/* now + delay, without overflow. */
static inline int64_t green__time_add(int64_t now, int64_t delay) {
    return delay < INT64_MAX - now ? now + delay : INT64_MAX;
}

/* A deadline that never comes. */
static const int64_t GREEN_NEVER = -1;

/* The deadline of a timeout, which may be GREEN_FOREVER. */
static inline int64_t green__deadline_after(int64_t timeout) {
    return GREEN_LIKELY(timeout < 0) ? GREEN_NEVER : green__time_add(green_now(), timeout);
}

/* The timeout that is left until a deadline: 0 when it is over. */
static inline int64_t green__time_left(int64_t deadline) {
    if (GREEN_LIKELY(deadline < 0))
        return GREEN_FOREVER;
    int64_t left = deadline - green_now();
    return left > 0 ? left : 0;
}

#endif
