/* The kernel as a test plays it: its clock, and every answer it gives.
 *
 * Below Green's two engines stands this in place of the system. The clock moves
 * only when the hub looks at it or waits, so a run takes no time, and the same
 * seed gives the same run. Bytes go through real unix sockets, which are asked
 * without waiting; when a request is carried out, when its answer is told, in
 * which order and whether as it was is up to the dice. */
#ifndef GREEN_SIMULATION_KERNEL_H
#define GREEN_SIMULATION_KERNEL_H

#include "dice.h"

#include <stddef.h>
#include <sys/types.h>

/* How often what goes wrong, in a thousand. */
struct faults {
    uint32_t late;        /* a request is executed, or its completion delivered, some time later */
    uint32_t interrupted; /* EINTR */
    uint32_t cut;         /* a short receive or send */
    uint32_t reset;       /* ECONNRESET */
    uint32_t full;        /* a send is EAGAIN though there is room */
    uint32_t no_buffer;   /* ENOBUFS though there are some */
    uint32_t refused;     /* accept: EMFILE, ECONNABORTED; connect: ECONNREFUSED, EAGAIN */
    uint32_t busy;        /* io_uring_enter() fails, or consumes only some of the entries */
    uint32_t running;     /* a cancel comes too late to stop a request, which ends soon */
};

/* Room in the rings: entries of the submission queue are the hub's; those of the
 * completion queue are cut to so many, and the rest overflows. 0: uncut. */
void kernel_begin(const struct faults *faults, unsigned completions);

/* The same for the calls of the epoll engine. Without streams, only for calls that the
 * io_uring engine makes, too: connects to unix sockets, and accepts through the epoll
 * inside the ring. */
void events_begin(const struct faults *faults, bool streams);
void events_end(void);

/* Fails the test when something is left that should have ended. */
void kernel_end(void);

/* The virtual clock, in nanoseconds. */
int64_t kernel_now(void);
void kernel_pass(int64_t nanoseconds);

/* Called whenever Green looks at the clock. */
void kernel_interrupt(void);

/* Writes what the kernel holds to standard error. */
void kernel_dump(void);

/* Requests that the kernel holds, whose record is in this memory. */
size_t kernel_holds(const void *low, const void *high);

/* Resets that were told for a descriptor since it was opened, so to speak. */
bool kernel_has_reset(int fd);
void kernel_forget(int fd);

/* Faults told so far, and requests. */
uint64_t kernel_faults(void);

#endif
