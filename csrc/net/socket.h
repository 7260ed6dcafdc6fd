/* A socket: a descriptor, at most one reader and one writer, and received bytes that are
 * still unread. */
#ifndef GREEN_NET_SOCKET_H
#define GREEN_NET_SOCKET_H

#include "../core/foreign_release.h"
#include "../core/hub.h"
#include "../core/io.h"

#include <green/socket.h>

/* Received bytes that are still unread. They are in a buffer provided by the engine, or in
 * a chunk that the socket allocates if a line or an exact read needs more room. */
typedef struct green_unread {
    const char *bytes;
    size_t count;
    green_provided_buffer provided; /* provided.bytes is NULL if there is none */
    char *chunk;                    /* allocated; NULL if there is none */
    size_t capacity;                /* of the chunk */
} green_unread;

struct green_socket {
    green_hub *hub;
    uint32_t references; /* of owners, and of threads blocked in it */
    int fd;              /* -1 once closed */
    bool closed;         /* the descriptor is closed when the last operation has ended */
    green_wait *reader, *writer;
    green_wait_list closers;
    int64_t read_timeout, write_timeout;
    green_unread unread;
    bool bytes_lost;                   /* bytes of a failed read could not be kept: no later read is possible */
    bool borrowed;                     /* the caller of green_receive() uses the unread bytes: they outlive a close */
    struct green_transport *transport; /* NULL: none */
    bool drained;                      /* the last receive emptied the kernel's buffer: see green_op */
    bool full;                         /* the last send filled the kernel's buffer */
    int failed[2];                     /* by direction: -errno of the last operation, or 0 if it succeeded */

    green_foreign_release foreign_release;

    /* The client of a service: see service.h. */
    struct green_service *service;
    union {
        struct {
            green_thread *handler;
            green_socket *next, *previous;
            bool stopping; /* its handler is in a call that stops the service */
        };
        green_post post; /* while it is on its way to another hub */
    };
};

/* The direction of a call. */
typedef enum green_socket_direction { GREEN_READING, GREEN_WRITING } green_socket_direction;

/* An operation on a socket, on the caller's stack. */
typedef struct green_socket_io {
    green_io io;
    green_socket *socket;
    green_socket_direction direction;
    int64_t timeout, deadline; /* of the whole call; negative: none */
    bool explained;            /* the transport has explained the error */
    bool yields;               /* the call did not wait, and yields at its end */
} green_socket_io;

/* Makes a socket that owns the descriptor. -ENOMEM, explained: the caller still owns fd. */
int green__socket_make(green_hub *hub, int fd, green_socket **socket);

/* Frees a socket that was never used, without closing its descriptor. */
void green__socket_unmake(green_socket *socket);

/* Frees a socket without closing its descriptor. It must have no other owner. */
void green__socket_free(green_socket *socket);

/* Whether a call in one direction may begin: 0, or the error that it would fail with. */
int green__socket_check(green_socket *socket, green_socket_direction direction);

/* Records a wait as the reader or writer, and keeps the socket until green__socket_leave(), which
 * closes the descriptor if a close waits for this. No operation may be in progress then. */
void green__socket_enter(green_socket *socket, green_socket_direction direction, green_wait *wait);
void green__socket_leave(green_socket *socket, green_socket_direction direction);

/* Begins a call in one direction, and records it as the reader or writer. Fails if the
 * socket is closed or has one already. */
int green__socket_begin(green_socket *socket, green_socket_io *call, green_socket_direction direction);

/* Does the same for a call that transfers up to size bytes. */
static inline int green__socket_begin_sized(green_socket *socket, green_socket_io *call,
                                            green_socket_direction direction, size_t size) {
    int error = green__check_size(direction == GREEN_READING ? "read" : "write", size);
    return GREEN_UNLIKELY(error < 0) ? error : green__socket_begin(socket, call, direction);
}

/* Whether the peer receives each write, even an empty one, as a separate message. */
bool green__socket_keeps_messages(const green_socket *socket);

/* Ends the call, and closes the descriptor if a close waits for this. Returns result,
 * explained if it is an error. */
ssize_t green__socket_end(green_socket_io *call, ssize_t result);

extern const green_wait_kind green__socket_wait_kind;

/* Whether the call may run another operation: 0, -EBADF once the socket is closed, or an
 * interrupt. */
int green__socket_continue(green_socket_io *call);

/* The same after an operation failed with EINTR. Also returns -ETIMEDOUT. */
int green__socket_retry(green_socket_io *call);

/* Runs one operation within the call, and repeats it after EINTR. A connect continues in
 * the background after EINTR, so it is not repeated. */
static inline int32_t green__socket_run(green_socket_io *call, green_op_kind kind, void *address, size_t length,
                                        int flags) {
    green_socket *socket = call->socket;
    int32_t result;
    do {
        green__io_init(socket->hub, &call->io, &green__socket_wait_kind, kind, socket->fd);
        call->io.op.address = address;
        call->io.op.length = length;
        call->io.op.flags = flags;
        call->io.op.drained = call->direction == GREEN_READING ? socket->drained : socket->full;
        result = green__io_run(socket->hub, &call->io, green__time_left(call->deadline));
        if (call->direction == GREEN_READING)
            socket->drained = call->io.op.drained;
    } while (GREEN_UNLIKELY(result == -EINTR) && kind != GREEN_OP_CONNECT && (result = green__socket_retry(call)) == 0);
    return result;
}

/* Records for green_socket_failed_with() that an operation in a direction failed with an
 * error of the connection. Ignores other errors. Returns error. */
int green__socket_set_failed(green_socket *socket, green_socket_direction direction, int error);

/* Discards the unread bytes. */
void green__socket_drop_unread(green_socket *socket);

/* "socket 7 (127.0.0.1:6000 - 127.0.0.1:41234)" */
const char *green__socket_label(const green_socket *socket, char *text, size_t size);
enum { GREEN_SOCKET_LABEL_MAX = 2 * GREEN_ADDRESS_TEXT_MAX + 32 };

#endif
