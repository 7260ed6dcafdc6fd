/* What the core adds to reports: see green/report.h. */
#ifndef GREEN_BASE_REPORT_H
#define GREEN_BASE_REPORT_H

#include <green/report.h>

#include <stdbool.h>

/* Set by the core, once. */
typedef struct green_report_core {
    /* Fills in the green thread and the hub of the caller. */
    void (*locate)(green_report *report);
    /* Forbids the caller's green thread to block, and returns what allow_blocking() restores. */
    int (*forbid_blocking)(void);
    void (*allow_blocking)(int before);
} green_report_core;
void green__report_set_core(const green_report_core *core);

/* Whether the program has set a handler. */
bool green__report_is_handled(void);

/* Reports the text of a format, with the rest of the report. */
void green__report_about(green_report report, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

#endif
