/* A simulated kernel: its clock and all results come from a seed.
 *
 * It replaces the system calls of both engines. The clock moves only when the hub reads it
 * or waits, so a run takes no time, and the same seed gives the same run. Bytes go through
 * real unix sockets, which are used without blocking. The seed decides when a request is
 * executed, when its completion is delivered, in which order, and with which fault. */
#ifndef GREEN_SIMULATION_KERNEL_H
#define GREEN_SIMULATION_KERNEL_H

#include "dice.h"

#include <stddef.h>
#include <sys/types.h>

/* The probability of each fault, in thousandths. */
struct faults {
    uint32_t late;        /* a request is executed, or its completion delivered, later */
    uint32_t interrupted; /* EINTR */
    uint32_t cut;         /* a short receive or send */
    uint32_t reset;       /* ECONNRESET */
    uint32_t full;        /* a send is EAGAIN although there is room */
    uint32_t no_buffer;   /* ENOBUFS although buffers are free */
    uint32_t refused;     /* accept: EMFILE, ECONNABORTED; connect: ECONNREFUSED, EAGAIN */
    uint32_t busy;        /* io_uring_enter() fails, or consumes only some of the entries */
    uint32_t running;     /* a cancel comes too late to stop a request, which ends soon */
};

/* The submission queue has the size that the hub requests. The completion queue is limited
 * to this many entries, and further completions overflow. 0: no limit. */
void kernel_begin(const struct faults *faults, unsigned completions);

/* The same for the calls of the epoll engine. Without streams, faults affect only calls
 * that the io_uring engine makes, too: connects to unix sockets, and accepts through the
 * inner epoll. */
void events_begin(const struct faults *faults, bool streams);
void events_end(void);

/* Fails the test if something has not ended. */
void kernel_end(void);

/* The simulated clock, in nanoseconds. */
int64_t kernel_now(void);
void kernel_pass(int64_t nanoseconds);

/* Called when Green reads the clock. */
void kernel_interrupt(void);

/* Writes all pending requests and completions to standard error. */
void kernel_dump(void);

/* The number of pending requests whose operation is in this memory. */
size_t kernel_holds(const void *low, const void *high);

/* Whether a reset was reported for a descriptor since kernel_forget(). */
bool kernel_has_reset(int fd);
void kernel_forget(int fd);

/* The number of faults so far. */
uint64_t kernel_faults(void);

#endif
