/* Green threads: spawn, wait, kill, sleep.
 *
 * A green thread has its own stack, runs until it blocks or yields, and never moves to
 * another OS thread. It is ready, running, parked or finished. Ready threads run first in,
 * first out. The semantics follow Eventlet's greenthread module; functions that differ
 * say so. */
#ifndef GREEN_THREAD_H
#define GREEN_THREAD_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_thread green_thread;
typedef struct green_link green_link;

/* The function of a green thread. green_thread_wait() stores its result. A negative result
 * is an error, a negated errno. If no thread waits for an error, it is reported once on
 * standard error when the last handle is released. -ECANCELED is not reported: a killed
 * thread normally ends with it. */
typedef int green_function(void *GREEN_NULLABLE argument);

/* Zero in any field means its default. */
typedef struct green_spawn_options {
    /* Shown by green_dump() and in messages. Copied and cut to 31 bytes. */
    const char *GREEN_NULLABLE name;
    /* Bytes of address space for the stack, rounded up to pages. At least 16 KiB. Default:
     * stack_size of green_hub_options. */
    size_t stack_size;
    /* Nanoseconds until the thread becomes ready. Default: no delay. */
    int64_t delay;
    /* Called with the argument if the thread was killed or cancelled before it ran. It
     * runs in the thread, instead of the function. It must not block. */
    void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE argument);
    /* Cancels the thread if the calling thread finishes before it has begun. Eventlet's
     * spawn_after_local(). Default: it begins in any case. */
    bool dropped_with_spawner;
} green_spawn_options;

/* Starts function(argument) in a new green thread. It runs when the caller blocks or
 * yields, after the threads that were ready before it. *thread is a handle that the caller
 * owns and frees with green_thread_release(); a thread without a handle continues to run.
 * Does not block. -ENOMEM: no memory for its stack. */
GREEN_API GREEN_CHECK int green_spawn(green_thread **thread, green_function *function, void *GREEN_NULLABLE argument);

/* Does the same with options. If thread is NULL, starts the thread without a handle.
 * -EINVAL: the stack size is below 16 KiB. */
GREEN_API GREEN_CHECK int green_spawn_with(green_thread **thread, const green_spawn_options *GREEN_NULLABLE options,
                                           green_function *function, void *GREEN_NULLABLE argument);

/* Starts a green thread without a handle: there is nothing to release and no result to wait
 * for. Costs less than green_spawn(). An error of its function is reported on standard error. */
GREEN_API GREEN_CHECK int green_detach(green_function *function, void *GREEN_NULLABLE argument);

/* Starts function(argument) after delay nanoseconds, even if the caller has finished by
 * then, unless it is spawned by green_spawn_with() with dropped_with_spawner. A delay of 0 or
 * less means no delay. green_thread_cancel() can prevent the start until then. */
GREEN_API GREEN_CHECK int green_spawn_after(green_thread **thread, int64_t delay, green_function *function,
                                            void *GREEN_NULLABLE argument);

/* Adds an owner to the handle. Returns the thread. Call it on the OS thread of the thread. */
GREEN_API green_thread *green_thread_retain(green_thread *thread);

/* Releases a handle. The thread itself continues to run. On another OS thread, this takes
 * effect soon after the call, on the hub of the thread. */
GREEN_API void green_thread_release(green_thread *GREEN_NULLABLE thread);

/* Blocks until the thread has finished, and stores the result of its function in *result.
 * Any number of threads may wait, any number of times. A thread that was killed before it
 * ran has the result -ECANCELED.
 *
 * Returns 0 with *result set, or:
 *   -ETIMEDOUT    the thread did not finish within timeout nanoseconds; with a timeout
 *                 of 0 the call does not block
 *   -EDEADLK      the thread is the caller itself
 *   -ECANCELED, -ETIME
 *                 interrupted
 *   -EWOULDBLOCK  called in a link or a destructor
 *   -EXDEV        the thread lives on another OS thread
 *   -ENOMEM       no memory for a timer */
