/* The hub: the scheduler, the timers and the I/O engine of one OS thread.
 *
 * A program does not have to make a hub. The first blocking call, spawn or socket of an
 * OS thread makes one with the default options. To choose other options, call
 * green_hub_open() first. A hub ends with its OS thread, or by green_hub_close().
 *
 * Environment variables:
 *
 *   GREEN_ENGINE=uring|epoll  the engine, unless green_hub_options names one
 *   GREEN_MONITOR=100         starts the monitor with a limit of 100 milliseconds:
 *                             see monitor.h
 *   GREEN_DUMP=QUIT           all hubs write what their green threads wait for whenever
 *                             SIGQUIT arrives, and continue: see green_dump_on_signal().
 *                             The value is the name of any signal without SIG.
 *   GREEN_DISABLE=a,b         Green does not use these features of the kernel: all,
 *                             coop_taskrun, defer_taskrun, epoll_pwait2, ftruncate,
 *                             guard_install, iowq_max_workers, membarrier,
 *                             mprotect_guard, msg_ring, no_iowait, poll_first,
 *                             registered_ring, single_issuer, sock_nonempty,
 *                             submit_all, taskrun_flag, userfaultfd, wp_unpopulated.
 *                             To switch io_uring off altogether, set
 *                             GREEN_ENGINE=epoll.
 *   GREEN_LOG=debug           writes more to standard error, such as why the engine
 *                             or the guard of stacks is not the first choice; a
 *                             handler of report.h always gets this
 *
 * Swift's main actor: In a program with the Swift module of Green, the hub of the main OS
 * thread calls the main queue of libdispatch, in a green thread of Green's own that ends when
 * the queue is empty. The queue is serial: while a call of it is parked, no other runs. A hub
 * can close between two calls. No green thread waits for the queue, so green_statistics does
 * not count it, and a deadlock is reported as usual if the queue is empty and the process has no
 * OS thread that may add to it. Otherwise the hub waits. It asks again a few times in the
 * next ten seconds, because OS threads end.
 *
 * fork(2): A child has no hub, because the ring or epoll of each hub belongs to the
 * parent. The only OS thread of the child continues, and its next blocking call makes a
 * hub. If a green thread calls fork(2), the child has only this thread. It becomes the
 * context of the child's OS thread and loses its name, its thread-locals and its links.
 * The child does not call the main queue of libdispatch, which does not work there.
 * When its function returns, the child ends as by exit(3), with EXIT_FAILURE if the result
 * is an error. In a link or a destructor, fork only to call exec(3) or _exit(2).
 *
 * In the child, calls on threads, sockets and other handles of the parent's hubs fail with
 * -EXDEV. Releasing such a handle frees the child's copy and closes its descriptor, and
 * does not affect the parent. The peer of a connection sees its end when all copies are
 * closed. The child does not have the bytes that green_receive() has provided. Keys of
 * thread-locals, TLS contexts and objects that were never used on a hub keep working.
 * exec(3) closes all descriptors of Green. If another OS thread was in OpenSSL or in the
 * resolver of the C library at the time of the fork, their locks may stay locked in the
 * child; such a child should only call exec(3). */
#ifndef GREEN_HUB_H
#define GREEN_HUB_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* A hub. Any OS thread may have a reference to it, for calls marked "any thread". A
 * reference does not keep the hub open. */
typedef struct green_hub green_hub;

