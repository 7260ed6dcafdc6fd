/* Calls with a timeout, and what each value of it is to mean. */
#ifndef GREEN_TESTS_TIMES_H
#define GREEN_TESTS_TIMES_H

#include "helpers.h"

struct timed {
    const char *name;
    int (*ready)(int64_t timeout); /* that can have what it is for; NULL: left out */
    int (*never)(int64_t timeout); /* that would wait for ever; NULL: left out */
    bool natively;                 /* which takes a while in any case */
};

/* Negative ones and INT64_MAX are no limit, 0 does not wait, 1 is about to be over. An
 * entry without a name is the last. */
void check_times(const struct timed *calls);

/* Whether calls that take an option instead of an argument obey: 0 is no limit there. */
void check_options(const struct timed *calls);

#endif
