/* The report of green-run --report. */
#ifndef GREEN_RUN_REPORT_H
#define GREEN_RUN_REPORT_H

#include <green/patch.h>

/* Writes the report to standard error when the process exits, and when the signal arrives, as
 * far as the program leaves it its default action. The patch and the hub of the calling OS thread must
 * live until then. */
void green_run_report_begin(green_patch *patch, int signal);

#endif
