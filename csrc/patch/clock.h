/* Times and deadlines of patched calls. */
#ifndef GREEN_PATCH_CLOCK_H
#define GREEN_PATCH_CLOCK_H

#include "../base/clock.h"
#include "../base/timespec.h"
#include "../core/timer.h"

/* Whether this is a valid duration. */
static inline bool green__timespec_is_duration(const struct timespec *time) {
    return time && time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < GREEN_SECOND;
}

/* Whether this is a valid time of a clock, which may be long past. */
static inline bool green__timespec_is_valid(const struct timespec *time) {
    return time && time->tv_nsec >= 0 && time->tv_nsec < GREEN_SECOND;
}

/* Negative seconds become -1, and a time too large for 64 bits INT64_MAX, which never comes. */
static inline int64_t green__timespec_nanoseconds(const struct timespec *time) {
    if (time->tv_sec < 0)
        return -1;
    return time->tv_sec < INT64_MAX / GREEN_SECOND ? time->tv_sec * GREEN_SECOND + time->tv_nsec : INT64_MAX;
}

/* The deadline of a timeout, GREEN_NEVER for NULL. Sets *valid to whether the kernel accepts
 * the timeout. */
static inline int64_t green__timespec_deadline(const struct timespec *timeout, bool *valid) {
    *valid = true;
    if (!timeout)
        return GREEN_NEVER;
    *valid = green__timespec_is_duration(timeout);
    if (timeout->tv_sec >= INT64_MAX / GREEN_SECOND)
        return GREEN_NEVER;
    return *valid ? green__deadline_after(timeout->tv_sec * GREEN_SECOND + timeout->tv_nsec) : 0;
}

/* A deadline on a clock that may be set while a call waits. Make it by
 * green__clock_deadline_of(). */
typedef struct green_clock_deadline {
    clockid_t clock; /* GREEN_VIRTUAL_CLOCK: the time is one of green_now() */
    int64_t time;
} green_clock_deadline;

enum { GREEN_VIRTUAL_CLOCK = -1 };

static inline bool green__clock_is_supported(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

static inline bool green__clock_deadline_is_valid(clockid_t clock, const struct timespec *time) {
    return green__clock_is_supported(clock) && green__timespec_is_valid(time);
}

/* The time left until the deadline, by the clock as it is set now; 0 or less when it has
 * passed. */
static inline int64_t green__clock_deadline_left(const green_clock_deadline *deadline) {
    struct timespec now;
    if (deadline->clock == GREEN_VIRTUAL_CLOCK)
        return deadline->time - green_now();
    clock_gettime(deadline->clock, &now);
    return deadline->time - green__timespec_nanoseconds(&now);
}

/* The deadline at a time of a clock. Under a virtual clock it is the time that is left of it
 * now, because the program has computed it from the real time. */
static inline green_clock_deadline green__clock_deadline_of(clockid_t clock, const struct timespec *time) {
    green_clock_deadline deadline = {clock, green__timespec_nanoseconds(time)};
    if (GREEN_LIKELY(green__virtual_now == 0))
        return deadline;
    int64_t left = green__clock_deadline_left(&deadline);
    return (green_clock_deadline){GREEN_VIRTUAL_CLOCK, green__time_add(green_now(), left > 0 ? left : 0)};
}

/* Whether a deadline has passed. False for NULL. */
static inline bool green__clock_deadline_passed(const green_clock_deadline *deadline) {
    return deadline && green__clock_deadline_left(deadline) <= 0;
}

/* When to check the clock again: a clock that can be set is checked every second. GREEN_NEVER
 * for NULL. */
static inline int64_t green__clock_deadline_next_check(const green_clock_deadline *deadline) {
    if (!deadline)
        return GREEN_NEVER;
    int64_t left = green__clock_deadline_left(deadline);
    bool is_steady = deadline->clock != CLOCK_REALTIME;
    return green__deadline_after(left <= 0 ? 0 : left < GREEN_SECOND || is_steady ? left : GREEN_SECOND);
}

/* The earlier of two deadlines. Either may be GREEN_NEVER. */
static inline int64_t green__deadline_earlier(int64_t one, int64_t other) {
    return other == GREEN_NEVER || (one != GREEN_NEVER && one < other) ? one : other;
}

/* The deadline of the next poll for something that sends no notification: after the
 * interval, or at the caller's deadline (NULL if it has none). */
static inline int64_t green__deadline_of_next_poll(int64_t interval, const green_clock_deadline *deadline) {
    return green__deadline_earlier(green__deadline_after(interval), green__clock_deadline_next_check(deadline));
}

/* The first and the longest interval of most polls. */
static const int64_t GREEN_POLL_FIRST = 1000 * 1000, GREEN_POLL_LONGEST = 50 * 1000 * 1000;

/* Twice the interval, up to a maximum. */
static inline int64_t green__next_poll_interval(int64_t interval, int64_t longest) {
    return interval * 2 < longest ? interval * 2 : longest;
}

#endif
