/* Further names of calls that have a green version. */
#ifndef GREEN_PATCH_LINK_ALIASES_H
#define GREEN_PATCH_LINK_ALIASES_H

/* X(family, alias, name). Aliases: names used by old binaries, and names for large file offsets, which all calls
 * have on 64-bit systems. */
#define GREEN_PATCH_ALIASES(X)                                                                                         \
    X(CLOSES, __close, close)                                                                                          \
    X(CLOSES, __dup2, dup2)                                                                                            \
    X(SOCKET, __connect, connect)                                                                                      \
    X(SOCKET, __read, read)                                                                                            \
    X(SOCKET, __send, send)                                                                                            \
    X(SOCKET, sendfile64, sendfile)                                                                                    \
    X(SOCKET, __write, write)                                                                                          \
    X(SOCKET, __recv, recv)                                                                                            \
    X(SOCKET, __sendmmsg, sendmmsg)                                                                                    \
    X(SELECT, __poll, poll)                                                                                            \
    X(SELECT, __select, select)                                                                                        \
    X(TIME, __nanosleep, nanosleep)                                                                                    \
    X(OS, __fcntl, fcntl)                                                                                              \
    X(OS, aio_suspend64, aio_suspend)                                                                                  \
    X(OS, fcntl64, fcntl)                                                                                              \
    X(OS, __libc_fcntl64, fcntl)                                                                                       \
    X(OS, lockf64, lockf)                                                                                              \
    X(OS, __libc_msgrcv, msgrcv)                                                                                       \
    X(OS, __libc_msgsnd, msgsnd)                                                                                       \
    X(OS, __libc_system, system)                                                                                       \
    X(OS, __wait, wait)                                                                                                \
    X(OS, __waitpid, waitpid)                                                                                          \
    X(LOCK, __pthread_mutex_lock, pthread_mutex_lock)                                                                  \
    X(LOCK, __pthread_mutex_trylock, pthread_mutex_trylock)                                                            \
    X(LOCK, __pthread_mutex_unlock, pthread_mutex_unlock)                                                              \
    X(LOCK, __pthread_rwlock_rdlock, pthread_rwlock_rdlock)                                                            \
    X(LOCK, __pthread_rwlock_unlock, pthread_rwlock_unlock)                                                            \
    X(LOCK, __pthread_rwlock_wrlock, pthread_rwlock_wrlock)                                                            \
    X(LOCK, __pthread_once, pthread_once)                                                                              \
    X(FILE, creat64, creat)                                                                                            \
    X(FILE, open64, open)                                                                                              \
    X(FILE, openat64, openat)                                                                                          \
    X(FILE, pread64, pread)                                                                                            \
    X(FILE, preadv64, preadv)                                                                                          \
    X(FILE, preadv64v2, preadv2)                                                                                       \
    X(FILE, pwrite64, pwrite)                                                                                          \
    X(FILE, pwritev64, pwritev)                                                                                        \
    X(FILE, pwritev64v2, pwritev2)                                                                                     \
    X(FILE, __open, open)                                                                                              \
    X(FILE, __open64, open)                                                                                            \
    X(FILE, __open64_2, __open_2)                                                                                      \
    X(FILE, __openat64_2, __openat_2)                                                                                  \
    X(FILE, __pread64, pread)                                                                                          \
    X(FILE, __pread64_chk, __pread_chk)                                                                                \
    X(FILE, __pwrite64, pwrite)                                                                                        \
    X(FILE, __libc_pread, pread)                                                                                       \
    X(FILE, __libc_pwrite, pwrite)                                                                                     \
    X(THREAD, __pthread_getspecific, pthread_getspecific)                                                              \
    X(THREAD, __pthread_key_create, pthread_key_create)                                                                \
    X(THREAD, __pthread_setspecific, pthread_setspecific)                                                              \
    X(THREAD, __sched_yield, sched_yield)                                                                              \
    X(THREAD, pthread_yield, sched_yield)                                                                              \
    X(SIGNAL, __sigaction, sigaction)                                                                                  \
    X(SIGNAL, __sigsuspend, sigsuspend)                                                                                \
    X(SIGNAL, __sigtimedwait, sigtimedwait)                                                                            \
    X(SIGNAL, bsd_signal, signal)                                                                                      \
    X(SIGNAL, ssignal, signal)                                                                                         \
    X(SIGNAL, gsignal, raise)                                                                                          \
    X(SIGNAL, sysv_signal, __sysv_signal)

#endif
