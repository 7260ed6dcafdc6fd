/* Operations as non-blocking system calls. Both engines use them. */
#ifndef GREEN_ENGINE_EPOLL_TRY_H
#define GREEN_ENGINE_EPOLL_TRY_H

#include "engine.h"

/* Values that an attempt returns instead of a result. */
enum {
    GREEN_TRY_NOT_READY = -1000000, /* the operation has to wait for an event */
    GREEN_TRY_AFTER_PAUSE,          /* it has to wait, but no event reports when to try again */
    GREEN_TRY_AT_ONCE,              /* a signal has interrupted it */
};

struct green_epoll;

/* Makes one non-blocking attempt of an operation that receives into the caller's memory,
 * reads, sends, connects or polls. Returns a result or a GREEN_TRY value. Uses only the
 * splice pipe of epoll. */
int32_t green__epoll_try_syscall(struct green_epoll *epoll, green_op *op);

#endif
