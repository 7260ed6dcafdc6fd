/* Sight into a running process: who holds a hub, and what all are doing.
 *
 * Both calls here are for the whole process, from any OS thread, and are off
 * until they are made. While one of them is on, one OS thread more looks at the
 * hubs; the hubs themselves run as fast as before. In a child of fork(2) both
 * are off, and the signals have their former actions.
 *
 * gdb shows green threads, of a process or a core file, by the script that is
 * installed as share/greencore/gdb/green-gdb.py. */
#ifndef GREEN_MONITOR_H
#define GREEN_MONITOR_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* A green thread that holds its hub: it has run all the time without a call that
 * lets others run, so none of them could. */
typedef struct green_hold {
    uint64_t thread;                    /* green_thread_id() of it */
    const char *name;                   /* green_thread_name() of it; "" if it has none, or is not known */
    int os_thread;                      /* gettid(2) of its OS thread */
    int64_t nanoseconds;                /* it has held the hub at least, so far */
    void *const *GREEN_NULLABLE frames; /* where it is: return addresses, innermost first */
    size_t count;                       /* of them; 0 when the OS thread had the signal blocked */
    const char *text;                   /* all of it as Green would report it: lines, each with its end */
} green_hold;

/* Zero in any field means its default. */
typedef struct green_monitor_options {
    /* How long a thread may hold its hub, in nanoseconds. Default 100 ms.
     * Values below 1 ms, including negative ones, mean 1 ms. The monitor checks the
     * hubs four times per limit. */
    int64_t limit;
    /* Called instead of writing hold->text to standard error, on an OS thread of
     * Green's, while the green thread goes on. What hold points to is valid
     * until it returns. It must not call the functions of this header. */
    void (*GREEN_NULLABLE report)(const green_hold *hold, void *GREEN_NULLABLE context);
    void *GREEN_NULLABLE context;
    /* Called by green_monitor_stop() with the context, which nothing uses any more. */
    void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE context);
    /* The signal whose handler asks an OS thread where it is. Default SIGURG,
     * which does nothing to those who know nothing of it, and which debuggers
     * pass on. A handler that the program has for it is still called for those
     * that come from elsewhere; it must not be blocked. */
    int signal;
} green_monitor_options;

/* Switches the monitor on: it reports each green thread of the process that
 * holds its hub for longer than the limit, once for each such hold. A hub that
 * waits in the kernel, or has no green thread but its OS thread's own, is not
 * held. Green also measures green_statistics.longest_iteration from then on, for a
 * read of the clock each turn.
 *
 * The report costs the thread that it is about one signal: a system call that it
 * is in may end with EINTR, as poll(2), nanosleep(2) and others do for any
 * signal. The environment's GREEN_MONITOR, a number of milliseconds, switches it
 * on as the first hub is made.
 *
 * -EALREADY: it is on. -EINVAL: the limit is below 1 ms, or the signal cannot be
 * caught. -EBUSY: it asks for dumps. -EAGAIN: no OS thread can be started.
 * -EDEADLK: called by its own report. */
GREEN_API GREEN_CHECK int green_monitor_start(const green_monitor_options *GREEN_NULLABLE options);

/* Switches it off, and returns when no report is under way any more. Nothing
 * happens if it is off. -EDEADLK: called by its own report. */
GREEN_API int green_monitor_stop(void);

/* Has every hub of the process write its green_dump() to standard error when the
 * signal comes, as in green_dump_on_signal(SIGQUIT) and then `kill -QUIT`. A hub
 * does so at its next turn, also when it waits in the kernel; one that is held
 * meanwhile is reported with the green thread that holds it, and where that is.
 *
 * One signal at a time: another replaces it, and 0 switches it off, which gives
 * the signal back its former action. It must not be blocked, which green_signals
 * does to those that it collects. -EINVAL: it cannot be caught. -EBUSY: the
 * monitor uses it. -EAGAIN: no OS thread can be started. -EDEADLK: called by the
 * monitor's report. */
GREEN_API GREEN_CHECK int green_dump_on_signal(int signal);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
