/* The waits of a call on one descriptor between its tries. */
#ifndef GREEN_PATCH_IO_RETRY_H
#define GREEN_PATCH_IO_RETRY_H

#include "../wait_fds.h"

/* The caller sets the first group of fields and zeroes the others. */
typedef struct green_retry {
    green_hub *hub;
    int fd;
    short events;
    int timeout_option; /* SO_RCVTIMEO or SO_SNDTIMEO; 0 if the call has no timeout */
    bool is_blocking;   /* false: the first wait asks the kernel */
    bool occupies_port; /* see green__wait_fds_port_again() */

    bool has_deadline;
    int64_t deadline;
    unsigned spurious; /* zeroed by the caller after progress */
    int error;         /* of the last wait; 0 if the descriptor may be ready */
} green_retry;

/* Waits after a try has failed with EAGAIN. Returns whether to try again: after a timeout or
 * an interrupt the call tries once more, but not if the descriptor is non-blocking or was
 * closed, because its number may mean another file by now. */
bool green__retry_wait(green_retry *retry);

/* Ends the call with the error of the last wait. Sets errno and returns -1. */
int green__retry_failed(const green_retry *retry);

#endif
