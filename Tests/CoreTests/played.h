/* The page cache and the disk, played for the tests of patched files. */
#ifndef GREEN_TESTS_PLAYED_H
#define GREEN_TESTS_PLAYED_H

#include <stdatomic.h>
#include <stddef.h>

/* So many bytes of a file are in memory at a time; SIZE_MAX: what the kernel says. */
extern size_t cached;

/* Calls so far that asked for what is in memory. */
extern unsigned tries;

/* While it is shut, fsync() and fdatasync() do not come to their end. */
extern atomic_bool shut;

#endif
