/* The times of specified calls. */
#ifndef GREEN_PATCH_CLOCK_H
#define GREEN_PATCH_CLOCK_H

#include "wait_fds.h"

static inline bool green__is_time(const struct timespec *time) {
    return time && time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < GREEN_SECOND;
}

/* One of a clock's may be long past. */
static inline bool green__is_moment(const struct timespec *time) {
    return time && time->tv_nsec >= 0 && time->tv_nsec < GREEN_SECOND;
}

/* A time beyond all clocks is for ever. */
static inline int64_t green__nanoseconds_of(const struct timespec *time) {
    if (time->tv_sec < 0)
        return -1;
    return time->tv_sec < INT64_MAX / GREEN_SECOND ? time->tv_sec * GREEN_SECOND + time->tv_nsec : INT64_MAX;
}

/* A time of a clock that may be set before it comes. */
typedef struct green_until {
    clockid_t clock;
    int64_t time;
} green_until;

static inline bool green__is_clock(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

/* How long until then, by now; 0 or less: it has come. */
static inline int64_t green__left_until(const green_until *until) {
    struct timespec now;
    clock_gettime(until->clock, &now);
    return until->time - green__nanoseconds_of(&now);
}

/* Whether there is such a time, and it has come. */
static inline bool green__is_over(const green_until *until) {
    return until && green__left_until(until) <= 0;
}

/* The moment at which to look at the clock again, if nothing happens before. */
static inline int64_t green__next_look(const green_until *until) {
    int64_t left = green__left_until(until);
    bool is_steady = until->clock == CLOCK_MONOTONIC;
    return green__moment(left <= 0 ? 0 : left < GREEN_SECOND || is_steady ? left : GREEN_SECOND);
}

/* The sooner one of two moments, of which either may be GREEN_NEVER. */
static inline int64_t green__sooner(int64_t one, int64_t other) {
    return other == GREEN_NEVER || (one != GREEN_NEVER && one < other) ? one : other;
}

/* The moment at which to look again for what nobody tells of: after a pause, or when
 * the time has come, if there is one. */
static inline int64_t green__look_after(int64_t pause, const green_until *until) {
    return green__sooner(green__moment(pause), until ? green__next_look(until) : GREEN_NEVER);
}

/* The pause that follows a pause: twice as long, up to the longest. */
static inline int64_t green__longer(int64_t pause, int64_t longest) {
    return pause * 2 < longest ? pause * 2 : longest;
}

#endif
