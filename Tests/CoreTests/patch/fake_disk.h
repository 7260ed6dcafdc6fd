/* The page cache and the disk, played for the tests of patched files. */
#ifndef GREEN_TESTS_PLAYED_H
#define GREEN_TESTS_PLAYED_H

#include <stdatomic.h>
#include <stddef.h>

/* So many bytes of a file are in memory at a time; SIZE_MAX: what the kernel says. */
extern size_t cached;

/* Calls so far that asked for what is in memory. */
extern unsigned tries;

/* While the gate is shut, whoever passes it does not come to its end, as fsync() and
 * fdatasync() do. */
extern atomic_bool shut;
void pass_gate(void);

/* Function of a thread: opens it after a while. */
int open_gate(void *unused);

#endif
