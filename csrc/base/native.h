/* OS threads of Green's own. */
#ifndef GREEN_BASE_NATIVE_H
#define GREEN_BASE_NATIVE_H

#include "pthread.h"

#include <stddef.h>

/* Starts one with all signals blocked: those are for the program's own threads.
 * thread is for who will join it; NULL: it is detached, and must not end before
 * this returns. A stack_size of 0 is the system's. 0 or -errno. */
int green__native_start(pthread_t *thread, const char *name, size_t stack_size, void *(*function)(void *),
                        void *argument);

#endif
