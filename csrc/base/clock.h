/* The clock of all deadlines: green_now(). It is CLOCK_MONOTONIC, or the virtual clock
 * of a hub under test, see core/virtual_clock.h. */
#ifndef GREEN_BASE_CLOCK_H
#define GREEN_BASE_CLOCK_H

#include <green/base.h>

/* The time of the virtual clock of this OS thread's hub. 0: it has none. */
extern _Thread_local int64_t green__virtual_now __attribute__((tls_model("initial-exec")));

/* Returns the time of CLOCK_MONOTONIC in nanoseconds, also where the clock is virtual: for
 * times that the kernel or other OS threads measure, too. */
int64_t green__os_clock(void);

#endif
