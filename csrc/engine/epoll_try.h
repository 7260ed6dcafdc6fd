/* Operations as system calls that do not wait. */
#ifndef GREEN_ENGINE_EPOLL_TRY_H
#define GREEN_ENGINE_EPOLL_TRY_H

#include "engine.h"

/* Returned by an attempt in place of a result. */
enum {
    GREEN_NOT_YET = -1000000, /* wait for an event */
    GREEN_RETRY,              /* wait, but no event reports when */
    GREEN_AGAIN,              /* interrupted: try again at once */
};

struct green_epoll;

/* Tries to receive into the caller's memory, to read, to send, to start a connect or to poll. */
int32_t green__attempt_without_waiting(struct green_epoll *epoll, green_op *op);

#endif
