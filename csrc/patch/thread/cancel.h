/* The end of green threads of pthread_create() by pthread_exit() and pthread_cancel(). */
#ifndef GREEN_PATCH_THREAD_CANCEL_H
#define GREEN_PATCH_THREAD_CANCEL_H

#include "pthread.h"

/* Unwinds the stack of the current thread, which runs clean-up handlers and destructors of C++,
 * and ends it. */
_Noreturn void green__pthread_unwind(green_pthread *pthread, void *result);

#endif
