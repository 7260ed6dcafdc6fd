/* Patching: makes the blocking calls of unmodified C libraries green.
 *
 *     green_patch *patch;
 *     int error = green_import_patched(&patch, "libpq.so.5", NULL);
 *
 * From now on poll(), recv(), connect() and the other blocking calls of libpq park the
 * green thread that makes them, and its OS thread runs other green threads meanwhile.
 * Corresponds to import_patched() and monkey_patch() of Eventlet.
 *
 * The dynamic linker stores the address of each C library function that an object calls
 * in a slot of the object (a GOT slot). Patching replaces these addresses by those of
 * green versions, which behave as the calls are specified to behave, including errno.
 * A green version calls the C library directly:
 *
 *   - outside a green thread: on an OS thread without a hub, in a link, in a destructor
 *   - if the call would not block: for non-blocking descriptors, with MSG_DONTWAIT, and
 *     for regular files unless GREEN_PATCH_FILE is patched
 *
 * The OS thread's own context counts as a green thread once the OS thread has a hub.
 *
 *   Descriptor flags and socket timeouts   O_NONBLOCK, FIONBIO, SO_RCVTIMEO and
 *               SO_SNDTIMEO keep their meaning. Green changes none of them, except
 *               O_NONBLOCK for the duration of a connect(), accept() or sendfile() system
 *               call.
 *   Interrupts  A kill makes the call fail with ECANCELED, a green_timeout with
 *               ETIMEDOUT. This delivers the interrupt. Most libraries report both like
 *               any other error, whereas EINTR would make them retry. For those that do
 *               not, green_patch_set_interrupt_errno() chooses the errno. Libraries that
 *               wait again when they clean up, as libssh2 does for seconds, are left by
 *               green_thread_kill_for_good(). getaddrinfo() returns
 *               EAI_SYSTEM with the error in errno. A call that has transferred bytes
 *               returns their number, and the next call fails.
 *   close()     and dup2() onto a descriptor make the calls of the same OS thread's green
 *               threads that wait for it fail with EBADF. They wait for calls that read
 *               or write a file. The descriptors of hubs are not open for them: EBADF.
 *   Signals     A handler runs, and the call continues as with SA_RESTART, unless
 *               GREEN_PATCH_SIGNAL is patched, too. The signal
 *               mask of ppoll(), pselect() and epoll_pwait() applies while they check
 *               their descriptors, every 10 ms.
 *   wait()      waits for a single child by a descriptor. It polls for any of several
 *               children, or for a child that stops, every 1 to 50 ms.
 *   system()    and pclose() run on one of 16 OS threads that only do this, for as long as
 *               the command runs. An interrupt leaves the command running.
 *   File locks  and the queues and semaphores of System V are tried every 1 to 50 ms, as
 *               aio_suspend() and tcdrain() are. The kernel does not see the waits: fcntl()
 *               with F_SETLKW does not fail with EDEADLK, and waiters get a lock in any
 *               order. An array of semop() in which only some operations have IPC_NOWAIT
 *               blocks the OS thread.
 *   DNS         look-ups run on OS threads, by the C library.
 *   Files       Data in the page cache is transferred at once. For the rest the green
 *               thread waits, for io_uring or an OS thread, until the whole transfer is
 *               complete. An interrupt is left for the next call, except that it ends an
 *               open() of a FIFO. open() runs on an OS thread, with the credentials of
 *               the process, not those of the calling OS thread alone, and with the
 *               umask at that moment.
 *
 * GREEN_PATCH_LOCK makes locks green: a green thread that has to wait for a lock parks.
 * A library may hold a lock while it waits and be called by a second green thread
 * meanwhile, and a library may wait for OS threads of its own. The locks remain those of
 * the C library, so OS threads, libraries that are not patched and other processes can
 * share them.
 *
 *   Owners      The owner of a recursive or error-checking mutex is a green thread, from
 *               the time when the OS thread has a hub.
 *   Interrupts  do not end a wait without a time limit, because callers do not expect a
 *               lock to fail. They stay pending until a call with a time limit, which
 *               ends with ETIMEDOUT as if its time had expired.
 *   Unlocking   by an object that is not patched, or by another process, is noticed
 *               within 50 ms. A condition variable signalled by an object that is not
 *               patched wakes no green thread: patch all objects that share one.
 *   Condition variables   shared with other processes are waited for by the C library,
 *               which blocks the hub. A wait for any other one may end without a signal,
 *               as POSIX allows.
 *   Barriers    may be shared with other processes and with objects that are not patched.
 *               The end of a round by one of these is noticed within 50 ms.
 *   pthread_join()   polls for the end of an OS thread every 0.1 to 10 ms.
 *   Exceptions  The locks of OpenSSL, of the Swift runtime and of allocators are not
 *               patched. They are held only briefly.
 *
 * OpenSSL 3 keeps an error queue for each OS thread. Once an object that uses libcrypto
 * is patched, each green thread has its own queue, and each switch costs a call of
 * ERR_peek_error(). Marks set by ERR_set_mark() are lost when a thread waits with errors
 * in its queue. If a library contains OpenSSL or uses OpenSSL 1.1, all its green threads
 * share one queue.
 *
 * GREEN_PATCH_THREAD makes threads green: pthread_create() starts a green thread on the
 * hub of its caller, or an OS thread if the caller cannot park. Use it for libraries that
 * create threads to wait, not to compute.
 *
 *   Scheduling  Each green thread runs until it waits. One that computes blocks the
 *               others of its OS thread, and one that spins has to call sched_yield().
 *               With GREEN_PATCH_SIGNAL, each poll() and similar call lets threads that are
 *               ready run first, and so do every 64th call on a socket or pipe and every
 *               64th sem_trywait().
 *   Thread-local variables   (__thread, thread_local) belong to the OS thread, so all its
 *               green threads share them. Each green thread has its own values of pthread
 *               keys. Values of keys created before the patch are not destroyed.
 *   gettid()    returns a number for each green thread that the kernel does not know. The
 *               OS thread's own context has that of the OS thread.
 *   Thread ids  differ for each green thread and are invalid for objects that are not
 *               patched. Any OS thread may join, detach and signal a green thread.
 *   Attributes  The stack size and the detach state are used, the others are ignored.
 *               CPU affinity and priority are those of the OS thread, and without
 *               GREEN_PATCH_SIGNAL signals and the signal mask, too.
 *   Names       A thread without a name of its own has that of the OS thread.
 *   pthread_exit()   unwinds the stack: it runs clean-up handlers, C++ destructors and the
 *               destructors of keys. In the OS thread's own context, as in main(), it
 *               first waits for the ends of the OS thread's green threads.
 *   pthread_cancel()   does the same at the next cancellation point: a patched call that may
 *               block, except close(), those of GREEN_PATCH_FILE and those that wait for
 *               locks, or pthread_testcancel(). PTHREAD_CANCEL_ASYNCHRONOUS has an effect
 *               only if the thread cancels itself or changes its state or type. From
 *               another OS thread it fails with ENOTSUP, as thread names and
 *               pthread_getattr_np() do.
 *   Spawned threads   Green threads that the program has spawned by green_spawn() are killed
 *               by pthread_cancel(), and end by pthread_exit() without unwinding.
 *   Detached threads   that never end keep green_hub_close() from closing the hub.
 *   fork()      Fork handlers create OS threads, and cannot join green threads: EDEADLK.
 *               The child has no green threads but the one that forked, which is the OS
 *               thread's own context there.
 *   Robust mutexes   of a green thread that has ended stay locked.
 *   Exceptions  The threads of libraries whose locks are not patched, and those of Swift's
 *               libraries, remain OS threads.
 *
 * GREEN_PATCH_SIGNAL makes signal handlers end patched calls with EINTR, as they end the
 * calls of the kernel, which signal(7) lists.
 *
 *   Handlers    are those that patched objects set by sigaction() or signal() while the
 *               patch exists. The kernel gets a handler of Green's, which calls them.
 *   Receiver    A handler ends the call of the OS thread's own context, as the kernel
 *               prefers the main OS thread, or the call of the green thread that
 *               pthread_kill() names. It runs on the stack of the thread that runs at that
 *               moment, and must not leave by siglongjmp().
 *   Waiting     sigwait(), sigwaitinfo(), sigtimedwait(), pause() and sigsuspend() park.
 *               The mask of sigsuspend() applies for a moment every 10 ms.
 *   Masks       Each green thread has a signal mask, which it inherits at pthread_create().
 *               The mask of the OS thread blocks what all its green threads block.
 *   Not reached  siginterrupt(), sigset() and handlers set by unpatched objects, after
 *               which calls continue.
 *
 * Patching does not reach:
 *
 *   - statically linked programs, and libraries loaded by dlmopen()
 *   - calls by an address that dlsym() has returned
 *   - system calls made without the C library, and by syscall(), except futex(2)
 *   - calls within the C library: stdio with its locks, getservbyname(), getpwnam() and
 *     other databases, res_query() and other calls of the resolver, rcmd(), syslog()
 *   - calls that wait for OS threads of the C library: lio_listio(), gai_suspend()
 *   - calls that start a process, which takes a moment: popen(), posix_spawn(), fork(),
 *     and wordexp(), which also waits for it
 *   - stat(), rename(), ftruncate() and other calls on files
 *   - ioctl(), and tcsetattr(), which may wait for output
 *   - sigpause() of BSD, which takes no set of signals
 *
 * A test compares this list with the symbols of the C library.
 *
 * Deadlocks: without GREEN_PATCH_LOCK, a library that holds a lock while it waits
 * deadlocks if two green threads of one OS thread call it.
 *
 * A signal handler must not make a call that would block. With GREEN_PATCH_FILE, write()
 * to a file is such a call. On the OS thread's signal stack (SA_ONSTACK) its calls go
 * directly to the C library. */
