/* The green versions of the C library's blocking calls.
 *
 * Each behaves as the call that it replaces. It first tries the operation without
 * waiting. If the operation would block and the descriptor is a blocking one, the green
 * thread parks until the descriptor is ready, and tries again. Green keeps no state about
 * descriptors: it reads O_NONBLOCK, SO_RCVTIMEO and SO_SNDTIMEO from the kernel when a call
 * is about to wait. If the caller cannot park, the call goes directly to the C library. */
#ifndef GREEN_PATCH_CALLS_H
#define GREEN_PATCH_CALLS_H

#include "../base/error.h"

#include <green/patch.h>

#include <aio.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* Checked variants, which compilers call if they know the size of the buffer (_FORTIFY_SOURCE). */
ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict bytes, size_t size, size_t room, int flags,
                       struct sockaddr *restrict address, socklen_t *restrict length);
ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t offset, size_t room);
int __open_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __poll_chk(struct pollfd *polled, nfds_t count, int timeout, size_t room);
int __ppoll_chk(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room);

/* sigpause() of System V. */
int __xpg_sigpause(int number);

/* glibc has it since 2.35. */
int epoll_pwait2(int fd, struct epoll_event *events, int count, const struct timespec *timeout, const sigset_t *mask);

/* All families; and the two that close(), dup2() and dup3() belong to. */
enum {
    GREEN_PATCH_KNOWN = GREEN_PATCH_ALL | GREEN_PATCH_FILE | GREEN_PATCH_LOCK | GREEN_PATCH_THREAD | GREEN_PATCH_SIGNAL
};
enum { GREEN_PATCH_CLOSES = GREEN_PATCH_SOCKET | GREEN_PATCH_FILE };

/* The family of dlopen(), which green_monkey_patch() replaces to patch objects that are
 * loaded later. */
enum { GREEN_PATCH_DLOPEN = 1 << 30 };

