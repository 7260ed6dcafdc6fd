#include "os_thread.h"

#include <signal.h>
#include <sys/prctl.h>

void green__os_thread_set_name(const char *name) {
    prctl(PR_SET_NAME, name);
}

int green__os_thread_start(pthread_t *thread, size_t stack_size, void *(*function)(void *), void *argument) {
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t started;
    pthread_attr_init(&attributes);
    if (!thread)
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (stack_size > 0)
        pthread_attr_setstacksize(&attributes, stack_size);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = green__pthread.create(&started, &attributes, function, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error != 0)
        return -error;
    if (thread)
        *thread = started;
    return 0;
}