#ifndef GREEN_PATCH_H
#define GREEN_PATCH_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* A patch, from the call that makes it until green_unpatch(). Any OS thread may use it. */
typedef struct green_patch green_patch;

/* Families of calls. 0 means GREEN_PATCH_ALL. */
enum {
    /* connect accept accept4 read readv recv recvfrom recvmsg recvmmsg write writev send sendto
     * sendmsg sendmmsg sendfile splice tee vmsplice eventfd_read eventfd_write, and close
     * close_range closefrom dup2 dup3, which end waits */
    GREEN_PATCH_SOCKET = 1,
    /* poll ppoll select pselect epoll_wait epoll_pwait epoll_pwait2 */
    GREEN_PATCH_SELECT = 2,
    /* sleep usleep nanosleep clock_nanosleep thrd_sleep */
    GREEN_PATCH_TIME = 4,
    /* wait waitpid wait3 wait4 waitid system pclose; flock lockf, and fcntl with F_SETLKW or
     * F_OFD_SETLKW; mq_receive mq_timedreceive mq_send mq_timedsend; msgrcv msgsnd semop
     * semtimedop; aio_suspend tcdrain */
    GREEN_PATCH_OS = 8,
    /* getaddrinfo getnameinfo gethostbyname gethostbyname2 gethostbyaddr, and their _r */
    GREEN_PATCH_DNS = 16,

