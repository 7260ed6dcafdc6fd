/* Green-thread-local storage: a short list of values for each thread. */
#ifndef GREEN_CORE_LOCAL_H
#define GREEN_CORE_LOCAL_H

#include "thread_record.h"

/* Copies the values of the spawner that are inherited. Returns 0 or -ENOMEM; then some may have
 * been copied. */
int green__locals_inherit(green_thread *thread, const green_thread *spawner);

/* Destroys the values of a thread. */
void green__locals_destroy(green_thread *thread);

#endif
