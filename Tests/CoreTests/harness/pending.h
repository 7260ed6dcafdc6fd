/* The effect of a pending interrupt on a call that does not have to wait. */
#ifndef GREEN_TESTS_PENDING_H
#define GREEN_TESTS_PENDING_H

#include "helpers.h"

/* A call, prepared so that it succeeds at once. */
struct prepared {
    const char *name;
    int (*call)(void); /* >= 0, or -errno */
};

/* In a thread with a pending kill or green_timeout each call fails with -ECANCELED or
 * -ETIME and takes nothing; a second call succeeds. The last entry has no name. */
enum pending { PENDING_KILL, PENDING_TIMEOUT };
void check_delivers(const struct prepared *calls, enum pending pending);

/* Each call succeeds despite the interrupt, which stays pending. */
void check_leaves_pending(const struct prepared *calls, enum pending pending);

#endif
