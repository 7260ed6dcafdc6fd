/* Shields: code that kills and timeouts do not interrupt.
 *
 *     green_shield shield;
 *     int error = green_shield_begin(&shield, 5 * GREEN_SECOND);
 *     if (error == 0) {
 *         error = send_goodbye(socket);
 *         green_shield_end(&shield);
 *     }
 *
 * For clean-up that has to block although the thread was killed, or a time limit around it has
 * expired. Such interrupts stay pending, and the first blocking call after the shield returns
 * them. Timeouts that are started inside the shield interrupt it. Shields nest.
 *
 * Corresponds to Trio's CancelScope(shield=True). Eventlet has no counterpart. */
#ifndef GREEN_SHIELD_H
#define GREEN_SHIELD_H

#include <green/timeout.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* The caller provides the memory, and keeps it until green_shield_end(). */
typedef struct green_shield {
    uintptr_t reserved[4];
} green_shield;

/* Begins a shield for the current green thread. After limit nanoseconds, every blocking call in
 * the shield returns -ETIME, so that the clean-up ends if a peer does not answer. A negative
 * limit: never. Returns 0; without a limit it cannot fail on an OS thread with a hub. -ENOMEM:
 * no memory for the limit; the shield has not begun. */
GREEN_API GREEN_CHECK int green_shield_begin(green_shield *shield, int64_t limit);

/* Ends it. Call it in the same thread, before the end of an outer shield. */
GREEN_API void green_shield_end(green_shield *shield);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