    /* All families above. */
    GREEN_PATCH_ALL = 31,

    /* Opt-in families, which have to be requested by name, as `builtins` has to be in
     * Eventlet's monkey_patch(): */

    /* Regular files and block devices: pread preadv preadv2 pwrite pwritev pwritev2 fsync
     * fdatasync sync syncfs sync_file_range msync copy_file_range open openat creat, and
     * close dup2 dup3, which wait for such calls. While a patch with this family exists, read
     * readv write writev of GREEN_PATCH_SOCKET wait green for files too, in all patched
     * objects. Libraries often hold a lock of their own while they use a file, as SQLite does
     * during open(): without GREEN_PATCH_LOCK, a second green thread of the OS thread that
     * needs the lock meanwhile deadlocks. */
    GREEN_PATCH_FILE = 32,

    /* pthread_mutex_lock pthread_cond_wait pthread_rwlock_rdlock pthread_rwlock_wrlock
     * sem_wait pthread_join, their variants with a time limit, and the calls that end
     * such waits. pthread_barrier_wait pthread_barrier_destroy pthread_once call_once
     * pthread_spin_lock, and mtx_lock cnd_wait thrd_join of C11. futex(2) by syscall(), which
     * std::future and std::atomic of libstdc++ use. */
    GREEN_PATCH_LOCK = 64,

    /* pthread_create, which starts green threads, pthread_exit, pthread_cancel,
     * pthread_setcancelstate, pthread_setcanceltype, pthread_testcancel, pthread_cleanup_push,
     * pthread_self, pthread_detach, pthread_key_create and the values of keys, all other calls
     * that take a thread id, prctl for the name of the thread, and sched_yield. thrd_create and
     * the others of C11. Includes GREEN_PATCH_LOCK. */
    GREEN_PATCH_THREAD = 128,

    /* sigaction signal, whose handlers end patched calls with EINTR; pthread_sigmask
     * sigprocmask; sigwait sigwaitinfo sigtimedwait pause sigsuspend raise, and sigpause of
     * System V. */
    GREEN_PATCH_SIGNAL = 256,
};

