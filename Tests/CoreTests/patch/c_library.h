/* The calls of the C library that may block and have no green version, by the reason, and those whose
 * names only look as if they blocked. include/green/patch.h says the same in fewer words. */
#ifndef GREEN_TESTS_C_LIBRARY_H
#define GREEN_TESTS_C_LIBRARY_H

struct calls_without_patch {
    const char *reason;
    const char *names;
};

static const struct calls_without_patch not_reached[] = {
    {"stdio: waits and locks within the C library",
     "_IO_fflush _IO_file_sync _IO_flockfile _IO_flush_all _IO_flush_all_linebuffered _IO_list_lock _IO_popen "
     "_IO_wfile_sync _flushlbf fclose fflush fgetc fgets fgetwc fgetws flockfile fopen fopen64 fprintf fputc fputs "
     "fputwc fputws fread freopen freopen64 fscanf fseek fseeko fseeko64 fsetpos fsetpos64 ftell fwprintf fwrite "
     "fwscanf getc getchar getdelim getline gets getwc getwchar perror printf putc putchar puts putwc putwchar scanf "
     "tmpfile tmpfile64 ungetc vfprintf vfwprintf vprintf vwprintf wprintf wscanf getpass dprintf vdprintf"},
    {"starts a process, which takes a moment",
     "popen posix_spawn posix_spawnp pidfd_spawn pidfd_spawnp fork vfork wordexp"},
    {"waits for OS threads of the C library", "lio_listio lio_listio64 gai_suspend"},
    {"the resolver, within the C library",
     "res_query res_search res_send res_nquery res_nsearch res_nsend res_querydomain res_nquerydomain gethostent "
     "gethostent_r gethostid"},
    {"databases of users and services, within the C library",
     "getpwnam getpwnam_r getpwuid getpwuid_r getpwent getpwent_r getgrnam getgrnam_r getgrgid getgrgid_r getgrent "
     "getgrent_r getgrouplist initgroups getservbyname getservbyname_r getservbyport getservbyport_r getservent "
     "getprotobyname getprotobyname_r getprotobynumber getprotobynumber_r getprotoent getnetbyname getnetbyname_r "
     "getnetbyaddr getnetbyaddr_r getnetent getspnam getspnam_r lckpwdf getlogin getlogin_r getutent getutent_r "
     "getutid getutline pututline getutxent getutxid getutxline pututxline"},
    {"other protocols, within the C library",
     "rcmd rcmd_af rexec rexec_af ruserok ruserok_af syslog vsyslog closelog openlog"},
    {"calls on files other than transfers and syncs",
     "stat lstat fstat fstatat rename renameat link linkat unlink unlinkat opendir readdir readdir64 readdir_r "
     "closedir scandir glob ftw nftw ftruncate truncate posix_fallocate posix_fadvise fallocate mkstemp remove "
     "readlink symlink access open_by_handle_at readahead fts_read fts64_read bdflush"},
    {"depends on a request", "ioctl tcsetattr ptrace"},
    {"the mask of BSD is not a set of signals", "sigpause __sigpause"},
    {"the kernel does not have it", "getmsg getpmsg putmsg putpmsg"},
};

static const char never_block[] =
    "_IO_ftrylockfile _IO_funlockfile _IO_list_resetlock _IO_list_unlock _IO_peekc_locked __fsetlocking "
    "__gethostname_chk __mq_open_2 __pthread_rwlock_destroy __pthread_rwlock_init __pthread_rwlock_tryrdlock "
    "__pthread_rwlock_trywrlock aio_cancel aio_cancel64 aio_error aio_error64 aio_fsync aio_fsync64 aio_init aio_read "
    "aio_read64 aio_return aio_return64 aio_write aio_write64 ftrylockfile funlockfile getaddrinfo_a gethostname mlock "
    "mlock2 mlockall mq_close mq_getattr mq_notify mq_open mq_setattr mq_unlink msgctl msgget munlock munlockall "
    "pthread_barrier_init pthread_barrierattr_destroy pthread_barrierattr_getpshared "
    "pthread_barrierattr_init pthread_barrierattr_setpshared pthread_rwlock_destroy pthread_rwlock_init "
    "pthread_rwlock_tryrdlock pthread_rwlock_trywrlock pthread_rwlockattr_destroy pthread_rwlockattr_getkind_np "
    "pthread_rwlockattr_getpshared pthread_rwlockattr_init pthread_rwlockattr_setkind_np "
    "pthread_rwlockattr_setpshared pthread_spin_trylock pthread_spin_unlock sem_close sem_destroy sem_getvalue "
    "sem_init sem_open sem_unlink semctl semget sigblock svcerr_systemerr tcflush unlockpt xdr_des_block";

/* The cancellation points of POSIX that must occur, and the calls for which the Linux manual has an
 * EINTR: see signal(7). Those without a green version are above. */
static const char blocking[] =
    "accept accept4 aio_suspend clock_nanosleep close connect copy_file_range creat epoll_pwait epoll_pwait2 "
    "epoll_wait eventfd_read eventfd_write fcntl fcntl64 fdatasync flock fsync getaddrinfo getnameinfo lockf lockf64 "
    "mq_receive mq_send mq_timedreceive mq_timedsend msgrcv msgsnd msync mtx_lock mtx_timedlock cnd_wait "
    "cnd_timedwait nanosleep open open64 openat openat64 pause pclose poll ppoll pread pread64 preadv preadv64 preadv2 "
    "preadv64v2 pselect pthread_barrier_wait pthread_clockjoin_np pthread_cond_clockwait pthread_cond_timedwait "
    "pthread_cond_wait pthread_join pthread_mutex_clocklock pthread_mutex_lock pthread_mutex_timedlock pthread_once "
    "pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_spin_lock pthread_timedjoin_np pwrite pwrite64 pwritev "
    "pwritev64 pwritev2 pwritev64v2 read readv recv recvfrom recvmmsg recvmsg select sem_clockwait sem_timedwait "
    "sem_wait semop semtimedop send sendfile sendfile64 sendmmsg sendmsg sendto sigsuspend sigtimedwait sigwait "
    "sigwaitinfo sleep splice sync sync_file_range syncfs system tcdrain tee thrd_join thrd_sleep usleep vmsplice wait "
    "wait3 wait4 waitid waitpid write writev";

/* A name with one of these parts is expected to block. */
static const char *const parts[] = {"wait",  "sleep",       "suspend", "pause",   "drain",  "splice",
                                    "sync",  "join",        "flush",   "barrier", "once",   "pclose",
                                    "popen", "getaddrinfo", "gethost", "getmsg",  "putmsg", "copy_file"};

/* So is a name that begins with one of these, after underscores. */
static const char *const beginnings[] = {"recv",   "send",    "accept", "connect", "poll",  "ppoll",
                                         "select", "pselect", "mq_",    "msg",     "sem",   "aio_",
                                         "lio_",   "tee",     "read_",  "write_",  "system"};

#endif
