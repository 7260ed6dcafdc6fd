/* Green's own OS threads. */
#ifndef GREEN_BASE_OS_THREAD_H
#define GREEN_BASE_OS_THREAD_H

#include "pthread.h"

#include <stdbool.h>
#include <stddef.h>

/* Starts an OS thread with all signals blocked, because signals are for the threads of the
 * program. If thread is NULL, it is detached; otherwise the caller joins *thread. A
 * stack_size of 0 selects the system's default. 0 or -errno. */
int green__os_thread_start(pthread_t *thread, size_t stack_size, void *(*function)(void *), void *argument);

/* Sets the name of the calling OS thread. For another one, the C library would open a
 * descriptor. */
void green__os_thread_set_name(const char *name);

/* The calling OS thread, one of Green's own, begins or ends a time in which it runs no code of
 * the program. */
void green__os_thread_rest_begin(void);
void green__os_thread_rest_end(void);

/* Whether the process has OS threads besides the calling one that may run code of the program.
 * Those at rest and the kernel's workers of a ring do not. Opens descriptors for a moment, and
 * returns true if it cannot find out. */
bool green__os_threads_may_run_program(void);

#endif
