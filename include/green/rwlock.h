/* Read-write locks: locks that several readers, or one writer, hold across blocking calls.
 *
 * Between two blocking calls no other green thread runs, so readers and writers that do not
 * block need no lock. See mutex.h.
 *
 * The lock is granted in the order of the calls, so neither readers nor writers are starved:
 * a reader that comes after a waiting writer waits behind it, even while other readers hold
 * the lock. When a writer unlocks, the first waiting writer gets the lock, or all readers
 * in front of it. A waiter that is interrupted takes nothing, and lets those behind it
 * proceed.
 *
 * The lock is not recursive: for a thread that holds it, in either way, another lock is
 * -EDEADLK, because a writer may wait in between. A lock belongs to the OS thread that first
 * uses it; calls on other OS threads return -EXDEV.
 *
 * A thread that ends while it holds a lock is an error of the program. It is reported, with
 * the name of the thread, and its lock is released. */
#ifndef GREEN_RWLOCK_H
#define GREEN_RWLOCK_H

#include <green/thread.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_rwlock green_rwlock;

/* Creates a lock that no thread holds. Returns 0 or -ENOMEM. */
GREEN_API GREEN_CHECK int green_rwlock_make(green_rwlock **lock);

/* Frees the lock. Threads that wait for it get -EBADF. The caller may hold it; other threads
 * must not. On another OS thread than that of the lock, this takes effect soon after the
 * call, on its hub. */
GREEN_API void green_rwlock_free(green_rwlock *GREEN_NULLABLE lock);

/* Locks for reading. Blocks while a thread holds the lock for writing, or waits to.
 *
 * Returns 0, or:
 *   -ETIMEDOUT   the lock was not granted within timeout nanoseconds (0 polls)
 *   -EDEADLK     the caller itself holds the lock, or nothing can ever unlock it
 *   -EBADF       the lock was freed
 *   -ENOMEM      no memory to record the reader
 *   -ECANCELED, -ETIME   the caller was interrupted; it does not hold the lock */
GREEN_API GREEN_CHECK int green_rwlock_read_lock(green_rwlock *lock, int64_t timeout);

/* Locks for writing. Blocks while another thread holds the lock. Returns as
 * green_rwlock_read_lock() does, but never for lack of memory to record the writer. */
GREEN_API GREEN_CHECK int green_rwlock_write_lock(green_rwlock *lock, int64_t timeout);

/* Locks for reading, if no thread holds the lock for writing or waits for it. Does not
 * block. Returns 1 if the caller now holds it, 0 if not, or -ENOMEM. */
GREEN_API GREEN_CHECK int green_rwlock_try_read_lock(green_rwlock *lock);

/* Locks for writing, if no thread holds the lock. Does not block. Returns 1 if the caller now
 * holds it, 0 if not. */
GREEN_API GREEN_CHECK int green_rwlock_try_write_lock(green_rwlock *lock);

/* Unlocks, whichever way the caller holds the lock. Does not block. Returns 0, or -EPERM if
 * the caller does not hold it. */
GREEN_API int green_rwlock_unlock(green_rwlock *lock);

/* Turns the caller's lock for writing into one for reading. No writer gets the lock in
 * between. Readers that are first in line get it, too. Does not block. Returns 0, or -EPERM
 * if the caller does not hold the lock for writing. */
GREEN_API int green_rwlock_downgrade(green_rwlock *lock);

/* The number of threads that hold the lock for reading. */
GREEN_API size_t green_rwlock_readers(const green_rwlock *lock);

/* Returns the thread that holds the lock for writing, or NULL. The caller does not own it. */
GREEN_API green_thread *GREEN_NULLABLE green_rwlock_writer(const green_rwlock *lock);

/* The number of threads that wait for the lock. */
GREEN_API size_t green_rwlock_waiting(const green_rwlock *lock);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
