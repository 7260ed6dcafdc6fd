/* Rate limiters: a token bucket that green threads take tokens from.
 *
 *     green_rate_limiter *limiter;
 *     int error = green_rate_limiter_make(&limiter, &(green_rate_limiter_options){.tokens = 100, .burst = 20});
 *     while (error == 0 && (error = green_rate_limiter_acquire(limiter, 1, GREEN_FOREVER)) == 0)
 *         error = request();
 *
 * The bucket is full at first. It gets `tokens` tokens in each period, evenly, and never holds
 * more than `burst`. So in any time t at most burst + t * tokens / period are taken. The numbers
 * are exact: fractions of a token are not lost.
 *
 * Threads that wait are served in the order of their calls: one that needs many tokens is not
 * overtaken by those that need few. A rate limiter belongs to the OS thread that first uses it;
 * calls on other OS threads return -EXDEV. */
#ifndef GREEN_RATE_LIMITER_H
#define GREEN_RATE_LIMITER_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_rate_limiter green_rate_limiter;

/* A field of 0 selects the default. */
typedef struct green_rate_limiter_options {
    /* How many tokens the bucket gets in a period. There is no default. */
    int64_t tokens;
    /* Nanoseconds. Default: a second. */
    int64_t period;
    /* The most tokens that the bucket holds. Default: 1, so that tokens are taken evenly. */
    int64_t burst;
} green_rate_limiter_options;

/* Creates a rate limiter with a full bucket, which the caller owns.
 * Returns 0, -EINVAL if tokens is less than 1 or another field is negative, or -ENOMEM. */
GREEN_API GREEN_CHECK int green_rate_limiter_make(green_rate_limiter **limiter,
                                                  const green_rate_limiter_options *options);

/* Frees the rate limiter. Threads that wait for it get -EBADF. On another OS thread than that of
 * the rate limiter, this takes effect soon after the call, on its hub. */
GREEN_API void green_rate_limiter_free(green_rate_limiter *GREEN_NULLABLE limiter);

/* Takes tokens from the bucket. Blocks while it has too few, or while other threads wait. 0
 * tokens are always there.
 *
 * Returns 0, or an error, and takes no token:
 *   -EINVAL      tokens is negative, or greater than the burst, so that the bucket never has them
 *   -ETIMEDOUT   the tokens were not there within timeout nanoseconds (0 does not wait)
 *   -EBADF       the rate limiter was freed
 *   -ECANCELED, -ETIME   the caller was interrupted
 *   -EWOULDBLOCK  it would block in a link or a destructor
 *   -ENOMEM      no memory for a timer */
GREEN_API GREEN_CHECK int green_rate_limiter_acquire(green_rate_limiter *limiter, int64_t tokens, int64_t timeout);

/* Takes tokens from the bucket if it has enough and no thread waits. Does not block. Returns 1
 * if it took them, 0 if not, or -EINVAL as green_rate_limiter_acquire() does. */
GREEN_API GREEN_CHECK int green_rate_limiter_try_acquire(green_rate_limiter *limiter, int64_t tokens);

/* The number of whole tokens in the bucket. Threads that wait take them first. */
GREEN_API int64_t green_rate_limiter_available(const green_rate_limiter *limiter);

/* The number of threads that wait for tokens. */
GREEN_API size_t green_rate_limiter_waiting(const green_rate_limiter *limiter);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
