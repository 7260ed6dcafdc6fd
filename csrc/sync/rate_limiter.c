/* Rate limiters. The bucket counts in parts of a token, so that its numbers are exact: a token
 * has as many parts as the period has nanoseconds, and each nanosecond adds `rate` parts.
 *
 * While threads wait, one timer runs until the bucket has the tokens of the first. It is of the
 * rate limiter and not of the waiting thread: a thread that leaves makes the next one the first,
 * without a switch. */
#include "hub_affinity.h"

#include <green/rate_limiter.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Holds the sum of two products of two int64_t. */
__extension__ typedef unsigned __int128 parts;

struct green_rate_limiter {
    green_hub *hub;
    green_foreign_release foreign_release;
    int64_t rate, period, burst;
    parts content;  /* of the bucket at `filled` */
    int64_t filled; /* a time of the clock */
    bool is_freed;
    green_timer timer; /* pending while threads wait, except when it fires */
    green_wait_list waiters;
};

struct token_wait {
    green_wait wait;
    green_rate_limiter *limiter;
    int64_t tokens;
};

/* The bucket --------------------------------------------------------------- */

static parts parts_of(const green_rate_limiter *limiter, int64_t tokens) {
    return (parts)tokens * (parts)limiter->period;
}

/* What the bucket would hold without its limit. */
static parts content_at(const green_rate_limiter *limiter, int64_t now) {
    if (now <= limiter->filled)
        return limiter->content;
    return limiter->content + (parts)(now - limiter->filled) * (parts)limiter->rate;
}

static parts limited(const green_rate_limiter *limiter, parts content) {
    parts most = parts_of(limiter, limiter->burst);
    return content < most ? content : most;
}

/* Fills the bucket without its limit. */
static void fill(green_rate_limiter *limiter) {
    int64_t now = green_now();
    limiter->content = content_at(limiter, now);
    limiter->filled = now;
}

static void spill(green_rate_limiter *limiter) {
    limiter->content = limited(limiter, limiter->content);
}

/* Takes tokens if the bucket has them. It must have been filled. */
static bool take(green_rate_limiter *limiter, int64_t tokens) {
    parts needed = parts_of(limiter, tokens);
    if (limiter->content < needed)
        return false;
    limiter->content -= needed;
    return true;
}

/* When the bucket, which has too few, will have the tokens. */
static int64_t due(const green_rate_limiter *limiter, int64_t tokens) {
    parts missing = parts_of(limiter, tokens) - limiter->content;
    parts time = (missing + (parts)limiter->rate - 1) / (parts)limiter->rate;
    return time < INT64_MAX ? green__time_add(limiter->filled, (int64_t)time) : INT64_MAX;
}

/* The waiters -------------------------------------------------------------- */

static struct token_wait *first_waiter(const green_rate_limiter *limiter) {
    if (green__wait_list_is_empty(&limiter->waiters))
        return NULL;
    green_wait *wait = GREEN_CONTAINER(limiter->waiters.next, green_wait, link);
    return GREEN_CONTAINER(wait, struct token_wait, wait);
}

/* Serves the waiters whose tokens are there, and starts the timer for the next. Called when the
 * timer is pending or has just fired, so the heap has room for it. The bucket spills only after
 * that: waiters take their tokens when they come, even if the timer fires late. */
static void serve(green_rate_limiter *limiter) {
    green_timer_heap *timers = &limiter->hub->timers;
    struct token_wait *first;
    green__timer_cancel(timers, &limiter->timer);
    fill(limiter);
    while ((first = first_waiter(limiter)) && take(limiter, first->tokens)) {
        green__wait_list_remove(&first->wait);
        green__ready(first->wait.thread);
    }
    spill(limiter);
    if (first) {
        int error = green__timer_start(timers, &limiter->timer, due(limiter, first->tokens));
        GREEN_INVARIANT(error == 0, "a timer that was pending can start again");
    }
}

static void fire(green_timer *timer) {
    serve(GREEN_CONTAINER(timer, green_rate_limiter, timer));
}

/* The next waiter may need fewer tokens than this one. */
static void leave(green_wait *wait) {
    green_rate_limiter *limiter = GREEN_CONTAINER(wait, struct token_wait, wait)->limiter;
    green__wait_leave_list(wait);
    if (!limiter->is_freed)
        serve(limiter);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const struct token_wait *waiter = GREEN_CONTAINER(wait, const struct token_wait, wait);
    size_t before = 0;
    for (const green_wait_link *link = wait->link.previous; link != &waiter->limiter->waiters; link = link->previous)
        before++;
    snprintf(text, size, "acquiring %" PRId64 " tokens of a rate limiter (%zu ahead)", waiter->tokens, before);
}

static const green_wait_kind acquiring = {leave, describe};

/* Makes and frees ---------------------------------------------------------- */

static int check_options(const green_rate_limiter_options *options) {
    if (options->tokens < 1)
        return green__fail(-EINVAL, "cannot create a rate limiter: a rate of %" PRId64 " tokens is less than 1",
                           options->tokens);
    if (options->period < 0)
        return green__fail(-EINVAL, "cannot create a rate limiter: a period of %" PRId64 " ns is negative",
                           options->period);
    if (options->burst < 0)
        return green__fail(-EINVAL, "cannot create a rate limiter: a burst of %" PRId64 " tokens is negative",
                           options->burst);
    return 0;
}

