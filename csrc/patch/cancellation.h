/* Cancellation points: where a green thread of pthread_create() ends after pthread_cancel().
 *
 * A cancelled thread has its kill posted for good, so that each of its waits ends. A call that is
 * a cancellation point acts on it when it begins, or when its wait has ended. Acting unwinds the
 * stack and does not return, so the call must hold no memory, descriptor or lock at that moment. */
#ifndef GREEN_PATCH_CANCELLATION_H
#define GREEN_PATCH_CANCELLATION_H

#include "../core/hub_record.h"

#include <sys/types.h>

/* Ends the current thread if it was cancelled and has not disabled cancellation. */
void green__cancellation_act(green_hub *hub);

/* Whether a thread was cancelled and has not disabled cancellation. */
bool green__cancellation_is_due(const green_thread *thread);

/* Begins a call. */
static inline void green__cancellation_point(green_hub *hub) {
    if (GREEN_UNLIKELY(hub->current->interrupts != NULL))
        green__cancellation_act(hub);
}

/* Ends a call. Returns its result. */
static inline ssize_t green__cancellation_point_passed(green_hub *hub, ssize_t result) {
    if (GREEN_UNLIKELY(result < 0) && hub->current->interrupts)
        green__cancellation_act(hub);
    return result;
}

#endif
