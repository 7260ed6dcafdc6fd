/* Inspecting a running process: which green thread blocks its hub, what all green threads
 * are doing, and the statistics of all hubs.
 *
 * The monitor and the dumps on a signal apply to the whole process and are off by default.
 * While one of them is on, one more OS thread checks the hubs. The hubs themselves do not
 * become slower. In a child of fork(2) both are off, and the signals have their former
 * actions. All functions may be called on any OS thread.
 *
 * For gdb there is a script that shows the green threads of a process or of a core file.
 * It is installed as share/greencore/gdb/green-gdb.py. */
#ifndef GREEN_MONITOR_H
#define GREEN_MONITOR_H

#include <green/hub.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* A green thread that blocks its hub: it has run without a call that lets other threads
 * run. If the OS thread blocks the signal, the thread is not known: thread is 0, name is
 * "" and count is 0. */
typedef struct green_hold {
    uint64_t thread;                    /* green_thread_id() */
    const char *name;                   /* green_thread_name(); "" if it has none */
    int os_thread;                      /* gettid(2) of its OS thread */
    int64_t nanoseconds;                /* how long it has run so far, at least */
    void *const *GREEN_NULLABLE frames; /* its backtrace: return addresses, innermost first */
    size_t count;                       /* the number of frames */
    const char *text;                   /* the report that Green would write: one or more lines */
    const char *hub;                    /* green_hub_name(); "" if it has none */
} green_hold;

/* Zero in any field means its default. */
typedef struct green_monitor_options {
    /* How long a thread may block its hub, in nanoseconds. Default 100 ms, minimum 1 ms.
     * The monitor checks the hubs four times in this time. */
    int64_t limit;
    /* Called for each hold, on an OS thread of Green, while the green thread continues to
     * run. NULL: hold->text is reported, to standard error or to the handler of report.h.
     * What hold points to is valid until the function returns. It must not call the
     * functions of this header. */
    void (*GREEN_NULLABLE report)(const green_hold *hold, void *GREEN_NULLABLE context);
    void *GREEN_NULLABLE context;
    /* Called by green_monitor_stop() with the context, which is no longer used. */
    void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE context);
    /* The signal whose handler takes the backtrace of an OS thread. Default SIGURG, which
     * is ignored by default, and which debuggers pass on. The program must not block it.
     * A handler that the program has set before is still called for signals from other
     * senders. */
    int signal;
    /* Called, also with the context, when a hold that was passed to report has ended, unless its
     * hub was closed at once. hub and os_thread are those of the hold, and nanoseconds is its
     * length up to the last check. The other fields are zero or "". */
    void (*GREEN_NULLABLE ended)(const green_hold *hold, void *GREEN_NULLABLE context);
} green_monitor_options;

/* Starts the monitor. It reports each green thread of the process that blocks its hub for
 * longer than the limit, once for each hold, with a backtrace. A hub that waits in the
 * kernel, or that has no green thread besides the context of its OS thread, is not blocked.
 * From then on Green also measures green_statistics.longest_iteration, which costs a read
 * of the clock in each loop iteration.
 *
 * A report interrupts its thread with one signal. A system call in progress may fail with
 * EINTR, as poll(2), nanosleep(2) and others do for any signal.
 *
 * If the environment variable GREEN_MONITOR is a number of milliseconds, the monitor starts
 * when the first hub is made.
 *
 * Returns 0, or:
 *   -EALREADY  the monitor is on
 *   -EINVAL    the limit is below 1 ms, or the signal cannot be caught
 *   -EBUSY     the signal requests dumps
 *   -EAGAIN    the system cannot start an OS thread
 *   -EDEADLK   called by the monitor's report */
GREEN_API GREEN_CHECK int green_monitor_start(const green_monitor_options *GREEN_NULLABLE options);

/* Stops the monitor. Waits for a report in progress. Returns 0, also if the monitor is off.
 * -EDEADLK: called by the monitor's report. */
GREEN_API int green_monitor_stop(void);

/* Makes every hub of the process write its green_dump() to standard error when the signal
 * arrives: for example, after green_dump_on_signal(SIGQUIT), on `kill -QUIT`. A hub writes
 * in its next loop iteration. One that waits in the kernel is woken through its inbox. If a
 * green thread blocks a hub meanwhile, this thread is reported with its backtrace.
 *
 * Only one signal requests dumps: a second call replaces the first, and 0 switches the
 * dumps off. The replaced signal gets its former action again. The program must not block
 * the signal; green_signals blocks those that it collects.
 *
 * The environment variable GREEN_DUMP does the same for an unchanged program, when the first
 * hub is made: with GREEN_DUMP=QUIT, SIGQUIT requests dumps and no longer ends the process.
 * Its value is the name of a signal without SIG. A program that handles this signal itself
 * from then on gets no dumps.
 *
 * Returns 0, or:
 *   -EINVAL   the signal cannot be caught
 *   -EBUSY    the monitor uses the signal
 *   -EAGAIN   the system cannot start an OS thread
 *   -EDEADLK  called by the monitor's report */
GREEN_API GREEN_CHECK int green_dump_on_signal(int signal);

/* Writes the green_dump() of every hub of the process to fd, the oldest hub first. Each hub
 * writes its dump to memory, in a green thread of its own, in its next loop iteration; one
 * that waits in the kernel is woken. Waits for them up to timeout nanoseconds. A hub that
 * has not answered by then is held: a green thread blocks it, or its OS thread does something
 * else. Its line says so. The dump of the caller's own hub needs no wait. Blocks the OS
 * thread while fd blocks. On an OS thread without a hub, the wait blocks the OS thread.
 *
 * Returns the number of hubs that are held, or an error, and writes nothing:
 *   -ENOMEM
 *   -EWOULDBLOCK  it would have to wait, in a link or a destructor
 *   -ECANCELED, -ETIME
 *                 the calling green thread was interrupted */
GREEN_API int green_dump_all(int fd, int64_t timeout);

/* Fills in the counts of a hub, which any OS thread may have a reference to. The hub counts
 * in its next loop iteration; one that waits in the kernel is woken, which the counts
 * include.
 *
 * Returns 0, or the errors of green_dump_all(), or:
 *   -ETIMEDOUT  the hub is held and has not answered within timeout nanoseconds
 *   -ESRCH      the hub has ended
 *   -EXDEV      the hub belongs to the process before a fork */
GREEN_API GREEN_CHECK int green_hub_statistics_of(green_hub *hub, green_statistics *statistics, int64_t timeout);

/* Fills in the sums of the counts of all hubs of the process, and the longest of their
 * longest iterations. Returns the number of hubs that are held and not included, or the
 * errors of green_dump_all(). */
GREEN_API int green_hub_statistics_all(green_statistics *statistics, int64_t timeout);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
