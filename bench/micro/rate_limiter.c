/* rate limiter try_acquire: takes a token from a bucket that has some, beside the time of
 * reading the clock, which it contains. */
#include "figure.h"

#include <green/green.h>

#include <stdint.h>

static double take(long steps, void *context) {
    (void)context;
    green_rate_limiter *limiter;
    green_rate_limiter_options options = {.tokens = 1000, .burst = INT64_MAX};
    must(green_rate_limiter_make(&limiter, &options), "green_rate_limiter_make");
    double begin = clock_ns();
    for (long i = 0; i < steps; i++)
        must(green_rate_limiter_try_acquire(limiter, 1), "green_rate_limiter_try_acquire");
    double taken = clock_ns() - begin;
    expect(green_rate_limiter_available(limiter) < INT64_MAX, "tokens were taken");
    green_rate_limiter_free(limiter);
    return taken;
}

static double read_clock(long steps, void *context) {
    (void)context;
    int64_t last = 0;
    double begin = clock_ns();
    for (long i = 0; i < steps; i++)
        last = green_now();
    double taken = clock_ns() - begin;
    expect(last > 0, "the clock runs");
    return taken;
}

void bench_rate_limiter(void) {
    figure_measure("rate limiter try_acquire", 1, 5000000, take, NULL);
    figure_measure("green_now", 1, 5000000, read_clock, NULL);
}