GREEN_API GREEN_CHECK int green_thread_wait(green_thread *thread, int *GREEN_NULLABLE result, int64_t timeout);

/* Interrupts the thread: its current blocking call, or else its next one, returns
 * -ECANCELED. A thread that has not started never runs its function. A thread may handle
 * the error and continue.
 *
 * Does not block and does not wait for the thread to finish. Unlike Eventlet's kill(), it
 * does not switch to the thread.
 *
 * Returns 0, also if the thread has finished. -ECANCELED: the caller killed itself, and
 * should return now. -EXDEV: the thread lives on another OS thread. */
GREEN_API int green_thread_kill(green_thread *thread);

/* Kills a thread so that all of its blocking calls fail with -ECANCELED until it ends, also those
 * by which it or a library cleans up; only calls in a shield block. A kill by green_thread_kill()
 * ends one call. Does not block. Returns 0, also if the thread has finished, -EINVAL if it is the
 * caller, or -EXDEV if it lives on another OS thread. */
GREEN_API int green_thread_kill_for_good(green_thread *thread);

/* Kills each of the threads that has not finished, except the caller. Does not block. Returns 0,
 * or -EXDEV if one of them lives on another OS thread; none is killed then. */
GREEN_API int green_kill_all(green_thread *const *threads, size_t count);

/* Does the same as green_thread_kill() with a reason, which the killed thread reads by green_reason(). The call
 * takes ownership of the reason, also if it fails. If no thread reads it, discard(reason)
 * is called. */
GREEN_API int green_thread_kill_with(green_thread *thread, void *GREEN_NULLABLE reason,
                                     void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE reason));

/* Returns the reason of the interrupt, a kill or a timeout, that last ended a call of the
 * current thread, and removes it. The caller owns it. NULL: no reason was given, or it was
 * removed before. */
GREEN_API void *GREEN_NULLABLE green_reason(void);

/* Returns how many interrupts have ended calls of the current thread. A caller of foreign
 * code compares the counts before and after it: if they differ, an error of that code may
 * be due to an interrupt of the thread. */
GREEN_API uint64_t green_interrupt_count(void);

/* Whether an error of a blocking call is an interrupt: -ECANCELED, a kill or the end of a group,
 * or -ETIME, a timeout. Code that handles the failures of a call normally passes interrupts on.
 * A timeout of its own it knows by green_timeout_has_fired(), one around it by
 * green_timeout_encloses(green_timeout_last(NULL)). */
GREEN_API bool green_is_interrupt(int error);

/* Returns the pending interrupt that the current thread's next blocking call would
 * return, and clears it; otherwise 0. Does not block. For functions that run for long
 * without blocking, and for the start of functions that block only sometimes. Returns 0
 * in a link or a destructor, which get no interrupts, and without a hub. */
GREEN_API GREEN_CHECK int green_check_interrupt(void);

/* Cancels a thread that has not started: its function never runs. Returns 1, or 0 if the
 * thread has started, which then continues, or was killed before. -EXDEV: the thread lives
 * on another OS thread. */
GREEN_API int green_thread_cancel(green_thread *thread);

/* Adds a link: function(thread, argument) is called in the context of the thread when it
 * finishes, after the links added before. If the thread has already finished, the function
 * is called at once, in the context of the caller, and *link is NULL. A link must not
 * block: a blocking call in it fails with -EWOULDBLOCK. link may be NULL. The thread owns
 * *link, which is for green_link_remove(). -ENOMEM: out of memory. -EXDEV: the thread lives
 * on another OS thread. */
GREEN_API int green_thread_link(green_thread *thread, green_link **link,
                                void (*function)(green_thread *thread, void *GREEN_NULLABLE argument),
                                void *GREEN_NULLABLE argument);

/* Removes a link before it has run and frees it. Call it only while the thread has not
 * finished: the links of a finished thread have been freed. */
GREEN_API void green_link_remove(green_link *link);

/* Returns the id of a thread, unique in the process. The first is 1. */
GREEN_API uint64_t green_thread_id(const green_thread *thread);

