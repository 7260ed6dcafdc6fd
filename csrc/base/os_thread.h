/* Green's own OS threads. */
#ifndef GREEN_BASE_OS_THREAD_H
#define GREEN_BASE_OS_THREAD_H

#include "pthread.h"

#include <stddef.h>

/* Starts an OS thread with all signals blocked, because signals are for the threads of the
 * program. If thread is NULL, it is detached; otherwise the caller joins *thread. A
 * stack_size of 0 selects the system's default. 0 or -errno. */
int green__os_thread_start(pthread_t *thread, size_t stack_size, void *(*function)(void *), void *argument);

/* Sets the name of the calling OS thread. For another one, the C library would open a
 * descriptor. */
void green__os_thread_set_name(const char *name);

#endif
