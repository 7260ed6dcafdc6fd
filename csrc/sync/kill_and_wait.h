/* Kills all threads of an object and waits until they have exited. */
#ifndef GREEN_SYNC_KILL_AND_WAIT_H
#define GREEN_SYNC_KILL_AND_WAIT_H

#include "hub_affinity.h"

/* Calls visit for each thread of the object. */
typedef void green_each_thread(void *object, void (*visit)(green_thread *thread, void *context), void *context);

/* Kills the threads that are not done, except the caller, and blocks until they have exited. The
 * object may be freed meanwhile. Threads that it gets meanwhile are not waited for. 0, -ENOMEM before
 * any kill, -ETIMEDOUT, or an interrupt of the caller. */
int green__kill_and_wait(green_hub *hub, green_each_thread *each, void *object, int64_t timeout);

#endif
