/* Joining green threads of pthread_create(). */
#ifndef GREEN_PATCH_THREAD_GREEN_JOIN_H
#define GREEN_PATCH_THREAD_GREEN_JOIN_H

#include "../clock.h"

#include <pthread.h>

/* pthread_join() and similar calls for the id of a green thread. Without a deadline (NULL) it
 * waits for as long as it takes. Returns 0, EDEADLK, EINVAL, ESRCH or ETIMEDOUT. */
int green__pthread_join(pthread_t id, void **result, const green_clock_deadline *deadline);

#endif
