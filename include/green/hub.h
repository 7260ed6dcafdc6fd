/* The hub: one OS thread's scheduler, its timers and its I/O engine.
 *
 * Nobody has to make one. The first blocking call, spawn or socket of an OS
 * thread does, with the defaults; green_hub_open() is for choosing something
 * else before that. The hub ends with its OS thread, or by green_hub_close().
 *
 * These environment variables have an effect:
 *
 *   GREEN_ENGINE=uring|epoll  the engine, where green_hub_options names none
 *   GREEN_MONITOR=100         the monitor is on, with a limit of that many
 *                             milliseconds: see monitor.h
 *   GREEN_DISABLE=a,b         Green does not use these features of the kernel: all,
 *                             coop_taskrun, defer_taskrun, epoll_pwait2, ftruncate,
 *                             guard_install, iowq_max_workers, mprotect_guard,
 *                             no_iowait, poll_first, registered_ring, single_issuer,
 *                             sock_nonempty, submit_all, taskrun_flag, userfaultfd,
 *                             wp_unpopulated. GREEN_ENGINE=epoll switches
 *                             io_uring off as a whole.
 *   GREEN_LOG=debug           more is written to standard error, such as why the
 *                             engine or the guard of stacks is not the first
 *                             choice
 *
 * fork(2) gives the child no hub: the ring or epoll of each is the parent's
 * alone. The child's only OS thread goes on with what it was doing, and its next
 * blocking call makes a hub, of which it is the root. That is so in a green
 * thread as well: of all the green threads the child has that one, as its OS
 * thread's own context, without its name, its locals and its links; when its
 * function returns, the child ends as by exit(3), with EXIT_FAILURE if the
 * result is an error. In a link or a destructor, fork only to exec or _exit.
 * The threads, sockets and other handles of the parent's hubs are -EXDEV in the
 * child. To release one there frees the child's copy and closes its descriptor,
 * and leaves the parent's alone; until all copies of a connection are closed, the
 * peer sees no end of it. Bytes that green_receive() has lent are not in the
 * child. Locals' keys, TLS contexts and what has never been used on a hub keep
 * working. Every descriptor of Green's is closed by exec(3). What another OS
 * thread was inside of at the fork, OpenSSL or the C library's resolver, may stay
 * locked in the child, which then had better exec. */
#ifndef GREEN_HUB_H
#define GREEN_HUB_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* Zero in any field means its default. */
typedef struct green_hub_options {
    /* "uring" or "epoll". NULL takes the environment's GREEN_ENGINE; where that
     * is not set, "uring", or "epoll" where the system refuses it. */
    const char *GREEN_NULLABLE engine;
    /* Submission queue entries, a power of two up to 32768. Default 256. The
     * completion queue has eight times as many. */
    unsigned entries;
    /* Bytes of receive memory that all idle sockets of the hub share. It is
     * touched only as traffic comes. Default 4 MiB, least 64 KiB. */
    size_t receive_memory;
    /* Bytes of address space for a green thread's stack if the spawn does not give
     * a size. Default 1 MiB, minimum 16 KiB, maximum half of the address space.
     * Only touched pages use memory. */
    size_t stack_size;
    /* How many free stacks keep their memory for the next spawn. The memory of
     * those above it is given back when the hub is idle. Default 1024. */
    size_t warm_stacks;
} green_hub_options;

/* Makes this OS thread's hub with the given options.
 * -EALREADY: it has one. -EINVAL: an option is out of range, or an engine by
 * that name does not exist. -EPERM, -ENOSYS, -ENOMEM and others: the engine that
 * was selected by name was refused, and green_explain() gives the likely cause
 * (seccomp, a sysctl, the memlock limit). -EMFILE: no descriptor is left. */
GREEN_API GREEN_CHECK int green_hub_open(const green_hub_options *GREEN_NULLABLE options);

