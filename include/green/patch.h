/* Patching: unmodified C libraries become green.
 *
 *     green_patch *patch;
 *     int error = green_import_patched(&patch, "libpq.so.5", NULL);
 *
 * From here on libpq's own poll(), recv(), connect() and the like park the green
 * thread that calls them, and its OS thread runs others meanwhile. From
 * Eventlet's import_patched() and monkey_patch().
 *
 * Where the dynamic linker has written the addresses of the C library's calls
 * into an object, those of green versions are put. These do what the calls are
 * specified to do, errno included. Outside a green thread, on an OS thread
 * without a hub, in a link or a destructor, they go straight to the C library; so
 * does whatever would not have waited: non-blocking descriptors, MSG_DONTWAIT,
 * and regular files, unless GREEN_PATCH_FILE is asked for. An OS thread's own
 * context counts as a green thread as soon as it has a hub.
 *
 *   O_NONBLOCK, FIONBIO, SO_RCVTIMEO, SO_SNDTIMEO   are the descriptor's as ever,
 *               and are heeded: Green sets none of them behind a library's back,
 *               but for the moment of a connect() or an accept()
 *   Interrupts  a kill makes the call fail with ECANCELED, a green_timeout with
 *               ETIMEDOUT, and is delivered by that. Libraries pass these on as
 *               they do any error; EINTR would have them try again. Of
 *               getaddrinfo() it is EAI_SYSTEM, with that in errno. A call that
 *               has moved bytes reports these, and the next one fails.
 *   close()     ends the calls of the same OS thread's green threads that wait for
 *               the descriptor, with EBADF, as dup2() on it does. For those at a
 *               file it waits.
 *   Signals     a handler runs, and the call goes on as with SA_RESTART. The mask
 *               of ppoll(), pselect() and epoll_pwait() holds while they look,
 *               every 10 ms.
 *   wait()      one child is waited for by a descriptor; any of several, or one
 *               that stops, by looking every 1 to 50 ms
 *   system()    waits on one of 16 native threads that are only for that, for as
 *               long as the command runs, which an interrupt leaves running
 *   Names       are looked up on native threads, by the C library
 *   Files       are read and written at once as far as they are in memory. For the
 *               rest the thread waits, for io_uring or a native thread, until all of
 *               it is done; an interrupt is left for the next call, except that the
 *               open() of a FIFO can be interrupted. open() is made by a native
 *               thread, by the credentials that the process has, not this OS thread
 *               alone, and the umask of that moment.
 *
 * Locks are made green where GREEN_PATCH_LOCK is asked for: whoever has to wait
 * for one parks, so that a library may hold its lock while it waits, and be called
 * by a second green thread meanwhile; so may a library wait for native threads of
 * its own. They are the C library's locks still, which native threads, libraries
 * that are not patched and other processes go on sharing.
 *
 *   Owners      a recursive mutex, or one that checks for errors, belongs to a
 *               green thread, from when the OS thread has a hub
 *   Interrupts  stay posted, since nobody expects a lock to fail, until a call
 *               that has a time: it ends as if that were over, with ETIMEDOUT
 *   Unlocking   by an object that is not patched, or by another process, is
 *               noticed within 50 ms, and a signal to a condition variable by
 *               such an object not at all: patch all that share one
 *   Conditions  that other processes share are the C library's, and a wait for one
 *               may end without a signal, as is specified
 *   pthread_join()   asks for the end of a native thread every 0.1 to 10 ms
 *   Left alone  are the locks of OpenSSL, of Swift's runtime and of allocators,
 *               which are held for a moment only
 *
 * OpenSSL 3 keeps an error queue for each OS thread. Once an object that uses libcrypto
 * is patched, each green thread has its own queue, and each switch costs a call of
 * ERR_peek_error(). Marks set by ERR_set_mark() are lost when a thread waits with errors
 * in its queue. If a library contains OpenSSL or uses OpenSSL 1.1, all its green threads
 * share one queue.
 *
 * Threads are made green where GREEN_PATCH_THREAD is asked for: pthread_create()
 * starts a green thread on the hub of its caller, and an OS thread only where that
 * cannot park. It is for libraries that have threads in order to wait, not in
 * order to compute.
 *
 *   Turns       each runs until it waits. One that computes holds up the others of
 *               its OS thread, and one that spins has to call sched_yield().
 *   Variables   of the kinds __thread and thread_local are the OS thread's, so that
 *               all its green threads share them. Values of pthread keys are each
 *               one's own; those of a key that was made before the patch are not
 *               destroyed.
 *   Ids         are each green thread's own, and mean nothing to objects that are
 *               not patched. Any OS thread may join, detach and signal one.
 *   Attributes  are a stack size and whether it is detached; others are ignored.
 *               Signals, their mask, processors and priorities are the OS thread's.
 *   pthread_exit()   calls the destructors of keys, but unwinds nothing: clean-up
 *               handlers and the destructors of C++ are not run. An OS thread's own
 *               context ends with its OS thread, whose green threads never go on.
 *   pthread_cancel()   is a kill: the call that it waits in, or its next one, fails
 *               with ECANCELED. From another OS thread that is ENOTSUP, as are names
 *               and pthread_getattr_np().
 *   Detached    ones that never end keep green_hub_close() from doing its work
 *   Clean-up    handlers of pthread_cleanup_push() belong to the OS thread. An OS
 *               thread whose green threads use them must not end by pthread_exit() or
 *               pthread_cancel().
 *   Forks       A handler of a fork makes native threads, and joins no green ones:
 *               EDEADLK. In the child there are none; the one that forked is the OS
 *               thread's own context there.
 *   Mutexes     A robust mutex of a thread that has ended stays locked
 *   Left alone  are the threads of who keeps his own locks, and of Swift's libraries
 *
 * Not reached: statically linked programs, calls inside the C library (stdio for
 * one, and its mtx_lock() and thrd_create()), system calls without it, recvmmsg(),
 * sendmmsg(), sendfile(), splice(), waitid(), stat(), rename(), ftruncate() and other
 * calls on files, sigwait() and its like, pause(), barriers, spin locks,
 * pthread_once(), libraries loaded by dlmopen().
 * A library that holds a lock while it waits, and is called by two green threads
 * of one OS thread, deadlocks without GREEN_PATCH_LOCK. A routine of
 * pthread_once() that waits may do so in any case, and so may std::future and
 * std::atomic of libstdc++, which wait by system calls of their own.
 * A signal handler must not make a call that would have to wait, which with
 * GREEN_PATCH_FILE a write() to a file is; on the OS thread's signal stack
 * (SA_ONSTACK) its calls go straight through. */
