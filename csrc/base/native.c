#include "native.h"

#include <signal.h>

int green__native_start(pthread_t *thread, const char *name, size_t stack_size, void *(*function)(void *),
                        void *argument) {
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
    pthread_setname_np(started, name);
    if (thread)
        *thread = started;
    return 0;
}
