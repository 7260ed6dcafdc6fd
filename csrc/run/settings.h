/* The settings of green-run, which its program passes to its preload library in environment
 * variables. Where no program can stand in front of another one, for example in a unit of
 * systemd, set LD_PRELOAD and these by hand. */
#ifndef GREEN_RUN_SETTINGS_H
#define GREEN_RUN_SETTINGS_H

#include <stddef.h>

#define GREEN_RUN_LIBRARY "libgreenrun.so"

#define GREEN_RUN_CALLS "GREEN_RUN_CALLS"           /* families to patch */
#define GREEN_RUN_WITHOUT "GREEN_RUN_WITHOUT"       /* families not to patch */
#define GREEN_RUN_STACK_SIZE "GREEN_RUN_STACK_SIZE" /* of a thread, unless the program gives one */
#define GREEN_RUN_CHILDREN "GREEN_RUN_CHILDREN"     /* not empty: executed programs run on green threads, too */
#define GREEN_RUN_REPORT "GREEN_RUN_REPORT"         /* not empty: a report at the end and on a signal */

#define GREEN_RUN_REPORT_SIGNAL "GREEN_RUN_REPORT_SIGNAL" /* its name, such as USR2 */
#define GREEN_RUN_REPORT_SIGNAL_DEFAULT "USR2"

/* The families with the names in a list, separated by commas, such as "socket,thread". An unknown
 * name ends the process with a message about the setting or option of the list. */
unsigned green_run_families(const char *setting, const char *list);

/* The families that are patched by default. */
unsigned green_run_default_families(void);

/* The names of all families, separated by ", ". */
const char *green_run_family_names(void);

/* A size in bytes, with K, M or G for 1024, 1024² and 1024³. Returns 0 if the text is not one. */
size_t green_run_parse_size(const char *text);

/* The number of the signal with a name such as USR2 or SIGUSR2. 0: there is none that can be caught. */
int green_run_parse_signal(const char *name);

#endif
