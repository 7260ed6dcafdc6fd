/* Native threads for what cannot be green: a call that blocks in the kernel or
 * in somebody else's lock. A small pool, made on demand, shared by all hubs. */
#ifndef GREEN_OFFLOAD_OFFLOAD_H
#define GREEN_OFFLOAD_OFFLOAD_H

#include "../core/io.h"

/* Work and its record, in one allocation that `release` frees. It has two
 * owners, the green thread and the pool; the later one releases it. */
typedef struct green_job {
    void (*run)(struct green_job *job);     /* on a native thread */
    void (*release)(struct green_job *job); /* on either side */
    struct green_job *next;
    int done; /* an eventfd */
    bool ended;
    int owners;
} green_job;

/* Runs the job while the calling green thread waits. 0, or the -errno that kept
 * it from running or interrupted the wait; then it runs to its end unseen. In
 * every case the caller is done with the job by green__offload_release(). */
int green__offload(green_hub *hub, green_job *job, int64_t timeout);
void green__offload_release(green_job *job);

#endif