/* Ends this OS thread's hub and gives all its memory back. Called from the OS
 * thread's own context (main, or the function given to pthread_create), when
 * every green thread has finished. Handles still held (threads, sockets, files,
 * processes) must be released first. Waits for what the kernel has begun for
 * calls that were interrupted, which may be a disk.
 * -EBUSY: green threads, sockets, files or processes are left; green_explain() counts them.
 * -ENOENT: this OS thread has no hub. */
GREEN_API int green_hub_close(void);

/* The engine that moves this hub's bytes: "uring" or "epoll". Makes the hub if
 * need be; NULL when that fails. */
GREEN_API const char *GREEN_NULLABLE green_hub_engine(void);

/* Why this hub runs on epoll although no engine was selected by name: how the system
 * refused io_uring, and the likely cause. NULL when it has its first choice, or when
 * there is no hub. Valid as long as the hub. With GREEN_LOG=debug in the environment,
 * Green writes it to standard error, once in a process. */
GREEN_API const char *GREEN_NULLABLE green_hub_fallback(void);

/* How this hub guards new stacks against overflow: the first of these kinds that the
 * system offers. Makes the hub and its first stack if need be; NULL when that fails.
 *
 * "guard_install" (Linux 6.13): a guard below each stack.
 * "userfaultfd" (Linux 5.11; on aarch64 6.10): a guard below each stack that catches
 *   writes. An overflow begins with one. A forked child has only the guard of the stack
 *   on which it goes on. Each hub has a descriptor for it. Containers often forbid it.
 * "mprotect": a guard below each stack, as far as three eighths of vm.max_map_count
 *   allow: for 24 573 stacks in a process by default.
 * "shared": after mprotect, a guard below up to 256 stacks. A thread that overflows is
 *   reported when it waits or yields beyond its stack, or when it reaches the guard. An
 *   overflow of more than 256 KiB may damage other stacks before that. */
GREEN_API const char *GREEN_NULLABLE green_hub_guard(void);

/* Counts of one hub at one moment. A leak shows here first. */
typedef struct green_statistics {
    uint64_t threads;         /* green threads that have not finished, main included */
    uint64_t ready;           /* of these: runnable now */
    uint64_t parked;          /* of these: waiting */
    uint64_t delayed;         /* of these: yet to begin, after a delay */
    uint64_t handles;         /* finished threads whose handle is still held */
    uint64_t stacks;          /* stacks ever carved out of an arena */
    uint64_t free_stacks;     /* of these: waiting for the next spawn */
    uint64_t timers;          /* pending deadlines and sleeps */
    uint64_t sockets;         /* open sockets, listeners, files and processes */
    uint64_t operations;      /* operations the engine has not completed */
    uint64_t buffers;         /* receive buffers a socket holds */
    uint64_t switches;        /* since the hub was made: from one green thread to another */
    uint64_t loop_iterations; /* since the hub was made: iterations of the event loop */
    uint64_t system_calls;    /* since the hub was made: calls of the engine into the kernel */
    uint64_t submitted;       /* since the hub was made: operations given to the engine */
    uint64_t completions;     /* since the hub was made: results of operations */
    uint64_t fallbacks; /* since the hub was made: receives that found the receive memory empty, and used their own */
    /* Nanoseconds: the most from one turn to the next, waits in the kernel left
     * out, which is how long ready threads have kept the hub in one round.
     * Measured while the monitor is on: see monitor.h. */
    int64_t longest_iteration;
} green_statistics;

/* Fills in the counts of this OS thread's hub. -ENOENT: it has none. */
GREEN_API int green_hub_statistics(green_statistics *statistics);

/* Bytes of the deepest stack of this OS thread's green threads, those that have
 * finished included while their stack keeps its memory. 0 without a hub. A
 * system call for each stack there is. */
GREEN_API size_t green_hub_deepest_stack(void);

/* Writes one line for each green thread of this OS thread to fd: id, name,
 * state, what it waits for, for how long, and how much stack it has used.
 * Blocks the OS thread, not the green one. -ENOENT: there is no hub. */
GREEN_API int green_dump(int fd);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
