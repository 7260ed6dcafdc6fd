/* The parts of the io_uring engine. */
#ifndef GREEN_ENGINE_URING_H
#define GREEN_ENGINE_URING_H

#include "epoll.h"

#include <errno.h>
#include <liburing.h>
#include <sys/socket.h>

/* Memory that the kernel picks receive buffers from: a provided buffer ring. */
typedef struct green_lending {
    struct io_uring_buf_ring *ring; /* what is free */
    char *memory;
    size_t size; /* of each buffer */
    unsigned count;
} green_lending;

typedef struct green_uring {
    green_engine base;
    struct io_uring ring;
    green_lending lending;
    unsigned enter_flags; /* of every io_uring_enter */
    bool truncates;       /* Linux 6.9 */
    unsigned opening;     /* files that are being opened, and as many as may be */
    unsigned opening_max;
    uint16_t ticket;       /* of the last operation */
    green_op_list backlog; /* without a submission entry yet */
    green_op_list cancels; /* cancelled, without an entry for that yet */
    green_op_list ending;  /* cancelled, with a request for that under way or done */
    green_op_list refused; /* cancelled before they had an entry */
    green_epoll inner;     /* see inner.c */
    bool watching;         /* the ring polls the inner epoll */
    bool noticed;          /* that poll has ended */
} green_uring;

/* What an operation's state says of where it is. */
enum { GREEN_OP_IDLE, GREEN_OP_IN_BACKLOG, GREEN_OP_SUBMITTED, GREEN_OP_IN_CANCELS, GREEN_OP_ENDING, GREEN_OP_REFUSED };

/* Makes the ring itself, and tells what it can do. 0 or -errno, explained. */
int green__ring_make(green_uring *uring, unsigned entries);

/* Queues an operation's next request, and cancels the one that is under way. */
void green__uring_enqueue(green_uring *uring, green_op *op);
void green__uring_break_off(green_uring *uring, green_op *op);

/* The request that an operation is at; see patience.c. */
enum {
    GREEN_PHASE_TRYING,  /* itself */
    GREEN_PHASE_POLLED,  /* a poll for one event */
    GREEN_PHASE_WATCHED, /* a poll for every new event */
    GREEN_PHASE_ENDING,  /* the end of that, with the result at hand */
    GREEN_PHASE_PAUSED,  /* a timeout */
};

/* The phase in which an operation begins. A connect to a full unix listener would
 * block a worker thread, as its poll ends at once. */
static inline uint8_t green__patience_begin(const green_op *op) {
    switch (op->kind) {
    case GREEN_OP_POLL:
        return GREEN_PHASE_POLLED;
    case GREEN_OP_SEND:
    case GREEN_OP_SEND_MSG:
        return op->drained ? GREEN_PHASE_POLLED : GREEN_PHASE_TRYING;
    case GREEN_OP_CONNECT: {
        const struct sockaddr *to = op->address;
        return to->sa_family == AF_UNIX ? GREEN_PHASE_POLLED : GREEN_PHASE_TRYING;
    }
    default:
        return GREEN_PHASE_TRYING;
    }
}

/* Whether a completion is for patience.c. */
static inline bool green__patience_is_due(const green_op *op, int32_t result) {
    return op->phase != GREEN_PHASE_TRYING || result == -EAGAIN;
}

void green__patience_prepare(struct io_uring_sqe *sqe, const green_op *op);

/* Handles a completion: whether the operation has ended, with *result. If not, it
 * has a next request, or more completions of this one will come. */
bool green__patience_step(green_uring *uring, green_op *op, int32_t *result, bool more);

/* What is done with files. */
void green__uring_ask_of_files(green_uring *uring, struct io_uring_probe *probe);
bool green__uring_takes(const green_engine *engine, green_op_kind kind);
void green__uring_prepare_file(struct io_uring_sqe *sqe, const green_op *op);

/* The epoll inside the ring, for operations that must not hold their file. */
int green__inner_open(green_uring *uring);
bool green__inner_takes(green_op_kind kind);

/* Whether operations wait in the epoll, and the ring does not poll it. */
static inline bool green__inner_is_blind(const green_uring *uring) {
    return uring->inner.waiting > 0 && !uring->watching;
}

/* Around the ring's part of a turn. Returns whether nobody should wait in it. */
bool green__inner_begin(green_uring *uring);
void green__inner_end(green_uring *uring);

/* The names of requests that are no operation, whose names are addresses: the poll of
 * the inner epoll, and a bit that a cancel adds to the name of its target. */
enum { GREEN_NAME_CANCEL = 1, GREEN_NAME_INNER = 2 };

/* A free submission entry; NULL when the kernel takes no more for now. */
struct io_uring_sqe *green__uring_entry(green_uring *uring);

/* The buffers of the ring. */
int green__lending_open(green_uring *uring, size_t memory);
void green__lending_close(green_uring *uring);
void green__lending_prepare(struct io_uring_sqe *sqe, const green_op *op);
void green__lending_complete(green_uring *uring, green_op *op, const struct io_uring_cqe *cqe);
void green__lending_give_back(green_engine *engine, const green_lent *lent);

#endif
