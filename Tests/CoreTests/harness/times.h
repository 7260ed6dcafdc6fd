/* Calls with a timeout, and the meaning of each value. */
#ifndef GREEN_TESTS_TIMES_H
#define GREEN_TESTS_TIMES_H

#include "helpers.h"

struct timed {
    const char *name;
    int (*ready)(int64_t timeout); /* can succeed without waiting; NULL: skipped */
    int (*never)(int64_t timeout); /* would wait forever; NULL: skipped */
    bool on_worker;                /* runs on a worker, which always takes time */
};

/* Negative values and INT64_MAX mean no limit, 0 does not wait, 1 expires almost at once.
 * The last entry has no name. */
void check_times(const struct timed *calls);

/* Does the same for calls that take an option, where 0 means no limit. */
void check_options(const struct timed *calls);

#endif
