/* Programs that the process executes in its own place. */
#ifndef GREEN_RUN_EXEC_H
#define GREEN_RUN_EXEC_H

/* Keeps the settings of an environment for them, before the settings are hidden from children. */
void green_run_keep_for_exec(char *const *environment);

#endif
