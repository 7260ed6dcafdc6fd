/* The C library's calls about OS threads, as Green makes them itself.
 *
 * Where Green is linked into a program that is patched, the plain names lead to
 * the green versions; but Green's own locks are held for a moment, and its own
 * threads are native ones. By address nothing comes between. */
#ifndef GREEN_BASE_PTHREAD_H
#define GREEN_BASE_PTHREAD_H

#include <pthread.h>

/* X(name): what Green calls itself and somebody may patch. */
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
