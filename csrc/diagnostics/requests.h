/* The requests to a hub, and what its OS thread does for them.
 *
 * Another OS thread sets a bit in the requests of a hub. The hub reads them once in each
 * iteration of its event loop, and when its wait in the kernel ends, and calls the hooks
 * here if there are any. */
#ifndef GREEN_DIAGNOSTICS_REQUESTS_H
#define GREEN_DIAGNOSTICS_REQUESTS_H

#include "../core/hub_record.h"

/* The bits: a dump, and above it the number of the monitor that iterations are timed for,
 * or 0. */
enum { GREEN_REQUEST_DUMP = 1, GREEN_REQUEST_TIMING = 2 };

/* Requests a dump from a hub. The registry must be locked. */
void green__requests_add_dump(green_hub_registration *hub);

/* Makes all hubs time their iterations, for the monitor with this number. 0 ends it. */
void green__requests_set_timing(uint32_t monitor);

/* Hooks of the core. */
void green__requests_hub_opened(green_hub *hub);
void green__requests_iteration_began(green_hub *hub);
void green__requests_wait_ended(green_hub *hub);
void green__requests_forked(void);

#endif
