/* What those who watch the hubs share. */
#ifndef GREEN_CORE_MONITOR_H
#define GREEN_CORE_MONITOR_H

#include "hub.h"

#include <green/monitor.h>

#include <stdio.h>

/* All hubs of the process, which stay until they are unlocked. */
extern green_hub *green__hubs;
green_hub *green__hubs_lock(void);
void green__hubs_unlock(void);

/* Has the turns of all hubs timed, for the monitor of that number; 0 ends it. */
void green__hubs_set_timing(uint32_t monitor);

/* Starts the monitor if the environment's GREEN_MONITOR says so. */
void green__monitor_from_environment(void);

/* Sees to what is to be done at a fork, from the first call on. */
void green__hub_registry_prepare(void);

/* In a child after fork(2): all is off. */
void green__monitor_forked(void);

/* The parts of a backtrace. What a handler calls must be prepared: that loads
 * the unwinder. */
enum { GREEN_FRAMES_MAX = 64 };
void green__frames_prepare(void);

/* For a handler: the frames of what the signal has interrupted, innermost first.
 * Returns how many. */
size_t green__frames_interrupted(void *frames[GREEN_FRAMES_MAX], const void *context);

/* Writes a line for each frame: its address, function and file. Not for a handler. */
void green__frames_print(FILE *file, void *const *frames, size_t count);

#endif
