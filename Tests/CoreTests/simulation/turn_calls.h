#ifndef GREEN_SIMULATION_TURN_CALLS_H
#define GREEN_SIMULATION_TURN_CALLS_H

#include <stdbool.h>

/* Replaces the locks of the library. */
void turn_calls_begin(void);

/* Whether the OS thread with this number sleeps in a call that waits for others, not in one
 * that waits for a lock. */
bool waits_without_hub(int turn);

#endif
