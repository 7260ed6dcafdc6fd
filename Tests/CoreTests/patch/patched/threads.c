#include "threads.h"

#include <unistd.h>

static int do_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument) {
    return pthread_create(thread, attributes, function, argument);
}

static int do_join(pthread_t thread, void **result) {
    return pthread_join(thread, result);
}

static int do_tryjoin(pthread_t thread, void **result) {
    return pthread_tryjoin_np(thread, result);
}

static int do_timedjoin(pthread_t thread, void **result, const struct timespec *time) {
    return pthread_timedjoin_np(thread, result, time);
}

static int do_clockjoin(pthread_t thread, void **result, clockid_t clock, const struct timespec *time) {
    return pthread_clockjoin_np(thread, result, clock, time);
}

static int do_detach(pthread_t thread) {
    return pthread_detach(thread);
}

static void do_exit(void *result) {
    pthread_exit(result);
}

static pthread_t do_self(void) {
    return pthread_self();
}

static int do_key_create(pthread_key_t *key, void (*destroy)(void *value)) {
    return pthread_key_create(key, destroy);
}

static int do_key_delete(pthread_key_t key) {
    return pthread_key_delete(key);
}

static void *do_getspecific(pthread_key_t key) {
    return pthread_getspecific(key);
}

static int do_setspecific(pthread_key_t key, const void *value) {
    return pthread_setspecific(key, value);
}

static int do_kill(pthread_t thread, int signal) {
    return pthread_kill(thread, signal);
}

static int do_sigqueue(pthread_t thread, int signal, union sigval value) {
    return pthread_sigqueue(thread, signal, value);
}

static int do_cancel(pthread_t thread) {
    return pthread_cancel(thread);
}

static int do_setname(pthread_t thread, const char *name) {
    return pthread_setname_np(thread, name);
}

static int do_getname(pthread_t thread, char *name, size_t size) {
    return pthread_getname_np(thread, name, size);
}

static int do_getattr(pthread_t thread, pthread_attr_t *attributes) {
    return pthread_getattr_np(thread, attributes);
}

static int do_getaffinity(pthread_t thread, size_t size, cpu_set_t *processors) {
    return pthread_getaffinity_np(thread, size, processors);
}

static int do_setaffinity(pthread_t thread, size_t size, const cpu_set_t *processors) {
    return pthread_setaffinity_np(thread, size, processors);
}

static int do_getschedparam(pthread_t thread, int *policy, struct sched_param *parameters) {
    return pthread_getschedparam(thread, policy, parameters);
}

static int do_setschedparam(pthread_t thread, int policy, const struct sched_param *parameters) {
    return pthread_setschedparam(thread, policy, parameters);
}

static int do_setschedprio(pthread_t thread, int priority) {
    return pthread_setschedprio(thread, priority);
}

static int do_getcpuclockid(pthread_t thread, clockid_t *clock) {
    return pthread_getcpuclockid(thread, clock);
}

static int do_yield(void) {
    return sched_yield();
}

static int do_usleep(useconds_t microseconds) {
    return usleep(microseconds);
}

/* A pool ---------------------------------------------------------------------- */

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int waiting; /* the next number to take, or 0 */
    bool closed;
    long sum;
};

static void *work(void *argument) {
    struct pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->waiting == 0 && !pool->closed)
            pthread_cond_wait(&pool->changed, &pool->mutex);
        long number = pool->waiting;
        if (number == 0)
            break;
        pool->waiting = 0;
        pthread_cond_broadcast(&pool->changed);
        pthread_mutex_unlock(&pool->mutex);
        usleep(100);
        pthread_mutex_lock(&pool->mutex);
        pool->sum += number * number;
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static void hand_out(struct pool *pool, int count) {
    pthread_mutex_lock(&pool->mutex);
    for (int i = 1; i <= count; i++) {
        while (pool->waiting != 0)
            pthread_cond_wait(&pool->changed, &pool->mutex);
        pool->waiting = i;
        pthread_cond_broadcast(&pool->changed);
    }
    while (pool->waiting != 0)
        pthread_cond_wait(&pool->changed, &pool->mutex);
    pool->closed = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

static long sum_squares(int workers, int count) {
    struct pool pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t threads[workers];
    for (int i = 0; i < workers; i++)
        if (pthread_create(&threads[i], NULL, work, &pool) != 0)
            return 0;
    hand_out(&pool, count);
    for (int i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    pthread_cond_destroy(&pool.changed);
    pthread_mutex_destroy(&pool.mutex);
    return pool.sum;
}

const struct thread_calls thread_calls = {
    .create = do_create,
    .join = do_join,
    .tryjoin = do_tryjoin,
    .timedjoin = do_timedjoin,
    .clockjoin = do_clockjoin,
    .detach = do_detach,
    .exit = do_exit,
    .self = do_self,
    .key_create = do_key_create,
    .key_delete = do_key_delete,
    .getspecific = do_getspecific,
    .setspecific = do_setspecific,
    .kill = do_kill,
    .sigqueue = do_sigqueue,
    .cancel = do_cancel,
    .setname = do_setname,
    .getname = do_getname,
    .getattr = do_getattr,
    .getaffinity = do_getaffinity,
    .setaffinity = do_setaffinity,
    .getschedparam = do_getschedparam,
    .setschedparam = do_setschedparam,
    .setschedprio = do_setschedprio,
    .getcpuclockid = do_getcpuclockid,
    .yield = do_yield,
    .usleep = do_usleep,
    .sum_squares = sum_squares,
};
