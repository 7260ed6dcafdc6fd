#include "clock.h"

#include "error.h"

#include <time.h>

_Thread_local int64_t green__virtual_now __attribute__((tls_model("initial-exec")));

int64_t green__os_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t green_now(void) {
    int64_t now = green__virtual_now;
    return GREEN_LIKELY(now == 0) ? green__os_clock() : now;
}
