/* Green threads: spawn, wait, kill, sleep.
 *
 * A green thread has a stack of its own, runs until it blocks or yields, and
 * never moves to another OS thread. It is ready, running, parked or finished;
 * ready threads run first in, first out. Semantics follow Eventlet's
 * greenthread module; where they differ, the function says so. */
#ifndef GREEN_THREAD_H
#define GREEN_THREAD_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_thread green_thread;
typedef struct green_link green_link;

/* What a green thread runs. Its result is what green_thread_wait() hands out;
 * a negative one is an error, a negated errno. An error that nobody waited for
 * is reported once on standard error when the last handle is released.
 * -ECANCELED is not: it is how a killed thread normally ends. */
typedef int green_function(void *GREEN_NULLABLE argument);

/* Zero in any field means its default. */
typedef struct green_spawn_options {
    /* Shown by green_dump() and in messages; copied, at most 31 bytes. */
    const char *GREEN_NULLABLE name;
    /* Bytes of address space for the stack, rounded up to pages. Less than
     * 16 KiB is -EINVAL. */
    size_t stack_size;
    /* Nanoseconds until the thread becomes ready. Default: no delay. */
    int64_t delay;
    /* Called with the argument, in place of the function and in the thread's
     * own turn, when it was killed or cancelled before it ever ran. */
    void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE argument);
} green_spawn_options;

/* Starts function(argument) in a new green thread. It first runs when the
 * caller blocks or yields, behind those that are ready by then.
 * *thread is a handle that the caller owns and gives back with
 * green_thread_release(); a released thread runs on.
 * -ENOMEM: no memory for its stack. Does not block. */
GREEN_API GREEN_CHECK int green_spawn(green_thread **thread, green_function *function, void *GREEN_NULLABLE argument);

/* The same with options; a thread of NULL starts it without a handle. */
GREEN_API GREEN_CHECK int green_spawn_with(green_thread **thread, const green_spawn_options *GREEN_NULLABLE options,
                                           green_function *function, void *GREEN_NULLABLE argument);

/* Starts a green thread without a handle: cheaper, nothing to release, no result to
 * wait for. An error of its function is reported on standard error. */
GREEN_API GREEN_CHECK int green_detach(green_function *function, void *GREEN_NULLABLE argument);

/* Starts function(argument) after delay nanoseconds, even if the caller has ended by
 * then. A delay of 0 or less means no delay. If green_thread_cancel() is called
 * before then, the function never runs. */
GREEN_API GREEN_CHECK int green_spawn_after(green_thread **thread, int64_t delay, green_function *function,
                                            void *GREEN_NULLABLE argument);

/* One more owner of the handle. Returns the thread. */
GREEN_API green_thread *green_thread_retain(green_thread *thread);

/* Gives a handle back. The thread itself goes on. */
GREEN_API void green_thread_release(green_thread *GREEN_NULLABLE thread);

/* Blocks until the thread has finished and stores what its function returned
 * in *result: any number of times, from any number of waiters. A thread
 * killed before it ran has the result -ECANCELED.
 * 0: finished, *result is set. -ETIMEDOUT: not within timeout nanoseconds (0
 * asks without blocking). -EDEADLK: it is the caller itself. */
GREEN_API GREEN_CHECK int green_thread_wait(green_thread *thread, int *GREEN_NULLABLE result, int64_t timeout);

/* Interrupts the thread: the call it is blocked in, or its next one, returns
 * -ECANCELED; one that never ran never will, and is finished without running.
 * Does not wait for it to end, does not block, and does not run the thread at once as
 * Eventlet's kill() does. A thread may catch the error and live on. 0, also when it has
 * finished already.
 * -ECANCELED: the caller killed itself, and is to return now. */
GREEN_API int green_thread_kill(green_thread *thread);

/* The same with a reason, which the killed thread reads by green_reason().
 * reason is owned by the thread from here on; discard(reason) is called when it
 * is not read. */
GREEN_API int green_thread_kill_with(green_thread *thread, void *GREEN_NULLABLE reason,
                                     void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE reason));

/* Takes the reason of the interrupt, a kill or a timeout, that last ended a
 * call of the current thread; the caller owns it. NULL: none was given, or it
 * has been taken. */
