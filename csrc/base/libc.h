/* Other functions of the C library that Green calls and that can be patched.
 *
 * If the object that contains Green is patched, the plain names lead to the green versions, which
 * are meant for the program. Green calls the functions of the C library by these addresses. */
#ifndef GREEN_BASE_LIBC_H
#define GREEN_BASE_LIBC_H

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GREEN_LIBC_CALLS(X)                                                                                            \
    X(gettid)                                                                                                          \
    X(pthread_sigmask)                                                                                                 \
    X(sigaction)                                                                                                       \
    X(sigtimedwait)                                                                                                    \
    X(syscall)

#define GREEN_LIBC_CALL(name) __typeof__(name) *name;
typedef struct green_libc_calls {
    GREEN_LIBC_CALLS(GREEN_LIBC_CALL)
} green_libc_calls;
#undef GREEN_LIBC_CALL

extern green_libc_calls green__libc;

#endif
