/* The table of patched calls: the name of each, its green version, and the C library's own. */
#ifndef GREEN_PATCH_LINK_CALL_TABLE_H
#define GREEN_PATCH_LINK_CALL_TABLE_H

#include "../calls.h"

typedef struct green_patched_call {
    const char *name;
    unsigned family;
    void *green;
    void *real;  /* NULL if this process has none */
    void *taken; /* the address that the program sees, which may be a stub of the executable */
} green_patched_call;

/* The patched call of that name, which may be an alias that the C library has; NULL if there
 * is none. Only after green__patched_calls_find(). */
const green_patched_call *green__patched_call_named(const char *name);

/* Fills in green__real and the table. The caller holds green__patches_lock. Returns 0, or
 * -ENOSYS, explained, if the process is statically linked or the C library lacks a call. */
int green__patched_calls_find(void);

#endif
