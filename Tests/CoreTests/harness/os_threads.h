/* OS threads next to the one of the test. */
#ifndef GREEN_TESTS_OS_THREADS_H
#define GREEN_TESTS_OS_THREADS_H

#include "harness.h"

#include <pthread.h>

/* An OS thread that runs a function. It has no hub unless the function makes one, which
 * then ends with it. */
struct os_thread {
    int (*function)(void *argument);
    void *argument;
    int result;
    bool ended; /* atomic */
    pthread_t id;
};

void os_thread_start(struct os_thread *thread, int (*function)(void *argument), void *argument);

/* Waits until the function has returned, while other green threads run, and until the OS
 * thread has ended. Returns the result. */
int os_thread_finish(struct os_thread *thread);

/* Calls the function on an OS thread of its own, and waits for that. Blocks the hub, so that
 * nothing runs on it meanwhile. */
void on_os_thread(void (*function)(void *argument), void *argument);

/* The number of OS threads of this process whose name begins with a text. One that was joined
 * may still be counted for a moment. */
size_t os_threads_named(const char *prefix);

/* Skips a test in which a green thread calls pthread_exit(3), which sanitizers do not
 * support: the C library leaves the stack of the green thread for that of the OS thread. */
void needs_exit_of_os_thread(void);

#endif
