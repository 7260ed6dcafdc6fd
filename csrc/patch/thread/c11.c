/* The threads, mutexes, condition variables and thread-specific values of C11. In glibc they are
 * those of POSIX, with other names and results. */
#include "../calls.h"

#include <threads.h>

static int result_of(int error) {
    switch (error) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ETIMEDOUT:
        return thrd_timedout;
    case ENOMEM:
        return thrd_nomem;
    default:
        return thrd_error;
    }
}

static pthread_mutex_t *mutex_of(mtx_t *mutex) {
    return (pthread_mutex_t *)mutex;
}

static pthread_cond_t *condition_of(cnd_t *condition) {
    return (pthread_cond_t *)condition;
}

/* Threads --------------------------------------------------------------------------- */

struct start {
    thrd_start_t function;
    void *argument;
};

static void *run(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    return (void *)(intptr_t)start.function(start.argument);
}

int green__green_thrd_create(thrd_t *thread, thrd_start_t function, void *argument) {
    struct start *start = malloc(sizeof *start);
    if (!start)
        return thrd_nomem;
    *start = (struct start){function, argument};
    int error = green__green_pthread_create(thread, NULL, run, start);
    if (error != 0)
        free(start);
    return error == EAGAIN ? thrd_nomem : result_of(error);
}

void green__green_thrd_exit(int result) {
    green__green_pthread_exit((void *)(intptr_t)result);
}

int green__green_thrd_join(thrd_t thread, int *result) {
    void *value;
    int error = green__green_pthread_join(thread, &value);
    if (error == 0 && result)
        *result = (int)(intptr_t)value;
    return result_of(error);
}

int green__green_thrd_detach(thrd_t thread) {
    return result_of(green__green_pthread_detach(thread));
}

thrd_t green__green_thrd_current(void) {
    return green__green_pthread_self();
}

void green__green_thrd_yield(void) {
    (void)green__green_sched_yield();
}

/* Returns -1 for EINTR and -2 for other errors, as the C library does. */
int green__green_thrd_sleep(const struct timespec *time, struct timespec *rest) {
    int error = green__green_clock_nanosleep(CLOCK_REALTIME, 0, time, rest);
    return error == 0 ? 0 : error == EINTR ? -1 : -2;
}

/* Mutexes and condition variables ------------------------------------------------------ */

int green__green_mtx_lock(mtx_t *mutex) {
    return result_of(green__green_pthread_mutex_lock(mutex_of(mutex)));
}

int green__green_mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict time) {
    return result_of(green__green_pthread_mutex_timedlock(mutex_of(mutex), time));
}

int green__green_mtx_trylock(mtx_t *mutex) {
    return result_of(green__green_pthread_mutex_trylock(mutex_of(mutex)));
}

int green__green_mtx_unlock(mtx_t *mutex) {
    return result_of(green__green_pthread_mutex_unlock(mutex_of(mutex)));
}

int green__green_cnd_signal(cnd_t *condition) {
    return result_of(green__green_pthread_cond_signal(condition_of(condition)));
}

int green__green_cnd_broadcast(cnd_t *condition) {
    return result_of(green__green_pthread_cond_broadcast(condition_of(condition)));
}

int green__green_cnd_wait(cnd_t *condition, mtx_t *mutex) {
    return result_of(green__green_pthread_cond_wait(condition_of(condition), mutex_of(mutex)));
}

int green__green_cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict time) {
    return result_of(green__green_pthread_cond_timedwait(condition_of(condition), mutex_of(mutex), time));
}

/* Values ------------------------------------------------------------------------------ */

int green__green_tss_create(tss_t *key, tss_dtor_t destroy) {
    return result_of(green__green_pthread_key_create(key, destroy));
}

void green__green_tss_delete(tss_t key) {
    (void)green__green_pthread_key_delete(key);
}

void *green__green_tss_get(tss_t key) {
    return green__green_pthread_getspecific(key);
}

int green__green_tss_set(tss_t key, void *value) {
    return result_of(green__green_pthread_setspecific(key, value));
}