GREEN_API void *GREEN_NULLABLE green_reason(void);

/* How many interrupts have ended calls of the current thread. Whoever calls a
 * function of somebody else's learns from it whether an error that comes out may
 * be due to one, which was meant for the thread and not for that function. */
GREEN_API uint64_t green_interrupt_count(void);

/* Returns the pending interrupt that the current thread's next blocking call would
 * return, and clears it; otherwise 0. Does not block. For functions that run for long
 * without blocking, and for the start of functions that block only sometimes. Returns 0
 * in a link or a destructor, which get no interrupts, and without a hub. */
GREEN_API GREEN_CHECK int green_check_interrupt(void);

/* Stops a thread that has not begun to run: it never will.
 * 1: cancelled. 0: too late, it has begun, and goes on. */
GREEN_API int green_thread_cancel(green_thread *thread);

/* Calls function(thread, argument) when the thread has finished, in its
 * context, after those linked before; at once, in the caller's context,
 * when it has finished already, and then *link is NULL. A link must not block:
 * a blocking call in it fails with -EWOULDBLOCK.
 * *link may be asked for in order to remove it. -ENOMEM. */
GREEN_API int green_thread_link(green_thread *thread, green_link **link,
                                void (*function)(green_thread *thread, void *GREEN_NULLABLE argument),
                                void *GREEN_NULLABLE argument);

/* Takes a link back before it has run; afterwards the pointer is dead. To be
 * called only while the thread has not finished: the links of a finished thread
 * are gone. */
GREEN_API void green_link_remove(green_link *link);

/* Unique within the process, from 1. */
GREEN_API uint64_t green_thread_id(const green_thread *thread);

/* Its name, or "". Copied in by green_thread_set_name(), at most 31 bytes. */
GREEN_API const char *green_thread_name(const green_thread *thread);
GREEN_API void green_thread_set_name(green_thread *thread, const char *name);

GREEN_API bool green_thread_is_finished(const green_thread *thread);

/* Bytes of its stack: the whole, and the most it has ever touched, to the page.
 * Zero for an OS thread's own context and for a finished thread. */
GREEN_API size_t green_thread_stack_size(const green_thread *thread);
GREEN_API size_t green_thread_stack_used(const green_thread *thread);

/* A pointer of the owner's own, NULL at first. Green never looks at it; the
 * Swift layer keeps its GreenThread here. */
GREEN_API void *GREEN_NULLABLE green_thread_context(const green_thread *thread);
GREEN_API void green_thread_set_context(green_thread *thread, void *GREEN_NULLABLE context);

/* The caller's own thread, borrowed: retain it to keep it. NULL when this OS
 * thread has no hub and none can be made. */
GREEN_API green_thread *GREEN_NULLABLE green_current(void);

/* Runs every thread that is ready now, and one round of I/O. Blocks. Returns 0.
 * -ECANCELED, -ETIME: an interrupt was pending or arrived meanwhile; the other threads
 * have run anyway. -EWOULDBLOCK: called in a link or a destructor. */
GREEN_API int green_yield(void);

/* Blocks for at least the given nanoseconds; 0 or less means green_yield().
 * 0: the time has passed. -ECANCELED, -ETIME: an interrupt ended the sleep early.
 * -EWOULDBLOCK: called in a link or a destructor. -ENOMEM: no memory for a timer. */
GREEN_API int green_sleep(int64_t nanoseconds);

/* Blocks until fd has one of the poll(2) events, for timeout nanoseconds at most.
 * Returns the ready events (> 0), among the requested ones and POLLERR and POLLHUP. For
 * descriptors that Green has no type for. The caller still owns the descriptor and must
 * keep it open during the call. Several threads may wait for it.
 * A pending error, such as an entry in the error queue of a socket with IP_RECVERR,
 * ends every wait at once until it is read.
 * -ETIMEDOUT: no event within the timeout. -EBADF: fd is not open.
 * -ECANCELED, -ETIME: interrupted. -EWOULDBLOCK, -ENOMEM: as green_sleep(). */
GREEN_API int green_wait_fd(int fd, short events, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
