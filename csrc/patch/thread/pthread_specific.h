/* Values of pthread keys in green threads. */
#ifndef GREEN_PATCH_THREAD_PTHREAD_SPECIFIC_H
#define GREEN_PATCH_THREAD_PTHREAD_SPECIFIC_H

#include "../may_park.h"

/* Calls the destructors of a thread's values and frees the values. */
void green__pthread_specific_end(green_thread *thread);

/* Forgets all keys, when their creation and deletion is no longer patched. */
void green__pthread_specific_forget_keys(void);

#endif
