/* How green-run ends if it cannot run a program. */
#ifndef GREEN_RUN_REFUSE_H
#define GREEN_RUN_REFUSE_H

/* Exit statuses, as those of env(1) and timeout(1). */
enum { GREEN_RUN_REFUSED = 125, GREEN_RUN_NOT_EXECUTABLE = 126, GREEN_RUN_NOT_FOUND = 127 };

/* Writes "green-run: " and the text to standard error, and ends the process. */
_Noreturn void green_run_refuse(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
