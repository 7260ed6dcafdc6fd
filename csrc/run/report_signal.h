/* The signal that requests a report. */
#ifndef GREEN_RUN_REPORT_SIGNAL_H
#define GREEN_RUN_REPORT_SIGNAL_H

/* Calls write, on an OS thread of its own, each time the signal arrives, if the signal has its
 * default action. Returns 0, or -EBUSY if it has another one, or -errno. A forked child gets the
 * default action again. */
int green_run_report_on_signal(int signal, void (*write)(void));

#endif
