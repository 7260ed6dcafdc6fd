/* Operations as system calls that do not wait. */
#ifndef GREEN_ENGINE_EPOLL_TRY_H
#define GREEN_ENGINE_EPOLL_TRY_H

#include "engine.h"

/* Returned by an attempt in place of a result. */
enum {
    GREEN_TRY_NOT_READY = -1000000, /* wait for an event */
    GREEN_TRY_AFTER_PAUSE,          /* wait, but no event reports when */
    GREEN_TRY_AT_ONCE,              /* interrupted: try again at once */
};

struct green_epoll;

/* Tries to receive into the caller's memory, to read, to send, to start a connect or to poll. */
int32_t green__epoll_try_syscall(struct green_epoll *epoll, green_op *op);

#endif
