/* The part of the monitor that the core's hooks call. */
#ifndef GREEN_DIAGNOSTICS_MONITOR_H
#define GREEN_DIAGNOSTICS_MONITOR_H

/* In a forked child: the monitor and the dumps on a signal are off. */
void green__monitor_forked(void);

#endif
