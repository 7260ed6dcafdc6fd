/* Calls for which the kernel sends no notification, such as flock(): tried without waiting, at
 * growing intervals.
 *
 * The system call itself cannot wait on an OS thread instead: it cannot be ended there, so the
 * call of a thread that was interrupted would still take the lock or the message later, and
 * threads that wait would keep those from running that end their wait. */
#ifndef GREEN_PATCH_IO_ATTEMPTS_H
#define GREEN_PATCH_IO_ATTEMPTS_H

#include "../signal_wait.h"
#include "../wait_fds.h"

/* The caller sets the first group of fields and zeroes the others. */
typedef struct green_attempts {
    /* Returns the result of the call, or -1 with errno. */
    ssize_t (*attempt)(struct green_attempts *attempts);
    int would_block; /* the errno of an attempt that has to be repeated */
    int timed_out;   /* the errno of the call's own timeout */
    int fd;          /* whose close ends the call, or -1 */
    int64_t deadline;
    green_signal_class signals;

    bool waited;
} green_attempts;

/* Returns the result of the last attempt, or -1 with errno after an interrupt, a signal handler
 * or the deadline. A cancellation ends the thread there, so the caller must hold nothing. */
ssize_t green__attempts_run(green_hub *hub, green_attempts *attempts);

#endif
