/* The signal masks of green threads.
 *
 * The kernel knows one mask, that of the OS thread. It is the intersection of the masks of all
 * green threads, because a signal that is sent to the process is delivered if any thread accepts
 * it. A green thread without a mask of its own has the base mask of its hub. */
#ifndef GREEN_PATCH_SIGNAL_MASK_H
#define GREEN_PATCH_SIGNAL_MASK_H

#include "../core/hub_record.h"

/* The mask of a thread that has one of its own. */
typedef struct green_signal_mask green_signal_mask;

/* Copies the mask of a thread, for another one. NULL if there is no memory. The caller gives it to
 * a thread or frees it by free(3). */
green_signal_mask *green__signal_mask_copy(const green_thread *thread);

/* Gives a thread a mask of its own. The mask of the OS thread does not change if it is a copy of
 * that of another thread. */
void green__signal_mask_give(green_signal_mask *mask, green_thread *thread);

#endif
