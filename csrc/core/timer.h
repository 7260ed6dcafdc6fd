/* Timers: a 4-ary heap of deadlines.
 *
 * The deadline stands in the heap itself, so that sifting compares neighbours in
 * memory; each timer knows its place, so that cancelling is one removal. A
 * timer that is started late and cancelled early, as timeouts are, lives at the
 * bottom of the heap and costs a few moves however many there are. */
#ifndef GREEN_CORE_TIMER_H
#define GREEN_CORE_TIMER_H

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
static inline int64_t green__deadline(int64_t now, int64_t delay) {
    return delay < INT64_MAX - now ? now + delay : INT64_MAX;
}

#endif
