/* The record of a wait that calls a function: see green/async_wait.h.
 *
 * It contains the shared wait, of a type that the object knows, which is in the list of the
 * object like that of a thread. The lock of the record orders the three things that happen to
 * it: the call that begins the wait, a cancel, and the end. So the function is called after
 * the first has entered the list, and the second no longer uses the object. The lock is
 * acquired before those of the object. */
#ifndef GREEN_CORE_ASYNC_WAIT_H
#define GREEN_CORE_ASYNC_WAIT_H

#include "../base/short_lock.h"
#include "shared_wait.h"

#include <green/async_wait.h>

/* The memory of the object's wait. */
#define GREEN_ASYNC_WAIT_MEMORY(async, type)                                                                           \
    (__extension__({                                                                                                   \
        _Static_assert(sizeof(type) <= GREEN_ROOT_WAIT_SIZE, "an asynchronous wait has memory for it");                \
        (type *)green__async_wait_memory(async);                                                                       \
    }))

void *green__async_wait_memory(green_async_wait *async);

/* Acquires the lock, before a call tries and may enter a list. Returns 0, or -ECANCELED
 * without the lock. The function that is called when the wait has ended gets *result, or 0 if
 * result is NULL. */
int green__async_wait_begin(green_async_wait *async, const int *result);

/* Releases the lock. wait is in a list; NULL: the call has not entered one. */
void green__async_wait_begun(green_async_wait *async, green_shared_wait *wait);

/* Calls the function of a wait that the caller has taken off its list. Call it without the lock
 * of the object. */
void green__async_wait_served(green_async_wait *async);

#endif
