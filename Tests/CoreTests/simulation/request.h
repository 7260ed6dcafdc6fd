/* One request of the ring, and its execution. */
#ifndef GREEN_SIMULATION_REQUEST_H
#define GREEN_SIMULATION_REQUEST_H

#include "kernel.h"

#include <liburing.h>

struct request {
    struct io_uring_sqe entry;
    int64_t due;    /* the earliest time of its execution */
    int32_t fate;   /* an error that it ends with instead of being executed; 0: none */
    uint32_t most;  /* the most bytes that it moves */
    uint32_t done;  /* bytes moved so far by a request that wants all */
    short reported; /* events of a multishot poll that were reported and persist */
    bool doomed;    /* cancelled while it was executed: it ends soon, with any result */
};

struct answer {
    struct io_uring_cqe completion;
    int64_t due; /* the earliest time of its delivery */
};

enum { NOT_YET = -1000000 };

/* Draws the faults of a new request. */
void request_begin(struct request *request, const struct faults *faults);

/* Executes the request as far as that is possible now. Returns its result or NOT_YET. flags
 * are those of its completion. */
int32_t request_attempt(struct request *request, uint32_t *flags);

/* The provided buffers. */
void buffers_begin(struct io_uring_buf_ring *ring, unsigned count);
void buffers_end(void); /* checks that all are back */

/* The number of errors that the sockets did not cause. */
extern uint64_t fault_count;
void note_reset(int fd);

#endif
