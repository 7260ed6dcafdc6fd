/* An OS thread's bell: by it others wake the green threads that sleep there. */
#ifndef GREEN_PATCH_LOCK_NOTIFIER_H
#define GREEN_PATCH_LOCK_NOTIFIER_H

#include "parking_lot.h"

typedef struct green_bell green_bell;

/* The current OS thread's, made if need be, to which the caller listens until it
 * leaves. NULL: there is no memory for one, or no descriptor. */
green_bell *green__bell_join(green_hub *hub);
void green__bell_leave(green_bell *bell);

/* Makes the sleeper's green thread ready, by its own OS thread where that is
 * another one. The sleeper stays where it is until then. */
void green__bell_ring(green_bell *bell, green_parked *sleeper);

/* The same by way of the bell in any case, as a signal handler must. */
void green__bell_ring_from_afar(green_bell *bell, green_parked *sleeper);

/* Called in a forked child. */
void green__bells_forked(void);

#endif
