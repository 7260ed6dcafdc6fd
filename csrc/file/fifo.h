/* Opens of FIFOs, which may wait for the other end without limit. */
#ifndef GREEN_FILE_FIFO_H
#define GREEN_FILE_FIFO_H

#include "../offload/job.h"

/* A pool only for these opens, practically without a limit of threads: an open that waits
 * must not keep the open of the other end from starting. */
extern green_offload_pool green__fifo_workers;

/* Whether openat(2) with these arguments opens a FIFO and waits for its other end. May block
 * the OS thread for the disk. */
bool green__fifo_open_waits(int directory, const char *path, int flags);

#endif
