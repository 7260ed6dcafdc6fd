/* Forks of a process that has several OS threads, under AddressSanitizer. */
#ifndef GREEN_TESTS_QUIET_FORK_H
#define GREEN_TESTS_QUIET_FORK_H

/* Before gcc 14 and clang 17, fork(2) does not take the locks of AddressSanitizer's allocator.
 * If another OS thread allocates or frees memory at that moment, the child hangs in its next
 * allocation. After this call, each fork waits until all other OS threads sleep, for at most a
 * second. Without AddressSanitizer it has no effect. */
void make_forks_quiet(void);

#endif