/* Returns the hub of a thread. The caller does not own it: retain it to keep it longer than
 * the handle. Any thread. */
GREEN_API struct green_hub *green_thread_hub(const green_thread *thread);

/* Returns the name of a thread, or "". green_thread_set_name() copies the name and cuts it
 * to 31 bytes. */
GREEN_API const char *green_thread_name(const green_thread *thread);
GREEN_API void green_thread_set_name(green_thread *thread, const char *name);

GREEN_API bool green_thread_is_finished(const green_thread *thread);

/* Returns the size of the thread's stack, or the most bytes of it that were used, rounded
 * up to pages. 0 for the context of an OS thread and for a finished thread. */
GREEN_API size_t green_thread_stack_size(const green_thread *thread);
GREEN_API size_t green_thread_stack_used(const green_thread *thread);

/* A pointer for the program, NULL at first. Green does not use it. The Swift layer keeps
 * its GreenThread here. */
GREEN_API void *GREEN_NULLABLE green_thread_context(const green_thread *thread);
GREEN_API void green_thread_set_context(green_thread *thread, void *GREEN_NULLABLE context);

/* Returns the calling thread. The caller does not own it: retain it to keep it. NULL if
 * this OS thread has no hub and none can be made. */
GREEN_API green_thread *GREEN_NULLABLE green_current(void);

/* Returns a handle of the thread with this id, such as one that was started without a handle: its
 * id is in dumps, and it can pass on green_thread_id(green_current()). The caller owns the handle.
 * Looks through all threads of the OS thread. NULL: this OS thread has no such thread, or it has
 * finished. */
GREEN_API green_thread *GREEN_NULLABLE green_thread_find(uint64_t id);

/* Calls visit(thread, context) for each thread of this OS thread that has not finished, in the
 * order of their ids. The context of the OS thread is among them, and threads of Green's own are
 * not. visit must not block. It does not own the thread: retain it to keep it.
 *
 * Returns 0, or -ENOMEM, and visit was not called. */
GREEN_API GREEN_CHECK int green_thread_each(void (*visit)(green_thread *thread, void *GREEN_NULLABLE context),
                                            void *GREEN_NULLABLE context);

/* Lets all ready threads run, and one loop iteration, which completes I/O. Blocks. Returns
 * 0. -ECANCELED, -ETIME: an interrupt was pending or arrived meanwhile; the other threads
 * have run nevertheless. -EWOULDBLOCK: called in a link or a destructor. */
GREEN_API int green_yield(void);

/* Blocks for at least the given nanoseconds. 0 or less: like green_yield(). Returns 0 after
 * this time. -ECANCELED, -ETIME: an interrupt ended the sleep early. -EWOULDBLOCK: called in
 * a link or a destructor. -ENOMEM: no memory for a timer. */
GREEN_API int green_sleep(int64_t nanoseconds);

/* Blocks until green_now() returns at least deadline. Repeated sleeps until deadlines do not
 * drift, as green_sleep() does: see interval.h. Like green_yield() if the deadline has passed;
 * INT64_MAX never comes. Returns as green_sleep() does. */
GREEN_API int green_sleep_until(int64_t deadline);

/* Blocks until fd is ready for one of events (poll(2) flags), or until timeout nanoseconds
 * have passed. For descriptors that Green has no type for.
 *
 * Returns the ready events (> 0), out of events, POLLERR and POLLHUP, or:
 *   -ETIMEDOUT    no event within the timeout
 *   -EBADF        fd is not open
 *   -ECANCELED, -ETIME
 *                 interrupted
 *   -EWOULDBLOCK  called in a link or a destructor
 *   -ENOMEM       no memory for a timer
 *
 * The caller still owns fd and must keep it open during the call. Several threads may wait
 * for the same descriptor. A pending error, such as an entry in the error queue of a socket
 * with IP_RECVERR, ends every wait at once until it is read. */
GREEN_API int green_wait_fd(int fd, short events, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
