/* Green-thread-local storage: a short list of values for each thread. */
#ifndef GREEN_CORE_LOCAL_H
#define GREEN_CORE_LOCAL_H

#include "thread_record.h"

/* Destroys the values of a thread. */
void green__locals_destroy(green_thread *thread);

#endif
