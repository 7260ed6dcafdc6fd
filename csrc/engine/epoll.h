/* The epoll engine: its state, and the parts that work on it.
 *
 *   epoll_pwait2.c   the system call, for C libraries that lack it
 *   epoll_fds.c      a record of what is known about each descriptor
 *   epoll_buffers.c  the receive buffers
 *   epoll_try.c      operations as non-blocking system calls
 *   epoll.c          submit, cancel, poll; open and close
 *
 * Each part calls only parts above it in this list.
 *
 * This engine runs on kernels and in containers without io_uring, and inside the io_uring
 * engine for operations that must not hold their file, see inner_epoll.c. */
#ifndef GREEN_ENGINE_EPOLL_H
#define GREEN_ENGINE_EPOLL_H

#include "../base/pipe.h"
#include "epoll_try.h"
#include "op_queue.h"

#include <sys/epoll.h>
#include <time.h>

/* What is known about a descriptor. All zero: nothing. */
typedef struct green_epoll_fd {
    green_op *waiting; /* operations that wait for an event, in no order */
    bool registered;   /* in the epoll as a socket, for all its life */
    bool is_stream;    /* known once it is registered */
    bool is_listener;
    bool has_event;    /* an event has arrived since the last accept */
    bool contested;    /* another process has taken a connection that an event had reported */
    bool not_readable; /* a receive would wait, until an event arrives */
    bool not_writable; /* a send would wait, until an event arrives */
    bool always_try;   /* an end of stream, an error or urgent data was seen: try every receive,
                        * because no event may follow */
} green_epoll_fd;

enum { GREEN_EPOLL_FDS_PER_PAGE = 128 };

/* A table by descriptor number, in pages that are allocated as numbers grow. */
typedef struct green_epoll_fds {
    green_epoll_fd **pages;
    size_t count;
} green_epoll_fds;

/* Receive buffers. The one released last is picked first, so that few are used and these
 * stay in the cache. */
typedef struct green_epoll_buffers {
    char *memory;
    uint16_t *free; /* ids, as a stack */
    unsigned free_count, count;
} green_epoll_buffers;

typedef struct green_epoll {
    green_engine base;
    green_engine *counters; /* where operations are counted: this engine, or the one that contains it */
    uint32_t socket_events; /* events to watch sockets for */
    int fd;
    bool no_pwait2; /* the kernel has only epoll_wait(2), with timeouts in milliseconds */
    green_epoll_fds fds;
    green_epoll_buffers buffers;
    green_splice_pipe splice_pipe; /* for reads of pipes */
    green_op_queue to_try;         /* new operations, and those whose event has arrived */
    green_op_queue paused;         /* operations to try after a pause, because no event reports when */
    int64_t pause_end;
    uint64_t waiting;     /* operations that wait for an event */
    unsigned empty_polls; /* polls since the kernel reported no event, from 1; 0: it reported some */
    bool has_completed;   /* an operation has completed in this poll */
} green_epoll;

/* green_op.state in this engine. */
enum {
    GREEN_EPOLL_IDLE,
    GREEN_EPOLL_QUEUED,
    GREEN_EPOLL_RUNNING,
    GREEN_EPOLL_WAITING,
    GREEN_EPOLL_PAUSED,
};

/* epoll_pwait2.c --------------------------------------------------------------- */

/* epoll_pwait2(2) without a signal mask: like epoll_wait(2), but the timeout has nanoseconds;
 * NULL waits forever. Returns -1 with ENOSYS or EPERM if the system does not have it. */
int green__epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *timeout);

/* epoll_fds.c ------------------------------------------------------------------ */

/* Returns the record of a descriptor, which may be new, or NULL if there is no memory. */
green_epoll_fd *green__epoll_fds_get(green_epoll_fds *fds, int fd);

/* Returns the record of a descriptor, or NULL if its page was never allocated. */
green_epoll_fd *green__epoll_fds_find(const green_epoll_fds *fds, int fd);

void green__epoll_fds_free(green_epoll_fds *fds);

/* epoll_buffers.c -------------------------------------------------------------- */

/* Returns 0, or -ENOMEM, explained, with nothing allocated. */
int green__epoll_buffers_open(green_epoll_buffers *buffers, size_t memory);
void green__epoll_buffers_close(green_epoll_buffers *buffers);

/* epoll_try.c ------------------------------------------------------------------ */

/* Makes one non-blocking attempt, and records what it shows about the descriptor. Returns a
 * result or a GREEN_TRY value. */
int32_t green__epoll_try_op(green_epoll *epoll, green_epoll_fd *record, green_op *op);

/* Whether an attempt may succeed, as far as the record shows. */
bool green__epoll_worth_trying(const green_epoll_fd *record, const green_op *op);

/* epoll.c, for the engine that contains this one ------------------------------- */

/* Opens an epoll engine inside another one, which counts its operations and calls the two
 * halves of poll() below. It has no receive buffers. submit, cancel, try_now and forget of
 * green__epoll work on its base. Returns 0 or -errno, explained. */
int green__epoll_open(green_epoll *epoll, green_engine *counters, uint32_t socket_events);
void green__epoll_close(green_epoll *epoll);

/* Tries operations that can be tried now. Returns whether poll() must not wait, because one
 * has completed or more can be tried. */
bool green__epoll_try_queued(green_epoll *epoll);

/* Waits for events for up to timeout nanoseconds, like poll(), and tries the operations that
 * wait for them. */
void green__epoll_wait_and_try(green_epoll *epoll, int64_t timeout);

#endif