/* Zero in any field means its default. */
typedef struct green_hub_options {
    /* "uring" or "epoll". NULL: the value of GREEN_ENGINE. If that is not set: "uring",
     * or "epoll" if the system refuses io_uring. */
    const char *GREEN_NULLABLE engine;
    /* Entries of the submission queue, a power of two up to 32768. Default 256. The
     * completion queue has eight times as many. */
    unsigned entries;
    /* Bytes of memory for receive buffers, which all idle sockets of the hub share. Pages
     * are used only as traffic arrives. Default 4 MiB, minimum 64 KiB. */
    size_t receive_memory;
    /* Bytes of address space for the stack of a green thread, unless the spawn gives a
     * size. Default 1 MiB, minimum 16 KiB, maximum half of the address space. Only
     * touched pages use memory. */
    size_t stack_size;
    /* The number of free stacks that keep their memory for the next spawn. The memory of
     * further ones is returned to the system when the hub is idle. Default 1024. */
    size_t warm_stacks;
    /* Shown in dumps and reports. It is copied, and cut to 31 bytes. Default: "". */
    const char *GREEN_NULLABLE name;
    /* For tests: sleeps, timeouts and deadlines elapse at once when no thread is ready. See
     * testing.h. The hubs of a pool ignore it. */
    bool virtual_clock;
} green_hub_options;

/* Makes the hub of the calling OS thread with the given options. NULL: the defaults.
 *
 * Returns 0, or:
 *   -EALREADY  this OS thread has a hub
 *   -EINVAL    an option is out of range, or there is no engine of that name
 *   -EMFILE    no descriptor is left
 *   -EPERM, -ENOSYS, -ENOMEM and others
 *              the system refused the engine that was selected by name;
 *              green_explain() gives the likely cause (seccomp, a sysctl, the
 *              memlock limit) */
GREEN_API GREEN_CHECK int green_hub_open(const green_hub_options *GREEN_NULLABLE options);

/* Ends the hub of the calling OS thread and frees its memory. Call it from the context of
 * the OS thread (main, or the function given to pthread_create), after every green thread
 * has finished and all handles (threads, sockets, files, processes) were released. Waits
 * for operations of interrupted calls that the kernel has begun, for example on a disk.
 *
 * Returns 0, or:
 *   -EBUSY   green threads, handles, sockets, files or processes are left;
 *            green_explain() counts them
 *   -ENOENT  this OS thread has no hub
 *   -EWOULDBLOCK  called by a report handler or a cancellation handler of a Task, which must not
 *                 block */
GREEN_API int green_hub_close(void);

/* Returns the hub of this OS thread, and makes it if there is none. The caller does not own
 * it: retain it to keep it. NULL if that fails. */
GREEN_API green_hub *GREEN_NULLABLE green_hub_current(void);

/* Adds an owner, and returns the hub. Any thread. */
GREEN_API green_hub *green_hub_retain(green_hub *hub);

/* Releases a reference. NULL does nothing. Any thread. */
GREEN_API void green_hub_release(green_hub *GREEN_NULLABLE hub);

/* A function call for another hub, part of an object of the program:
 *
 *     struct job {
 *         green_post post;
 *         int input;
 *     };
 *
 *     static void run(green_post *post, int error) {
 *         struct job *job = (struct job *)post;
 *         ...
 *         free(job);
 *     }
 *
 *     job->post.run = run;
 *     int error = green_hub_post(hub, &job->post);
 */
typedef struct green_post green_post;
struct green_post {
    /* Called once on the hub, in a green thread of Green's own, which must not block: a
     * blocking call fails with -EWOULDBLOCK. To block, spawn a green thread. error is 0, or
     * -ESRCH if the hub's OS thread ended before the post could run; then the call comes
     * from the end of that OS thread, outside green threads. May free the post. */
    void (*run)(green_post *post, int error);
    /* Green's. */
    green_post *GREEN_NULLABLE next;
    void (*GREEN_NULLABLE deliver)(green_post *post, int error);
};

/* Posts a call to a hub. Posts of one sender run in the order of the calls. The post belongs
 * to Green until its function is called. Does not allocate, takes no lock and does not
 * block. Wakes the hub if it waits in the kernel, and makes no system call if it runs. Any
 * thread, except in a signal handler.
 *
 * Returns 0, or the function is not called:
 *   -ESRCH  the hub has ended
 *   -EXDEV  the hub belongs to the process before a fork */
GREEN_API GREEN_CHECK int green_hub_post(green_hub *hub, green_post *post);

/* Returns the name of a hub, or "". Valid as long as the caller's reference. Any thread. */
GREEN_API const char *green_hub_name(const green_hub *hub);

