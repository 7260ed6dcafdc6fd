/* A virtual clock for tests.
 *
 * A hub that is opened with green_hub_options.virtual_clock has a clock of its own. Sleeps,
 * timeouts, deadlines and delayed spawns elapse at once, in the order of their deadlines, when
 * no thread of the hub is ready; those with the same deadline, in the order in which they
 * began. A test of an hour takes milliseconds, and has the same result on a slow machine.
 *
 *     green_hub_open(&(green_hub_options){.virtual_clock = true});
 *     int64_t start = green_now();
 *     green_sleep(3600 * GREEN_SECOND);
 *     assert(green_now() - start == 3600 * GREEN_SECOND);
 *
 * green_now() returns the virtual time on the OS thread of the hub, which begins at the time
 * of CLOCK_MONOTONIC. Patched calls, such as sleep(3) and poll(2), use it for their timeouts.
 * Nothing else does: clock_gettime(2) returns the real time.
 *
 * The clock stands still while a thread runs or is ready. A thread that yields in a loop until
 * some time has passed therefore never ends; let it sleep. When no thread is ready, the first
 * of these that applies decides:
 *
 *   - Posts of other OS threads and completed I/O make threads ready, without a change of the
 *     clock.
 *   - While work outside of the hub is in progress that a thread waits for, the hub waits for
 *     it in real time, and the clock advances by the time that has passed. Such work is:
 *       an offloaded call, the look-up of a name, a file operation,
 *       a child process of Green, from its spawn until a thread has waited for its end,
 *       the wait for a promise, for a Task, for a remote thread or call of another hub, or for
 *       a patched lock, condition variable or OS thread,
 *       the wait for a channel that another hub or OS thread has used (without membarrier(2),
 *       also one that was used often),
 *       I/O on a connection or a pipe whose other end is not in this process, and a terminal,
 *       everything between green_clock_hold() and green_clock_resume().
 *   - Otherwise the clock jumps to the next deadline. A read whose peer is in this process, an
 *     accept and a wait for a signal do not prevent it: a timeout around them elapses at once.
 *     As bytes may be on their way in the kernel, the hub waits up to a millisecond of real
 *     time for them before each jump while such I/O is in progress.
 *
 * An OS thread that begins to use an object of the hub only later, such as one of a library
 * that sends the first element of a channel, is not known: hold the clock while the test
 * waits for it. */
#ifndef GREEN_TESTING_H
#define GREEN_TESTING_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* Lets the virtual clock of this OS thread's hub advance in real time while the hub waits, as
 * if work outside of the hub were in progress, until green_clock_resume() has been called as
 * often. No effect if the clock is not virtual. Does not block.
 *
 * Returns 0. -ENOENT: this OS thread has no hub. */
GREEN_API int green_clock_hold(void);

/* Ends one green_clock_hold().
 *
 * Returns 0, or:
 *   -ENOENT  this OS thread has no hub
 *   -EINVAL  there is no hold */
GREEN_API int green_clock_resume(void);

/* Kills all green threads of this OS thread's hub except the calling one, as green_thread_kill()
 * does, to end a hub whose test has left threads. Does not block: they end when the caller
 * lets them run, unless they ignore the kill.
 *
 * Returns the number of green threads that have not finished, without the calling one and the
 * context of the OS thread. 0 without a hub. */
GREEN_API size_t green_hub_kill_threads(void);

/* Whether the clock of this OS thread's hub is virtual. False without a hub. */
GREEN_API bool green_clock_is_virtual(void);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
