/* The native threads of a pool, and the jobs that wait for them. */
#ifndef GREEN_OFFLOAD_WORKERS_H
#define GREEN_OFFLOAD_WORKERS_H

#include "job.h"

/* Gives the job to a native thread, now or in its turn; the pool then owns it
 * too. -EAGAIN or -ENOMEM, explained. */
int green__workers_put(green_offload_pool *pool, green_job *job);

/* Takes back one that still waits. False: a native thread has it. */
bool green__workers_take_back(green_offload_pool *pool, green_job *job);

#endif
