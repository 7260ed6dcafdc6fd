/* Opens of FIFOs, which may wait for somebody at the other end for ever. */
#ifndef GREEN_FILE_FIFO_H
#define GREEN_FILE_FIFO_H

#include "../offload/job.h"

/* They have native threads of their own, and as many as it takes: one that waits for
 * another must not keep it from coming. */
extern green_offload_pool green__fifo_workers;

/* Whether such an open, as openat(2) has it, is that of a FIFO and waits. May wait for
 * the disk. */
bool green__fifo_open_waits(int directory, const char *path, int flags);

#endif
