/* The measurement of loop iterations, while the monitor is on.
 *
 * The watcher sets the number of the monitor in the registration of each hub. The hub reads
 * it once in each iteration of its event loop, and when its wait in the kernel ends, and
 * calls the hooks here if it is not 0. */
#ifndef GREEN_DIAGNOSTICS_TIMING_H
#define GREEN_DIAGNOSTICS_TIMING_H

#include "../core/hub_record.h"

/* Makes all hubs time their iterations, for the monitor with this number. 0 ends it. */
void green__timing_set(uint32_t monitor);

/* Hooks of the core. */
void green__timing_hub_opened(green_hub *hub);
void green__timing_iteration_began(green_hub *hub);
void green__timing_wait_ended(green_hub *hub);
void green__timing_forked(void);

#endif