int green_rate_limiter_make(green_rate_limiter **made, const green_rate_limiter_options *options) {
    int error = check_options(options);
    if (error < 0)
        return error;
    green_rate_limiter *limiter = calloc(1, sizeof *limiter);
    if (!limiter)
        return green__fail(-ENOMEM, "cannot create a rate limiter");
    limiter->rate = options->tokens;
    limiter->period = options->period > 0 ? options->period : GREEN_SECOND;
    limiter->burst = options->burst > 0 ? options->burst : 1;
    limiter->content = parts_of(limiter, limiter->burst);
    limiter->timer.fire = fire;
    green__wait_list_init(&limiter->waiters);
    *made = limiter;
    return 0;
}

static void foreign_released(green_post *post, int error) {
    green_rate_limiter *limiter = GREEN_CONTAINER(post, green_rate_limiter, foreign_release.post);
    if (error < 0)
        free(limiter);
    else
        green_rate_limiter_free(limiter);
}

void green_rate_limiter_free(green_rate_limiter *limiter) {
    if (!limiter)
        return;
    if (green__hub_affinity_is_foreign(limiter->hub)) {
        if (green__foreign_release(limiter->hub, &limiter->foreign_release, foreign_released) > 0)
            free(limiter);
        return;
    }
    limiter->is_freed = true;
    green__wait_list_end(&limiter->waiters, -EBADF);
    if (limiter->hub)
        green__timer_cancel(&limiter->hub->timers, &limiter->timer);
    free(limiter);
}

/* Acquires ----------------------------------------------------------------- */

static int enter(green_rate_limiter *limiter, int64_t tokens) {
    int error = green__hub_affinity_check(&limiter->hub, "rate limiter");
    if (error < 0)
        return error;
    if (tokens < 0)
        return green__fail(-EINVAL, "cannot acquire %" PRId64 " tokens of a rate limiter: the number is negative",
                           tokens);
    if (tokens > limiter->burst)
        return green__fail(-EINVAL,
                           "cannot acquire %" PRId64 " tokens of a rate limiter: its burst is %" PRId64
                           ", so it never holds that many",
                           tokens, limiter->burst);
    return 0;
}

static bool take_at_once(green_rate_limiter *limiter, int64_t tokens) {
    if (tokens == 0)
        return true;
    if (!green__wait_list_is_empty(&limiter->waiters))
        return false;
    fill(limiter);
    spill(limiter);
    return take(limiter, tokens);
}

static int explain(int error, int64_t tokens, int64_t timeout) {
    if (error == -ETIMEDOUT)
        return green__fail_timed_out(timeout, "cannot acquire %" PRId64 " tokens of a rate limiter: it had too few",
                                     tokens);
    if (error == -EBADF)
        return green__fail(error,
                           "acquiring tokens of a rate limiter: it was freed while a green thread waited for it");
    if (green__is_explained(error) || error == -EDEADLK || error == -ENOMEM)
        return error;
    return green__fail(error, "acquiring tokens of a rate limiter");
}

static int wait_for_tokens(green_rate_limiter *limiter, int64_t tokens, int64_t timeout) {
    green_hub *hub = limiter->hub;
    struct token_wait waiter = {.limiter = limiter, .tokens = tokens};
    bool is_first = green__wait_list_is_empty(&limiter->waiters);
    if (is_first && green__timer_start(&hub->timers, &limiter->timer, due(limiter, tokens)) < 0)
        return green__fail(-ENOMEM, "no memory for a timer");
    int error = green__begin(hub, timeout);
    if (error < 0) {
        if (is_first)
            green__timer_cancel(&hub->timers, &limiter->timer);
        return error;
    }
    green__wait_init(hub, &waiter.wait, &acquiring);
    green__wait_list_append(&limiter->waiters, &waiter.wait);
    return green__wait(hub, &waiter.wait, timeout);
}

int green_rate_limiter_acquire(green_rate_limiter *limiter, int64_t tokens, int64_t timeout) {
    int error = enter(limiter, tokens);
    if (error < 0 || (error = green__check_interrupt(limiter->hub)) < 0 || take_at_once(limiter, tokens))
        return error;
    error = timeout == 0 ? -ETIMEDOUT : wait_for_tokens(limiter, tokens, timeout);
    return error < 0 ? explain(error, tokens, timeout) : 0;
}

int green_rate_limiter_try_acquire(green_rate_limiter *limiter, int64_t tokens) {
    int error = enter(limiter, tokens);
    return error < 0 ? error : take_at_once(limiter, tokens);
}

int64_t green_rate_limiter_available(const green_rate_limiter *limiter) {
    return (int64_t)(limited(limiter, content_at(limiter, green_now())) / (parts)limiter->period);
}

size_t green_rate_limiter_waiting(const green_rate_limiter *limiter) {
    return green__wait_list_count(&limiter->waiters);
}
