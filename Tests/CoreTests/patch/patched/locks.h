/* A library that waits for other threads and does not use Green. */
#ifndef GREEN_TESTS_LOCKS_H
#define GREEN_TESTS_LOCKS_H

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

struct locks {
    int (*mutex_lock)(pthread_mutex_t *mutex);
    int (*mutex_trylock)(pthread_mutex_t *mutex);
    int (*mutex_timedlock)(pthread_mutex_t *mutex, const struct timespec *time);
    int (*mutex_clocklock)(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time);
    int (*mutex_unlock)(pthread_mutex_t *mutex);
    int (*cond_wait)(pthread_cond_t *condition, pthread_mutex_t *mutex);
    int (*cond_timedwait)(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *time);
    int (*cond_clockwait)(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                          const struct timespec *time);
    int (*cond_signal)(pthread_cond_t *condition);
    int (*cond_broadcast)(pthread_cond_t *condition);
    int (*read_lock)(pthread_rwlock_t *lock);
    int (*write_lock)(pthread_rwlock_t *lock);
    int (*timed_read_lock)(pthread_rwlock_t *lock, const struct timespec *time);
    int (*timed_write_lock)(pthread_rwlock_t *lock, const struct timespec *time);
    int (*rwlock_unlock)(pthread_rwlock_t *lock);
    int (*sem_wait)(sem_t *semaphore);
    int (*sem_timedwait)(sem_t *semaphore, const struct timespec *time);
    int (*sem_post)(sem_t *semaphore);
    int (*join)(pthread_t thread, void **result);
    int (*timedjoin)(pthread_t thread, void **result, const struct timespec *time);
};

extern const struct locks locks_calls;

#endif
