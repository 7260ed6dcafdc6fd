/* Which programs green-run can run. */
#ifndef GREEN_RUN_CHECK_H
#define GREEN_RUN_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* The interpreter of a script, from its first line. */
typedef struct green_run_script {
    char interpreter[256];
    char argument[256]; /* "" if there is none */
} green_run_script;

/* Whether a file begins with "#!" and the path of an interpreter. */
bool green_run_read_script(const char *path, green_run_script *script);

/* Checks a file that is not a script. Returns true, or false with the reason why green-run cannot
 * run it, which continues a sentence that begins with the path. */
bool green_run_check(const char *path, char *reason, size_t size);

#endif