/* Zero in any field means its default. */
typedef struct green_import_options {
    unsigned families;
    /* Further loaded objects to patch, each by its file name, path or soname. */
    const char *GREEN_NULLABLE const *GREEN_NULLABLE also;
    size_t also_count;
} green_import_options;

/* Loads a shared library, unless it is loaded already, and patches it together with its
 * private dependencies: the libraries that it needs, directly or not, and that no object
 * outside this set needs. For libpq these are libssl and libcrypto, unless another object
 * is linked to them. Green itself does not count as such an object, because it does no
 * I/O through them. The C library and its parts, the dynamic linker, sanitizers and Green
 * are never patched, nor are libraries that the library loads later by dlopen(). The
 * library is never unloaded.
 *
 * With GREEN_PATCH_LOCK, the locks in libstdc++ or libc++ are patched too if one of the
 * patched objects needs it, because a C++ library does half of its waiting there. Threads
 * are not: std::thread creates them there for the whole process. To make these green,
 * name the C++ library in `also`.
 *
 * The caller owns *patch and ends it by green_unpatch(). A call that is already patched
 * stays patched until its last patch is undone.
 *
 * Patch before other OS threads start: a slot that the dynamic linker resolves at the
 * same moment keeps its value, and a constructor that makes the first patch of the
 * process while another OS thread loads a library may deadlock with it.
 *
 * Returns 0, or one of these, explained by green_explain():
 *   -ENOENT   the dynamic linker cannot load the library (the explanation has its
 *             message), or an object of `also` is not loaded
 *   -ENODATA  the library makes none of these calls, so there is no slot to patch
 *   -ENOEXEC  a table of an object is damaged; the explanation names the object; nothing
 *             is patched
 *   -EINVAL   a family does not exist, or an object must not be patched
 *   -EACCES, -EPERM and others  the system refuses to make a page writable; nothing is
 *             patched
 *   -ENOSYS   the process is statically linked
 *   -ENOMEM   out of memory */
GREEN_API GREEN_CHECK int green_import_patched(green_patch **patch, const char *library,
                                               const green_import_options *GREEN_NULLABLE options);

/* Patches every loaded object including the program, and each object that dlopen() loads
 * later, with the same exceptions. No other OS thread may unload a library meanwhile.
 * Returns the same errors as green_import_patched(). */
GREEN_API GREEN_CHECK int green_monkey_patch(green_patch **patch, unsigned families);

/* Sets the errno with which a kill and a green_timeout end the calls that a patch reaches. 0, the
 * default, is ECANCELED for a kill and ETIMEDOUT for a timeout. Some libraries treat errors that
 * they do not know as bugs: libzmq aborts the process, and needs EINTR. With EINTR most libraries
 * call again, so kill the thread by green_thread_kill_for_good() if it has to leave the library.
 *
 * The calls of an object that several patches reach have the errno of the newest of these patches
 * that has chosen one. Calls of the object that contains Green, such as a program that Green is
 * linked into, have its errno unless they are made within a call of a patched library. Locks and
 * conditions are not affected. Returns 0, or -EINVAL if the errno is not from 0 to 4095. */
GREEN_API GREEN_CHECK int green_patch_set_interrupt_errno(green_patch *patch, int error);

/* Undoes a patch and frees it. Slots that no other patch owns get their former value.
 * Calls in progress end as green ones. With GREEN_PATCH_FILE, waits until no green thread
 * of this OS thread has a call on a file in progress, and up to a second for those of
 * other OS threads. Other OS threads may load and unload libraries meanwhile. Does nothing
 * for NULL.
 *
 * Returns 0, or:
 *   -EBUSY  green threads of pthread_create() have not ended, or are neither joined nor
 *           detached, and their ids would reach the C library; nothing is undone
 *   -EACCES and other errors of the system  a page cannot be made writable; a part is
 *           still patched, and the caller still owns the patch and may try again */
GREEN_API int green_unpatch(green_patch *GREEN_NULLABLE patch);

/* Whether calls of a loaded object are patched, given its file name, path or soname. For
 * NULL, whether a patch of green_monkey_patch() exists. */
GREEN_API bool green_is_patched(const char *GREEN_NULLABLE object);

/* One line of a report: how many slots of one call are patched in one object. The strings
 * live until green_unpatch(), or until the object is unloaded. */
typedef struct green_patch_line {
    const char *object; /* its path */
    const char *symbol;
    size_t count;
} green_patch_line;

/* Stores the line of a report at an index. Returns false if there is none. A dlopen() may
 * add lines. */
GREEN_API bool green_patch_report(green_patch *patch, size_t index, green_patch_line *line);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
