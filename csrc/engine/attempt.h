/* Operations as system calls that do not wait. */
#ifndef GREEN_ENGINE_ATTEMPT_H
#define GREEN_ENGINE_ATTEMPT_H

#include "engine.h"

/* What an attempt returns in place of a result. */
enum {
    GREEN_NOT_YET = -1000000, /* it has to wait for an event */
    GREEN_RETRY,              /* it has to wait, and no event tells until when */
    GREEN_AGAIN,              /* it was interrupted, and can be tried at once */
};

/* Tries to receive into the caller's memory, to send, to begin a connect or to poll. */
int32_t green__attempt_without_waiting(green_op *op);

#endif