/* Returns the engine of this OS thread's hub: "uring" or "epoll". Makes the hub if there is
 * none. NULL if that fails. */
GREEN_API const char *GREEN_NULLABLE green_hub_engine(void);

/* Returns why this hub uses epoll although no engine was selected by name: how the system
 * refused io_uring, and the likely cause. NULL if the hub uses its first choice, or if
 * there is no hub. The text is valid as long as the hub. With GREEN_LOG=debug, Green also
 * writes it to standard error, once in a process. */
GREEN_API const char *GREEN_NULLABLE green_hub_fallback(void);

/* Returns how this hub guards new stacks against overflow: the first kind of these that the
 * system supports. Makes the hub and its first stack if there is none. NULL if that fails.
 *
 * "guard_install" (Linux 6.13): a guard below each stack.
 * "userfaultfd" (Linux 5.11; on aarch64 6.10): a guard below each stack that catches
 *   writes only. Every overflow begins with a write. A forked child has only the guard of the
 *   stack on which it continues. Uses a descriptor for each hub. Containers often forbid
 *   it.
 * "mprotect": a guard below each stack, as long as the guards of the process use at most
 *   three eighths of vm.max_map_count: for 24 573 stacks by default.
 * "shared": beyond that limit, one guard below up to 256 stacks. A thread that overflows
 *   is reported when it waits or yields beyond its stack, or when it reaches the guard.
 *   An overflow of more than 256 KiB may damage other stacks before that. */
GREEN_API const char *GREEN_NULLABLE green_hub_guard(void);

/* Counts of a hub. A count that only grows indicates a leak. */
typedef struct green_statistics {
    uint64_t threads;         /* green threads that have not finished, including main */
    uint64_t ready;           /* of these: runnable now */
    uint64_t parked;          /* of these: waiting */
    uint64_t delayed;         /* of these: not started before a delay has passed */
    uint64_t handles;         /* finished threads with a handle that was not released */
    uint64_t stacks;          /* stacks allocated since the hub was made */
    uint64_t free_stacks;     /* of these: free for the next spawn */
    uint64_t timers;          /* pending deadlines and sleeps */
    uint64_t sockets;         /* open sockets, listeners, files and processes */
    uint64_t operations;      /* operations that the engine has not completed */
    uint64_t buffers;         /* receive buffers that sockets hold */
    uint64_t switches;        /* since the hub was made: switches from one green thread to another */
    uint64_t loop_iterations; /* since the hub was made: iterations of the event loop */
    uint64_t system_calls;    /* since the hub was made: system calls of the engine */
    uint64_t submitted;       /* since the hub was made: operations submitted to the engine */
    uint64_t completions;     /* since the hub was made: completions of operations */
    uint64_t posts;           /* since the hub was made: posts that were run, of the program and of Green */
    uint64_t wakes;           /* since the hub was made: waits in the kernel that a post has ended */
    uint64_t fallbacks;    /* since the hub was made: receives that used memory of their own, as no buffer was free */
    uint64_t spawned;      /* since the hub was made: green threads, including main */
    uint64_t most_threads; /* since the hub was made: the most that existed at the same time, including main */
    /* Nanoseconds: the longest loop iteration, without waits in the kernel. All ready
     * threads run once in an iteration. Measured while the monitor is on: see monitor.h. */
    int64_t longest_iteration;
} green_statistics;

/* Fills in the counts of this OS thread's hub. -ENOENT: this OS thread has no hub. */
GREEN_API int green_hub_statistics(green_statistics *statistics);

/* Returns the bytes that the deepest stack of this OS thread's green threads has used.
 * Includes finished threads whose stack keeps its memory. 0 without a hub. Makes a system
 * call for each stack. */
GREEN_API size_t green_hub_deepest_stack(void);

/* Writes one line for each green thread of this OS thread to fd: id, name, state, what it
 * waits for and how long it has waited, and how much stack it has used. Blocks the OS
 * thread while fd blocks. Returns 0. -ENOENT: this OS thread has no hub. */
GREEN_API int green_dump(int fd);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
