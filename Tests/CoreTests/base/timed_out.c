/* The message of a wait that its own timeout has ended. */
#include "harness.h"

#include "../../../csrc/base/error.h"

#include <errno.h>

static void check(int64_t timeout, const char *message) {
    CHECK(green__fail_timed_out(timeout, "event %d was not sent", 7), ==, -ETIMEDOUT);
    CHECK_TEXT(green_explain(-ETIMEDOUT), message);
}

TEST(units, "the message of a timeout says what did not happen, and within which time, in its largest unit") {
    check(1, "event 7 was not sent within 1 ns (ETIMEDOUT)");
    check(999, "event 7 was not sent within 999 ns (ETIMEDOUT)");
    check(20 * 1000, "event 7 was not sent within 20 us (ETIMEDOUT)");
    check(50 * GREEN_MILLISECOND, "event 7 was not sent within 50 ms (ETIMEDOUT)");
    check(50 * GREEN_MILLISECOND - 1000, "event 7 was not sent within 50 ms (ETIMEDOUT)");
    check(1500 * GREEN_MILLISECOND, "event 7 was not sent within 1.5 s (ETIMEDOUT)");
    check(3600 * GREEN_SECOND, "event 7 was not sent within 3600 s (ETIMEDOUT)");
}

TEST(polled, "the message of a timeout of 0 says nothing about time") {
    check(0, "event 7 was not sent (ETIMEDOUT)");
}

TEST(fallback, "the text of -ETIMEDOUT without a message is not about connections") {
    CHECK_TEXT(green_explain(-ETIMEDOUT), "Timed out");
    CHECK(green__fail(-ETIMEDOUT, "a call"), ==, -ETIMEDOUT);
    CHECK_TEXT(green_explain(-ETIMEDOUT), "a call: Timed out (ETIMEDOUT)");
}