#ifndef GREEN_PATCH_H
#define GREEN_PATCH_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* What was patched by one call, until green_unpatch(). Any OS thread may use it. */
typedef struct green_patch green_patch;

/* Families of calls; 0 where they are asked for means GREEN_PATCH_ALL. */
enum {
    GREEN_PATCH_SOCKET = 1, /* connect accept accept4 read readv recv recvfrom recvmsg write writev send sendto
                               sendmsg, and close dup2 dup3, which end waits */
    GREEN_PATCH_SELECT = 2, /* poll ppoll select pselect epoll_wait epoll_pwait */
    GREEN_PATCH_TIME = 4,   /* sleep usleep nanosleep clock_nanosleep */
    GREEN_PATCH_OS = 8,     /* wait waitpid wait4 system */
    GREEN_PATCH_DNS = 16,   /* getaddrinfo getnameinfo gethostbyname gethostbyname2 gethostbyaddr, and their _r */

    /* All of these. Not in it are the families below, which are only for those who ask
     * for them by name, as Eventlet's monkey_patch() leaves `builtins` out. */
    GREEN_PATCH_ALL = 31,

    /* Regular files and disks: pread preadv preadv2 pwrite pwritev pwritev2 fsync
     * fdatasync open openat creat, and close dup2 dup3, which wait for them. While any
     * patch has this family, read readv write writev of SOCKET wait green for files,
     * too, whoever calls them. Libraries often hold a lock of their own while they use
     * a file, as SQLite does around its open: a second green thread of that OS thread
     * that wants the lock meanwhile is a deadlock, without GREEN_PATCH_LOCK. */
    GREEN_PATCH_FILE = 32,

