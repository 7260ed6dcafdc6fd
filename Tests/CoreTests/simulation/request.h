/* One request of the ring, and what carrying it out comes to. */
#ifndef GREEN_SIMULATION_REQUEST_H
#define GREEN_SIMULATION_REQUEST_H

#include "kernel.h"

#include <liburing.h>

struct request {
    struct io_uring_sqe entry;
    int64_t due;   /* when it is carried out at the earliest */
    int32_t fate;  /* an error that it ends with in place of being carried out; 0 */
    uint32_t most; /* bytes that it moves at most */
    uint32_t done; /* bytes moved so far, of one that wants all */
    short told;    /* events of a multishot poll that were reported and persist */
    bool doomed;   /* cancelled while it was running: it ends soon, somehow */
};

struct answer {
    struct io_uring_cqe completion;
    int64_t due; /* when it is told at the earliest */
};

enum { NOT_YET = -1000000 };

/* What the dice have in store for a new request. */
void request_begin(struct request *request, const struct faults *faults);

/* Carries it out as far as that is possible now: its result, or NOT_YET; flags
 * are those of its completion. */
int32_t request_attempt(struct request *request, uint32_t *flags);

/* The buffers that the kernel may pick from. */
void buffers_begin(struct io_uring_buf_ring *ring, unsigned count);
void buffers_end(void); /* all are back */

/* Counted with every error that was not the sockets' own. */
extern uint64_t faults_told;
void note_reset(int fd);

#endif