/* X(family, name) for each call that has a green version. */
#define GREEN_PATCH_CALLS(X)                                                                                           \
    X(SOCKET, accept)                                                                                                  \
    X(SOCKET, accept4)                                                                                                 \
    X(CLOSES, close)                                                                                                   \
    X(CLOSES, close_range)                                                                                             \
    X(CLOSES, closefrom)                                                                                               \
    X(SOCKET, connect)                                                                                                 \
    X(CLOSES, dup2)                                                                                                    \
    X(CLOSES, dup3)                                                                                                    \
    X(SOCKET, eventfd_read)                                                                                            \
    X(SOCKET, eventfd_write)                                                                                           \
    X(SOCKET, read)                                                                                                    \
    X(SOCKET, readv)                                                                                                   \
    X(SOCKET, recv)                                                                                                    \
    X(SOCKET, recvfrom)                                                                                                \
    X(SOCKET, recvmmsg)                                                                                                \
    X(SOCKET, recvmsg)                                                                                                 \
    X(SOCKET, send)                                                                                                    \
    X(SOCKET, sendfile)                                                                                                \
    X(SOCKET, sendmmsg)                                                                                                \
    X(SOCKET, sendmsg)                                                                                                 \
    X(SOCKET, sendto)                                                                                                  \
    X(SOCKET, splice)                                                                                                  \
    X(SOCKET, tee)                                                                                                     \
    X(SOCKET, vmsplice)                                                                                                \
    X(SOCKET, write)                                                                                                   \
    X(SOCKET, writev)                                                                                                  \
    X(SOCKET, __read_chk)                                                                                              \
    X(SOCKET, __recv_chk)                                                                                              \
    X(SOCKET, __recvfrom_chk)                                                                                          \
    X(SELECT, epoll_pwait)                                                                                             \
    X(SELECT, epoll_pwait2)                                                                                            \
    X(SELECT, epoll_wait)                                                                                              \
    X(SELECT, poll)                                                                                                    \
    X(SELECT, ppoll)                                                                                                   \
    X(SELECT, pselect)                                                                                                 \
    X(SELECT, select)                                                                                                  \
    X(SELECT, __poll_chk)                                                                                              \
    X(SELECT, __ppoll_chk)                                                                                             \
    X(TIME, clock_nanosleep)                                                                                           \
    X(TIME, nanosleep)                                                                                                 \
    X(TIME, sleep)                                                                                                     \
    X(TIME, thrd_sleep)                                                                                                \
    X(TIME, usleep)                                                                                                    \
    X(OS, aio_suspend)                                                                                                 \
    X(OS, fcntl)                                                                                                       \
    X(OS, flock)                                                                                                       \
    X(OS, lockf)                                                                                                       \
    X(OS, mq_receive)                                                                                                  \
    X(OS, mq_send)                                                                                                     \
    X(OS, mq_timedreceive)                                                                                             \
    X(OS, mq_timedsend)                                                                                                \
    X(OS, msgrcv)                                                                                                      \
    X(OS, msgsnd)                                                                                                      \
    X(OS, pclose)                                                                                                      \
    X(OS, semop)                                                                                                       \
    X(OS, semtimedop)                                                                                                  \
    X(OS, system)                                                                                                      \
    X(OS, tcdrain)                                                                                                     \
    X(OS, wait)                                                                                                        \
    X(OS, wait3)                                                                                                       \
    X(OS, wait4)                                                                                                       \
    X(OS, waitid)                                                                                                      \
    X(OS, waitpid)                                                                                                     \
    X(DNS, getaddrinfo)                                                                                                \
    X(DNS, gethostbyaddr)                                                                                              \
    X(DNS, gethostbyaddr_r)                                                                                            \
    X(DNS, gethostbyname)                                                                                              \
    X(DNS, gethostbyname2)                                                                                             \
    X(DNS, gethostbyname2_r)                                                                                           \
    X(DNS, gethostbyname_r)                                                                                            \
    X(DNS, getnameinfo)                                                                                                \
    X(LOCK, call_once)                                                                                                 \
    X(LOCK, cnd_broadcast)                                                                                             \
    X(LOCK, cnd_signal)                                                                                                \
    X(LOCK, cnd_timedwait)                                                                                             \
    X(LOCK, cnd_wait)                                                                                                  \
    X(LOCK, mtx_lock)                                                                                                  \
    X(LOCK, mtx_timedlock)                                                                                             \
    X(LOCK, mtx_trylock)                                                                                               \
    X(LOCK, mtx_unlock)                                                                                                \
    X(LOCK, pthread_barrier_destroy)                                                                                   \
    X(LOCK, pthread_barrier_wait)                                                                                      \
    X(LOCK, pthread_clockjoin_np)                                                                                      \
    X(LOCK, pthread_cond_broadcast)                                                                                    \
    X(LOCK, pthread_cond_clockwait)                                                                                    \
    X(LOCK, pthread_cond_signal)                                                                                       \
    X(LOCK, pthread_cond_timedwait)                                                                                    \
    X(LOCK, pthread_cond_wait)                                                                                         \
    X(LOCK, pthread_join)                                                                                              \
    X(LOCK, pthread_mutex_clocklock)                                                                                   \
    X(LOCK, pthread_mutex_lock)                                                                                        \
    X(LOCK, pthread_mutex_timedlock)                                                                                   \
    X(LOCK, pthread_mutex_trylock)                                                                                     \
    X(LOCK, pthread_mutex_unlock)                                                                                      \
    X(LOCK, pthread_once)                                                                                              \
    X(LOCK, pthread_rwlock_clockrdlock)                                                                                \
    X(LOCK, pthread_rwlock_clockwrlock)                                                                                \
    X(LOCK, pthread_rwlock_rdlock)                                                                                     \
    X(LOCK, pthread_rwlock_timedrdlock)                                                                                \
    X(LOCK, pthread_rwlock_timedwrlock)                                                                                \
    X(LOCK, pthread_rwlock_unlock)                                                                                     \
    X(LOCK, pthread_rwlock_wrlock)                                                                                     \
    X(LOCK, pthread_spin_lock)                                                                                         \
    X(LOCK, pthread_timedjoin_np)                                                                                      \
    X(LOCK, sem_clockwait)                                                                                             \
    X(LOCK, sem_post)                                                                                                  \
    X(LOCK, sem_timedwait)                                                                                             \
    X(LOCK, sem_trywait)                                                                                               \
    X(LOCK, sem_wait)                                                                                                  \
    X(LOCK, syscall)                                                                                                   \
    X(LOCK, thrd_join)                                                                                                 \
    X(FILE, copy_file_range)                                                                                           \
    X(FILE, creat)                                                                                                     \
    X(FILE, fdatasync)                                                                                                 \
    X(FILE, fsync)                                                                                                     \
    X(FILE, msync)                                                                                                     \
    X(FILE, open)                                                                                                      \
    X(FILE, openat)                                                                                                    \
    X(FILE, pread)                                                                                                     \
    X(FILE, preadv)                                                                                                    \
    X(FILE, preadv2)                                                                                                   \
    X(FILE, pwrite)                                                                                                    \
    X(FILE, pwritev)                                                                                                   \
    X(FILE, pwritev2)                                                                                                  \
    X(FILE, sync)                                                                                                      \
    X(FILE, sync_file_range)                                                                                           \
    X(FILE, syncfs)                                                                                                    \
    X(FILE, __open_2)                                                                                                  \
    X(FILE, __openat_2)                                                                                                \
    X(FILE, __pread_chk)                                                                                               \
    X(THREAD, gettid)                                                                                                  \
    X(THREAD, prctl)                                                                                                   \
    X(THREAD, pthread_cancel)                                                                                          \
    X(THREAD, pthread_create)                                                                                          \
    X(THREAD, pthread_detach)                                                                                          \
    X(THREAD, pthread_exit)                                                                                            \
    X(THREAD, pthread_getaffinity_np)                                                                                  \
    X(THREAD, pthread_getattr_np)                                                                                      \
    X(THREAD, pthread_getcpuclockid)                                                                                   \
    X(THREAD, pthread_getname_np)                                                                                      \
    X(THREAD, pthread_getschedparam)                                                                                   \
    X(THREAD, pthread_getspecific)                                                                                     \
    X(THREAD, pthread_key_create)                                                                                      \
    X(THREAD, pthread_key_delete)                                                                                      \
    X(THREAD, pthread_kill)                                                                                            \
    X(THREAD, pthread_self)                                                                                            \
    X(THREAD, pthread_setaffinity_np)                                                                                  \
    X(THREAD, pthread_setcancelstate)                                                                                  \
    X(THREAD, pthread_setcanceltype)                                                                                   \
    X(THREAD, pthread_setname_np)                                                                                      \
    X(THREAD, pthread_setschedparam)                                                                                   \
    X(THREAD, pthread_setschedprio)                                                                                    \
    X(THREAD, pthread_setspecific)                                                                                     \
    X(THREAD, pthread_sigqueue)                                                                                        \
    X(THREAD, pthread_testcancel)                                                                                      \
    X(THREAD, pthread_tryjoin_np)                                                                                      \
    X(THREAD, sched_yield)                                                                                             \
    X(THREAD, sigaltstack)                                                                                             \
    X(THREAD, thrd_create)                                                                                             \
    X(THREAD, thrd_current)                                                                                            \
    X(THREAD, thrd_detach)                                                                                             \
    X(THREAD, thrd_exit)                                                                                               \
    X(THREAD, thrd_yield)                                                                                              \
    X(THREAD, tss_create)                                                                                              \
    X(THREAD, tss_delete)                                                                                              \
    X(THREAD, tss_get)                                                                                                 \
    X(THREAD, tss_set)                                                                                                 \
    X(THREAD, __pthread_register_cancel)                                                                               \
    X(THREAD, __pthread_register_cancel_defer)                                                                         \
    X(THREAD, __pthread_unregister_cancel)                                                                             \
    X(THREAD, __pthread_unregister_cancel_restore)                                                                     \
    X(THREAD, __pthread_unwind_next)                                                                                   \
    X(SIGNAL, pause)                                                                                                   \
    X(SIGNAL, pthread_sigmask)                                                                                         \
    X(SIGNAL, raise)                                                                                                   \
    X(SIGNAL, sigaction)                                                                                               \
    X(SIGNAL, signal)                                                                                                  \
    X(SIGNAL, sigprocmask)                                                                                             \
    X(SIGNAL, sigsuspend)                                                                                              \
    X(SIGNAL, sigtimedwait)                                                                                            \
    X(SIGNAL, sigwait)                                                                                                 \
    X(SIGNAL, sigwaitinfo)                                                                                             \
    X(SIGNAL, __xpg_sigpause)                                                                                          \
    X(SIGNAL, __sysv_signal)                                                                                           \
    X(DLOPEN, dlopen)

/* The calls of the C library, or of what replaces it in this process (a sanitizer,
 * LD_PRELOAD). Looked up before the first slot is rewritten. Patched code must use these: a
 * call by its plain name may lead to the green version again. */
#define GREEN_REAL_CALL(family, name) __typeof__(name) *name;
typedef struct green_real_calls {
    GREEN_PATCH_CALLS(GREEN_REAL_CALL)
} green_real_calls;
extern green_real_calls green__real;

#define GREEN_GREEN_CALL(family, name) __typeof__(name) green__green_##name;
GREEN_PATCH_CALLS(GREEN_GREEN_CALL)

#endif
