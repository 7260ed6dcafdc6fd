/* Who has a mutex.
 *
 * To the C library all green threads of an OS thread are the same owner. A plain
 * mutex does not ask who that is; of the kinds that do, a record tells which
 * green thread it is. */
#ifndef GREEN_PATCH_LOCK_MUTEX_OWNER_H
#define GREEN_PATCH_LOCK_MUTEX_OWNER_H

#include "parking_lot.h"

/* pthread_mutex_trylock(). */
int green__mutex_owner_trylock(pthread_mutex_t *mutex);

/* A green_try_acquire of pthread_mutex_lock(). */
int green__mutex_owner_try_acquire(void *mutex);

/* The same where nobody may park, of a mutex that asks: EBUSY is for the C library,
 * EDEADLK when another green thread of this OS thread has it. Any other mutex, and
 * any OS thread without a hub, is for the C library, too. */
int green__mutex_owner_try_in_place(pthread_mutex_t *mutex);

/* pthread_mutex_unlock(), and whether it is free by that. */
int green__mutex_owner_unlock(pthread_mutex_t *mutex, bool *is_free);

#endif