    /* pthread_mutex_lock pthread_cond_wait pthread_rwlock_rdlock pthread_rwlock_wrlock
     * sem_wait pthread_join, their timed forms, and what ends such waits */
    GREEN_PATCH_LOCK = 64,

    /* pthread_create, which starts green threads then, pthread_exit, pthread_self,
     * pthread_detach, pthread_key_create and the values of keys, and whatever else has a
     * thread's id; sched_yield. With it comes GREEN_PATCH_LOCK. */
    GREEN_PATCH_THREAD = 128,
};

/* Zero in any field means its default. */
typedef struct green_import_options {
    unsigned families;
    /* Further objects to patch, loaded by then, named like the library. */
    const char *GREEN_NULLABLE const *GREEN_NULLABLE also;
    size_t also_count;
} green_import_options;

/* Loads a shared library, unless it is loaded, and patches it and what it alone
 * depends on: those of the libraries that it needs, directly or not, that no
 * loaded object outside this circle needs. (For libpq that is libssl and
 * libcrypto, if nobody else is linked to them; that Green itself is does not
 * count, since it does no I/O by them.) Never the C library and its parts, the
 * dynamic linker, a sanitizer or Green. What it loads itself with dlopen() later
 * is not patched. The library is never unloaded.
 *
 * With GREEN_PATCH_LOCK the locks in libstdc++ or libc++ are patched too where one
 * of these needs it, since a library in C++ waits in there for half of its own. Its
 * threads are not: a std::thread is made in there for everybody, the program too. To
 * have these green, name it in `also`.
 *
 * *patch is the caller's, for green_unpatch(). Patching what is patched adds an
 * owner: it stays so until the last patch of it is undone. Two things can be
 * lost where other OS threads are at work: a slot that the dynamic linker resolves
 * at that moment stays as it is, and a constructor that makes the process's first
 * patch while another OS thread loads a library may deadlock with it. Patch
 * before the other OS threads begin.
 *
 * -ENOENT: there is no such library, and green_explain() has the dynamic linker's
 * words; or an object of `also` is not loaded. -ENODATA: it makes none of these
 * calls, so there is no slot to patch. -ENOEXEC: a table of an object is damaged;
 * green_explain() names it, and nothing is patched. -EINVAL: a family does not exist, or
 * an object must not be patched. -EACCES, -EPERM and others: the system does not let a
 * page be written; nothing is patched then. -ENOSYS: the process is linked
 * statically. -ENOMEM. */
GREEN_API GREEN_CHECK int green_import_patched(green_patch **patch, const char *library,
                                               const green_import_options *GREEN_NULLABLE options);

/* Patches every loaded object, the program too, and those that are loaded later
 * by dlopen(); with the same exceptions. Errors are as above. No other OS thread
 * may be unloading a library meanwhile. */
GREEN_API GREEN_CHECK int green_monkey_patch(green_patch **patch, unsigned families);

/* Takes a patch back and frees it. What no other patch owns is as it was; calls
 * that are under way end as green ones. With GREEN_PATCH_FILE it waits until there
 * is none at a file. NULL does nothing.
 *
 * -EBUSY: there are green threads of pthread_create()'s that have not ended, or are
 * neither joined nor detached, and their ids would come to the C library's calls;
 * nothing is undone. -EACCES
 * and others of the system, which does not let a page be written: some of it is
 * still patched, and the patch still the caller's, who may try again. */
GREEN_API int green_unpatch(green_patch *GREEN_NULLABLE patch);

/* Whether calls of a loaded object are patched, by its file name, path or soname;
 * NULL: whether everything is, by green_monkey_patch(). */
GREEN_API bool green_is_patched(const char *GREEN_NULLABLE object);

/* One line of a report: in this object, this call is patched at so many places.
 * The texts live as long as the patch. */
typedef struct green_patch_line {
    const char *object; /* its path */
    const char *symbol;
    size_t count;
} green_patch_line;

/* The lines of a report, of which there may be more after a dlopen(): false
 * when there is none of that index. */
GREEN_API bool green_patch_report(green_patch *patch, size_t index, green_patch_line *line);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
