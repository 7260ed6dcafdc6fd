/* An OS thread's bell: by it others wake the green threads that sleep there. */
#ifndef GREEN_PATCH_LOCK_NOTIFIER_H
#define GREEN_PATCH_LOCK_NOTIFIER_H

#include "parking_lot.h"

typedef struct green_notifier green_notifier;

/* The current OS thread's, made if need be, to which the caller listens until it
 * leaves. NULL: there is no memory for one, or no descriptor. */
green_notifier *green__notifier_subscribe(green_hub *hub);
void green__notifier_unsubscribe(green_notifier *bell);

/* Makes the sleeper's green thread ready, by its own OS thread where that is
 * another one. The sleeper stays where it is until then. */
void green__notifier_wake(green_notifier *bell, green_parking_lot_waiter *sleeper);

/* The same by way of the bell in any case, as a signal handler must. */
void green__notifier_wake_by_eventfd(green_notifier *bell, green_parking_lot_waiter *sleeper);

/* Called in a forked child. */
void green__notifiers_forked(void);

#endif
