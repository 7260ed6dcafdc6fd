/* The times for which a thread has held the OS thread, and the longest of them. */
#ifndef GREEN_RUN_LONGEST_H
#define GREEN_RUN_LONGEST_H

#include <stdint.h>
#include <stdio.h>

/* Begins to measure. If monitor_limit, in nanoseconds, is not 0, each hold of that length is also
 * written to standard error when it happens, as the monitor does. Returns 0 or an error of
 * green_monitor_start(). */
int green_run_longest_begin(int64_t monitor_limit);

/* Writes what is known so far. */
void green_run_longest_write(FILE *file);

#endif
