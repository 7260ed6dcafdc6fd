/* The parts of the epoll engine. It runs on kernels and in containers without io_uring,
 * and inside the io_uring engine for files that a ring must not hold; see uring.h. */
#ifndef GREEN_ENGINE_EPOLL_H
#define GREEN_ENGINE_EPOLL_H

#include "../base/pipe.h"
#include "epoll_try.h"
#include "op_queue.h"

#include <sys/epoll.h>
#include <time.h>

/* What is known of a descriptor. All zero: nothing. */
typedef struct green_epoll_fd {
    green_op *waiting; /* operations that would have had to wait, in no order */
    bool registered;   /* to the epoll, as a socket, which tells of its end */
    bool is_stream;    /* known once it is added */
    bool is_listener;  /* for connections */
    bool has_event;    /* an event has arrived since the last accept */
    bool contested;    /* another process has taken a connection that an event had reported */
    bool not_readable; /* nothing to receive, until an event says otherwise */
    bool not_writable; /* no room to send, likewise */
    bool always_try;   /* an end, a fault or urgent bytes: no event may follow, so receives are tried */
} green_epoll_fd;

enum { GREEN_EPOLL_FDS_PER_PAGE = 128 };

/* By descriptor, in pages that are made as numbers grow. */
typedef struct green_epoll_fds {
    green_epoll_fd **pages;
    size_t count;
} green_epoll_fds;

/* Receive buffers, lent last in first out: few are warm, and those stay so. */
typedef struct green_epoll_buffers {
    char *memory;
    uint16_t *free;
    unsigned free_count, count;
} green_epoll_buffers;

typedef struct green_epoll {
    green_engine base;
    green_engine *counters; /* the engine that counts its operations: itself, or the engine that contains it */
    uint32_t socket_events; /* events to watch on sockets */
    int fd;
    bool no_pwait2; /* this kernel's epoll counts in no less */
    green_epoll_fds fds;
    green_epoll_buffers buffers;
    green_splice_pipe splice_pipe; /* for reads of pipes */
    green_op_queue to_try;         /* to be tried */
    green_op_queue paused;         /* to be tried after a pause: no event tells when */
    uint64_t waiting;              /* operations that wait for an event */
    unsigned empty_polls;          /* turns since the kernel was asked in vain, from 1; 0: it had something */
    int64_t pause_end;             /* the end of the pause */
    bool has_completed;            /* somebody has heard of a result in this turn */
} green_epoll;

/* Where an operation is. */
enum {
    GREEN_EPOLL_IDLE,
    GREEN_EPOLL_QUEUED,
    GREEN_EPOLL_RUNNING,
    GREEN_EPOLL_WAITING,
    GREEN_EPOLL_PAUSED,
};

/* What is known of a descriptor; NULL without memory. */
green_epoll_fd *green__epoll_fds_get(green_epoll_fds *descriptors, int fd);
/* The same; NULL if there is no page for the descriptor. */
green_epoll_fd *green__epoll_fds_find(const green_epoll_fds *descriptors, int fd);
void green__epoll_fds_free(green_epoll_fds *descriptors);

int green__epoll_buffers_open(green_epoll_buffers *buffers, size_t memory);
void green__epoll_buffers_close(green_epoll_buffers *buffers);

/* Opens the engine as part of another engine. That one counts its operations and calls
 * the two halves of a turn. It lends no memory. The class's submit, cancel, attempt and
 * forget work on its base. Returns 0 or -errno, explained. */
int green__epoll_open(green_epoll *epoll, green_engine *counters, uint32_t socket_events);
void green__epoll_close(green_epoll *epoll);

/* Like epoll_wait(2), with a timeout in nanoseconds; NULL waits without a limit. Returns -1
 * with ENOSYS or EPERM where the system does not have it. */
int green__epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *timeout);

/* Tries operations that were submitted or that may continue. Returns whether one has
 * completed or more can be tried, so that the engine should not wait now. */
bool green__epoll_try_queued(green_epoll *epoll);

/* Waits for events for up to timeout nanoseconds, like a turn, and tries the operations
 * that they allow to continue. */
void green__epoll_wait_and_try(green_epoll *epoll, int64_t timeout);

/* Does what an operation is for, as far as that is possible without waiting:
 * its result, or one of these. */
int32_t green__epoll_try_op(green_epoll *epoll, green_epoll_fd *watched, green_op *op);

/* Whether the last event leaves it hope. */
bool green__epoll_worth_trying(const green_epoll_fd *watched, const green_op *op);

#endif
