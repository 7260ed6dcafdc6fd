#include "locks.h"

#define WRAP(name, call, parameters, arguments)                                                                        \
    static int name parameters {                                                                                       \
        return call arguments;                                                                                         \
    }

WRAP(mutex_lock, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
WRAP(mutex_trylock, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex))
WRAP(mutex_timedlock, pthread_mutex_timedlock, (pthread_mutex_t * mutex, const struct timespec *time), (mutex, time))
WRAP(mutex_clocklock, pthread_mutex_clocklock, (pthread_mutex_t * mutex, clockid_t clock, const struct timespec *time),
     (mutex, clock, time))
WRAP(mutex_unlock, pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex))
WRAP(cond_wait, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t *mutex), (condition, mutex))
WRAP(cond_timedwait, pthread_cond_timedwait,
     (pthread_cond_t * condition, pthread_mutex_t *mutex, const struct timespec *time), (condition, mutex, time))
WRAP(cond_clockwait, pthread_cond_clockwait,
     (pthread_cond_t * condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time),
     (condition, mutex, clock, time))
WRAP(cond_signal, pthread_cond_signal, (pthread_cond_t * condition), (condition))
WRAP(cond_broadcast, pthread_cond_broadcast, (pthread_cond_t * condition), (condition))
WRAP(read_lock, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
WRAP(write_lock, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
WRAP(timed_read_lock, pthread_rwlock_timedrdlock, (pthread_rwlock_t * lock, const struct timespec *time), (lock, time))
WRAP(timed_write_lock, pthread_rwlock_timedwrlock, (pthread_rwlock_t * lock, const struct timespec *time), (lock, time))
WRAP(rwlock_unlock, pthread_rwlock_unlock, (pthread_rwlock_t * lock), (lock))
WRAP(do_sem_wait, sem_wait, (sem_t * semaphore), (semaphore))
WRAP(do_sem_timedwait, sem_timedwait, (sem_t * semaphore, const struct timespec *time), (semaphore, time))
WRAP(do_sem_post, sem_post, (sem_t * semaphore), (semaphore))
WRAP(join, pthread_join, (pthread_t thread, void **result), (thread, result))
WRAP(timedjoin, pthread_timedjoin_np, (pthread_t thread, void **result, const struct timespec *time),
     (thread, result, time))

const struct locks locks_calls = {
    .mutex_lock = mutex_lock,
    .mutex_trylock = mutex_trylock,
    .mutex_timedlock = mutex_timedlock,
    .mutex_clocklock = mutex_clocklock,
    .mutex_unlock = mutex_unlock,
    .cond_wait = cond_wait,
    .cond_timedwait = cond_timedwait,
    .cond_clockwait = cond_clockwait,
    .cond_signal = cond_signal,
    .cond_broadcast = cond_broadcast,
    .read_lock = read_lock,
    .write_lock = write_lock,
    .timed_read_lock = timed_read_lock,
    .timed_write_lock = timed_write_lock,
    .rwlock_unlock = rwlock_unlock,
    .sem_wait = do_sem_wait,
    .sem_timedwait = do_sem_timedwait,
    .sem_post = do_sem_post,
    .join = join,
    .timedjoin = timedjoin,
};
