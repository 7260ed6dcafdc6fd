/* Links: functions that are called when a thread has exited. */
#ifndef GREEN_CORE_LINK_H
#define GREEN_CORE_LINK_H

#include "thread_record.h"

/* Calls the links of a thread that is done, in the order in which they were added. */
void green__links_run(green_thread *thread);

#endif
