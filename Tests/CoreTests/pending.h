/* What a pending interrupt does to a call that does not have to wait. */
#ifndef GREEN_TESTS_PENDING_H
#define GREEN_TESTS_PENDING_H

#include "helpers.h"

/* A call with all that it needs, prepared so that it succeeds at once. */
struct prepared {
    const char *name;
    int (*call)(void); /* >= 0, or -errno */
};

/* In a thread with a pending kill or a pending green_timeout each call fails with
 * -ECANCELED or -ETIME and takes nothing: made again, it succeeds. Ends with an entry
 * without a name. */
enum pending { PENDING_KILL, PENDING_TIMEOUT };
void check_delivers(const struct prepared *calls, enum pending pending);

/* Each call succeeds in spite of the interrupt, which stays pending. */
void check_leaves_pending(const struct prepared *calls, enum pending pending);

#endif
