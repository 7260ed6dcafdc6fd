/* Waiting in a green call: for descriptors, for a time, or for both. */
#ifndef GREEN_PATCH_WAIT_FDS_H
#define GREEN_PATCH_WAIT_FDS_H

#include "calls.h"

/* A descriptor that is waited for; on the stack of the call, or in memory that
 * it has allocated. The caller fills in the first two. */
typedef struct green_waited_fd {
    int fd; /* negative: none */
    short events;
    bool no_file_ref; /* the wait must not hold its file: see green_op */
    bool useless;     /* it cannot be waited for, as a file cannot */
    bool resting;     /* events do not end the wait, only a close does */
    bool closed;      /* under the wait */
    bool pending;
    int32_t result;
    green_op op;
    struct green_fds_wait *watching;
    struct green_waited_fd *next, **place; /* among those of the OS thread */
} green_waited_fd;

/* Parks until one of the descriptors may be worth another try. 0: it may. Else
 * what ended the wait, which green__wait_fds_failed() turns into an errno:
 * -ETIMEDOUT at the deadline, -EBADF when one was closed, -EINTR for an interrupt,
 * which stays posted: a call that has succeeded meanwhile reports that, and the
 * interrupt is for the next one. */
int green__wait_fds(green_hub *hub, green_waited_fd *watches, size_t count, int64_t deadline);

/* The same for one descriptor. */
int green__wait_fds_one(green_hub *hub, int fd, short events, int64_t deadline);

/* Does the same for a call whose last attempt returned EAGAIN. *mistaken counts
 * consecutive wake-ups without progress, for example because of an error that stays in
 * the socket's queue. It is 0 at first and after each success. From the third wait on,
 * the call pauses first. */
int green__wait_fds_again(green_hub *hub, int fd, short events, int64_t deadline, unsigned *mistaken);

/* The same for POLLIN of a socket that keeps an address from others. */
int green__wait_fds_port_again(green_hub *hub, int fd, int64_t deadline, unsigned *mistaken);

/* Parks for some nanoseconds, or until the deadline. Returns 0, or the error that ended
 * the wait early. */
int green__wait_fds_pause(green_hub *hub, int fd, int64_t pause, int64_t deadline);

/* The number of consecutive mistaken wake-ups before a call pauses, and the pause. */
enum { GREEN_SPURIOUS_MAX = 1 };
static const int64_t GREEN_SPURIOUS_PAUSE = 1000 * 1000;

/* Ends a call that has nothing to report but the error of its wait: delivers the
 * interrupt if it was one, sets errno and returns -1. A kill is ECANCELED, a
 * green_timeout ETIMEDOUT: no library takes these for a reason to try again, as
 * it does with EINTR. The call's own timeout is `timed_out`. */
int green__wait_fds_failed(green_hub *hub, int error, int timed_out);

/* Ends the waits of this OS thread's green threads for a descriptor that is
 * about to be closed. */
void green__wait_fds_closing(int fd);

/* Whether this is the child of a vfork(): it runs in its parent's memory, with its
 * parent's hub, on which it must do nothing. A system call. */
bool green__is_vfork_child(const green_hub *hub);

/* Whether nothing may park here: in such a child, and in the middle of a fork, when
 * handlers of somebody else's run. */
bool green__cannot_park(const green_hub *hub);

/* The hub on which a call may park, as green__may_park() says, but nothing where it
 * cannot: which takes the system calls to know. */
green_hub *green__may_park_here(void);

/* What happens there instead: it looks again after a millisecond. 0, or
 * -ETIMEDOUT at the deadline. */
int green__wait_fds_blocking(int64_t deadline);

#endif
