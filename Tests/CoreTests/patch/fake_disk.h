/* A fake page cache and disk for the tests of patched file calls. */
#ifndef GREEN_TESTS_PLAYED_H
#define GREEN_TESTS_PLAYED_H

#include <stdatomic.h>
#include <stddef.h>

/* The number of cached bytes of a file; SIZE_MAX for the kernel's own page cache. */
extern size_t cached;

/* The number of calls with RWF_NOWAIT so far. */
extern unsigned tries;

/* While the gate is shut, calls that pass it do not return, such as fsync() and fdatasync(). */
extern atomic_bool shut;
void pass_gate(void);

/* A thread function: opens the gate after a while. */
int open_gate(void *unused);

#endif
