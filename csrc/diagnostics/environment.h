/* Diagnostics that the environment switches on, in a program that calls none of them. */
#ifndef GREEN_DIAGNOSTICS_ENVIRONMENT_H
#define GREEN_DIAGNOSTICS_ENVIRONMENT_H

/* Starts the monitor if GREEN_MONITOR is set, and the dumps on a signal if GREEN_DUMP is.
 * Reports a value that it cannot use. */
void green__diagnostics_from_environment(void);

#endif
