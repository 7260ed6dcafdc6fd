/* The times of specified calls. */
#ifndef GREEN_PATCH_CLOCK_H
#define GREEN_PATCH_CLOCK_H

#include "wait_fds.h"

static inline bool green__timespec_is_duration(const struct timespec *time) {
    return time && time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < GREEN_SECOND;
}

/* One of a clock's may be long past. */
static inline bool green__timespec_is_valid(const struct timespec *time) {
    return time && time->tv_nsec >= 0 && time->tv_nsec < GREEN_SECOND;
}

/* A time beyond all clocks is for ever. */
static inline int64_t green__timespec_nanoseconds(const struct timespec *time) {
    if (time->tv_sec < 0)
        return -1;
    return time->tv_sec < INT64_MAX / GREEN_SECOND ? time->tv_sec * GREEN_SECOND + time->tv_nsec : INT64_MAX;
}

/* A time of a clock that may be set before it comes. */
typedef struct green_clock_deadline {
    clockid_t clock;
    int64_t time;
} green_clock_deadline;

static inline bool green__clock_is_supported(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

/* How long until then, by now; 0 or less: it has come. */
static inline int64_t green__clock_deadline_left(const green_clock_deadline *until) {
    struct timespec now;
    clock_gettime(until->clock, &now);
    return until->time - green__timespec_nanoseconds(&now);
}

/* Whether there is such a time, and it has come. */
static inline bool green__clock_deadline_passed(const green_clock_deadline *until) {
    return until && green__clock_deadline_left(until) <= 0;
}

/* The moment at which to look at the clock again, if nothing happens before. */
static inline int64_t green__clock_deadline_next_check(const green_clock_deadline *until) {
    int64_t left = green__clock_deadline_left(until);
    bool is_steady = until->clock == CLOCK_MONOTONIC;
    return green__deadline_after(left <= 0 ? 0 : left < GREEN_SECOND || is_steady ? left : GREEN_SECOND);
}

/* The sooner one of two moments, of which either may be GREEN_NEVER. */
static inline int64_t green__deadline_earlier(int64_t one, int64_t other) {
    return other == GREEN_NEVER || (one != GREEN_NEVER && one < other) ? one : other;
}

/* The moment at which to look again for what nobody tells of: after a pause, or when
 * the time has come, if there is one. */
static inline int64_t green__deadline_of_next_poll(int64_t pause, const green_clock_deadline *until) {
    return green__deadline_earlier(green__deadline_after(pause),
                                   until ? green__clock_deadline_next_check(until) : GREEN_NEVER);
}

/* The pause that follows a pause: twice as long, up to the longest. */
static inline int64_t green__next_poll_interval(int64_t pause, int64_t longest) {
    return pause * 2 < longest ? pause * 2 : longest;
}

#endif
