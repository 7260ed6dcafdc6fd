/* Calls about threads of a library that does not use Green. */
#ifndef GREEN_TESTS_PATCHED_THREADS_H
#define GREEN_TESTS_PATCHED_THREADS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

struct thread_calls {
    int (*create)(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument);
    int (*join)(pthread_t thread, void **result);
    int (*tryjoin)(pthread_t thread, void **result);
    int (*timedjoin)(pthread_t thread, void **result, const struct timespec *time);
    int (*clockjoin)(pthread_t thread, void **result, clockid_t clock, const struct timespec *time);
    int (*detach)(pthread_t thread);
    void (*exit)(void *result);
    pthread_t (*self)(void);
    int (*key_create)(pthread_key_t *key, void (*destroy)(void *value));
    int (*key_delete)(pthread_key_t key);
    void *(*getspecific)(pthread_key_t key);
    int (*setspecific)(pthread_key_t key, const void *value);
    int (*kill)(pthread_t thread, int signal);
    int (*sigqueue)(pthread_t thread, int signal, union sigval value);
    int (*cancel)(pthread_t thread);
    int (*setname)(pthread_t thread, const char *name);
    int (*getname)(pthread_t thread, char *name, size_t size);
    int (*getattr)(pthread_t thread, pthread_attr_t *attributes);
    int (*getaffinity)(pthread_t thread, size_t size, cpu_set_t *processors);
    int (*setaffinity)(pthread_t thread, size_t size, const cpu_set_t *processors);
    int (*getschedparam)(pthread_t thread, int *policy, struct sched_param *parameters);
    int (*setschedparam)(pthread_t thread, int policy, const struct sched_param *parameters);
    int (*setschedprio)(pthread_t thread, int priority);
    int (*getcpuclockid)(pthread_t thread, clockid_t *clock);
    int (*yield)(void);
    int (*usleep)(useconds_t microseconds);

    /* The sum of the squares of 1 to count, computed by `workers` threads that sleep for each
     * number. Returns 0 if a thread could not be created. */
    long (*sum_squares)(int workers, int count);
};

extern const struct thread_calls thread_calls;

#endif
