/* The report of green-run --report. */
#ifndef GREEN_RUN_REPORT_H
#define GREEN_RUN_REPORT_H

#include <green/patch.h>

/* Writes the report to standard error when the process exits. The patch must live until then. */
void green_run_report_at_exit(green_patch *patch);

#endif
