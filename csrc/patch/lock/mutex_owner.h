/* Which green thread owns a mutex.
 *
 * To the C library, all green threads of an OS thread are the same owner. This does not matter
 * for a plain mutex. For the kinds that check their owner, a record names the green thread. */
#ifndef GREEN_PATCH_LOCK_MUTEX_OWNER_H
#define GREEN_PATCH_LOCK_MUTEX_OWNER_H

#include <pthread.h>
#include <stdbool.h>

enum { GREEN_MUTEX_KIND = 3 }; /* of glibc's __kind */

/* Whether a mutex is of a kind that checks its owner. */
static inline bool green__mutex_checks_owner(const pthread_mutex_t *mutex) {
    int kind = mutex->__data.__kind & GREEN_MUTEX_KIND;
    return kind == PTHREAD_MUTEX_RECURSIVE_NP || kind == PTHREAD_MUTEX_ERRORCHECK_NP;
}

/* pthread_mutex_trylock(). */
int green__mutex_owner_trylock(pthread_mutex_t *mutex);

/* A green_try_acquire of pthread_mutex_lock(). */
int green__mutex_owner_try_acquire(void *mutex);

/* The same for a caller that must not park. Returns EBUSY if the C library has to lock the
 * mutex: it does not check its owner, the OS thread has no hub, or another OS thread holds it.
 * Returns EDEADLK if another green thread of this OS thread holds it. */
int green__mutex_owner_try_in_place(pthread_mutex_t *mutex);

/* pthread_mutex_unlock(). Sets *is_free to whether that has released the mutex. */
int green__mutex_owner_unlock(pthread_mutex_t *mutex, bool *is_free);

#endif
