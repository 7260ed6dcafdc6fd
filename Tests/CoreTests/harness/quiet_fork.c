#include "quiet_fork.h"

#include "asleep.h"
#include "harness.h"

#include <pthread.h>

void make_forks_quiet(void) {
    if (SANITIZED && !SANITIZED_THREADS)
        CHECK(pthread_atfork(wait_until_others_sleep, NULL, NULL), ==, 0);
}
