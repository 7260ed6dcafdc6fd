/* Backoff: the limits of the delays, and their random numbers. */
#include "helpers.h"

/* The limit that the next delay has. */
static int64_t limit_of(const green_backoff *backoff) {
    return backoff->limit;
}

TEST(doubles, "the limit doubles with each delay, up to the maximum, and no delay exceeds it") {
    green_backoff backoff = {.first = 100, .longest = 1000, .seed = 1};
    static const int64_t limits[] = {100, 200, 400, 800, 1000, 1000};
    for (int i = 0; i < 6; i++) {
        int64_t delay = green_backoff_next(&backoff);
        CHECK(delay, >=, 0);
        CHECK(delay, <=, limits[i]);
        if (i < 5)
            CHECK(limit_of(&backoff), ==, limits[i + 1]);
    }
    backoff.limit = 0;
    CHECK(green_backoff_next(&backoff), <=, 100);
    CHECK(limit_of(&backoff), ==, 200);
}

TEST(jitter, "the delays are spread over all of 0 up to the limit") {
    green_backoff backoff = {.first = 9, .longest = 9, .seed = 1};
    int counts[10] = {0};
    for (int i = 0; i < 10000; i++)
        counts[green_backoff_next(&backoff)]++;
    for (int i = 0; i < 10; i++)
        CHECK(counts[i], >, 500);
}

TEST(seed, "the same seed gives the same delays, and without one each run has its own") {
    green_backoff first = {.seed = 7}, second = {.seed = 7}, other = {0}, another = {0};
    bool differ = false;
    for (int i = 0; i < 20; i++) {
        CHECK(green_backoff_next(&first), ==, green_backoff_next(&second));
        differ |= green_backoff_next(&other) != green_backoff_next(&another);
    }
    CHECK(differ);
}

TEST(defaults, "by default the delays begin at 100 ms and end at 30 s") {
    green_backoff backoff = {0};
    CHECK(green_backoff_next(&backoff), <=, 100 * GREEN_MILLISECOND);
    for (int i = 0; i < 20; i++)
        CHECK(green_backoff_next(&backoff), <=, 30 * GREEN_SECOND);
    CHECK(limit_of(&backoff), ==, 30 * GREEN_SECOND);
}

TEST(extremes, "a negative first limit means no delay, a negative maximum none, and nothing overflows") {
    green_backoff none = {.first = -1}, unlimited = {.first = 1, .longest = -1},
                  huge = {.first = INT64_MAX, .longest = -1};
    for (int i = 0; i < 100; i++) {
        CHECK(green_backoff_next(&none), ==, 0);
        CHECK(green_backoff_next(&unlimited), >=, 0);
        CHECK(green_backoff_next(&huge), >=, 0);
    }
    CHECK(limit_of(&unlimited), ==, INT64_MAX);
    green_backoff capped = {.first = 1000, .longest = 10};
    for (int i = 0; i < 100; i++)
        CHECK(green_backoff_next(&capped), <=, 10);
}
