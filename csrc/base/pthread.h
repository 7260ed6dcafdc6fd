/* The pthread functions that Green calls for its own OS threads and locks.
 *
 * If the object that contains Green is patched, the plain names lead to the green versions.
 * Green calls the functions of the C library by these addresses instead. */
#ifndef GREEN_BASE_PTHREAD_H
#define GREEN_BASE_PTHREAD_H

#include <pthread.h>

/* X(name) for each function that Green calls and that can be patched. */
#define GREEN_PTHREAD_CALLS(X)                                                                                         \
    X(cond_broadcast)                                                                                                  \
    X(cond_clockwait)                                                                                                  \
    X(cond_signal)                                                                                                     \
    X(cond_wait)                                                                                                       \
    X(create)                                                                                                          \
    X(join)                                                                                                            \
    X(mutex_lock)                                                                                                      \
    X(mutex_unlock)

#define GREEN_PTHREAD_CALL(name) __typeof__(pthread_##name) *name;
typedef struct green_pthread_calls {
    GREEN_PTHREAD_CALLS(GREEN_PTHREAD_CALL)
} green_pthread_calls;
#undef GREEN_PTHREAD_CALL

extern green_pthread_calls green__pthread;

#endif
