/* OS threads of Green's own. */
#ifndef GREEN_BASE_OS_THREAD_H
#define GREEN_BASE_OS_THREAD_H

#include "pthread.h"

#include <stddef.h>

/* Starts one with all signals blocked: those are for the program's own threads.
 * thread is for who will join it; NULL: it is detached. A stack_size of 0 is the
 * system's. 0 or -errno. */
int green__os_thread_start(pthread_t *thread, size_t stack_size, void *(*function)(void *), void *argument);

/* The name by which others see the calling one. It takes no descriptor, as another
 * OS thread's would. */
void green__os_thread_set_name(const char *name);

#endif
