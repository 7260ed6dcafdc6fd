/* Whether other OS threads have come to rest. */
#ifndef GREEN_TESTS_ASLEEP_H
#define GREEN_TESTS_ASLEEP_H

/* Waits until all other OS threads of the process sleep in the kernel, for at most a second. An OS
 * thread that sleeps in a wait of Green holds no lock, so a signal handler may end it. */
void wait_until_others_sleep(void);

#endif
