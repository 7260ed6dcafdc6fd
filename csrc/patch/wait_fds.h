/* Waits of patched calls: for descriptors, for a time, or for both. */
#ifndef GREEN_PATCH_WAIT_FDS_H
#define GREEN_PATCH_WAIT_FDS_H

#include "hub_table.h"
#include "may_park.h"

/* A descriptor to wait for, in memory of the caller. The caller sets the first two fields
 * and zeroes the others. */
typedef struct green_waited_fd {
    int fd; /* negative: ignored */
    short events;
    bool no_file_ref; /* the wait must not hold its file: see green_op */
    bool unpollable;  /* it cannot be waited for, like a file; set by the wait */
    bool only_closed; /* events do not end the wait, only a close does */
    bool closed;      /* during the wait */
    bool pending;
    int32_t result;
    green_op op;
    struct green_fds_wait *call;
    green_hub_table_entry entry;
} green_waited_fd;

/* Parks until one of the descriptors may be ready for another try, or until the deadline.
 * Does not deliver interrupts: a call that has succeeded meanwhile reports its success, and
 * the interrupt stays pending for the next call.
 *
 * Returns 0, or an error for green__wait_fds_failed():
 *   -ETIMEDOUT  the deadline has passed
 *   -EBADF      a descriptor was closed
 *   -EINTR      an interrupt is pending
 *   -ERESTART   a signal handler has run that ends the call: see signal_wait.h
 *   -ENOMEM     out of memory for a timer */
int green__wait_fds(green_hub *hub, green_waited_fd *watches, size_t count, int64_t deadline);

/* Does the same for one descriptor. Returns -EPERM if it cannot be waited for. */
int green__wait_fds_one(green_hub *hub, int fd, short events, int64_t deadline);

/* Does the same for a call whose last attempt returned EAGAIN. *spurious counts
 * consecutive wake-ups without progress, for example because of an error that stays in
 * the socket's queue. It is 0 at first and after each success. From the third wait on,
 * the call pauses first. */
int green__wait_fds_again(green_hub *hub, int fd, short events, int64_t deadline, unsigned *spurious);

/* Does the same for POLLIN on a socket that occupies an address, such as a listener. */
int green__wait_fds_port_again(green_hub *hub, int fd, int64_t deadline, unsigned *spurious);

/* Parks for some nanoseconds, or until the deadline. Returns 0, or the error that ended
 * the wait early. */
int green__wait_fds_pause(green_hub *hub, int fd, int64_t pause, int64_t deadline);

/* Does the same for the next interval of a poll, which begins at GREEN_POLL_FIRST and grows. */
int green__wait_fds_poll(green_hub *hub, int fd, int64_t *interval, int64_t deadline);

/* The number of consecutive spurious wake-ups before a call pauses, and the pause in
 * nanoseconds. */
enum { GREEN_SPURIOUS_MAX = 1 };
static const int64_t GREEN_SPURIOUS_PAUSE = 1000 * 1000;

/* Ends a call that has nothing to report but the error of its wait: delivers a pending
 * interrupt, sets errno and returns -1. A kill becomes ECANCELED, a green_timeout ETIMEDOUT, unless
 * the patch has another errno: unlike EINTR, these do not make libraries retry. -ERESTART becomes
 * EINTR, and -ETIMEDOUT becomes timed_out, which is the errno of the call's own timeout. */
int green__wait_fds_failed(green_hub *hub, int error, int timed_out);

/* The same, at the end of a call that holds nothing and is a cancellation point. */
int green__wait_fds_end_failed(green_hub *hub, int error, int timed_out);

/* Returns the errno of an interrupt for the caller of the current patched call, given the default.
 * Atomic; NULL while no patch has chosen one. */
extern int (*green__interrupt_errno)(int error);

/* Ends the waits of this OS thread's green threads for a descriptor that is about to be
 * closed. */
void green__wait_fds_closing(int fd);

/* The same for all descriptors of a range that are the program's. */
void green__wait_fds_closing_range(unsigned first, unsigned last);

#endif
