/* The socket: a descriptor, one reader, one writer, and what came too early. */
#ifndef GREEN_NET_SOCKET_H
#define GREEN_NET_SOCKET_H

#include "../core/io.h"

#include <green/socket.h>

/* Bytes that have come and that nobody has read yet: provided by the engine, or in
 * a chunk of the socket's own when a line or an exact read needed more. */
typedef struct green_unread {
    const char *bytes;
    size_t count;
    green_provided_buffer provided; /* provided.bytes: to be given back */
    char *chunk;                    /* to be freed */
    size_t capacity;                /* of the chunk */
} green_unread;

struct green_socket {
    green_hub *hub;
    uint32_t references; /* of owners, and of threads blocked in it */
    int fd;              /* -1 once gone */
    bool closed;         /* the descriptor goes when the last operation has left */
    green_wait *reader, *writer;
    green_wait_list closers;
    int64_t read_timeout, write_timeout;
    green_unread unread;
    bool gap;                          /* bytes that a read had taken are lost: it can go on no more */
    bool lending;                      /* the caller of green_receive() looks at what is unread: it outlives a close */
    struct green_transport *transport; /* NULL: bytes go straight through */
    bool drained;                      /* the last receive took all there was: see green_op */
    bool full;                         /* the last send had too little room */
    int failed[2];                     /* by direction: -errno of the last operation, or 0 if it succeeded */

    /* While it is served: see serve.c. */
    struct green_server *server;
    green_thread *handler;
    green_socket *next, *previous;
};

/* One of the socket's two directions, for messages. */
typedef enum green_socket_direction { GREEN_READING, GREEN_WRITING } green_socket_direction;

/* An operation on a socket, on the caller's stack. */
typedef struct green_socket_io {
    green_io io;
    green_socket *socket;
    green_socket_direction direction;
    int64_t deadline; /* of the whole call; negative: none */
    bool explained;   /* a transport has said why it failed */
    bool yields;      /* it did not wait, and lets others run at its end */
} green_socket_io;

/* Makes a socket of a descriptor, which it owns from then on. */
int green__socket_make(green_hub *hub, int fd, green_socket **socket);

/* Takes the descriptor of one that nobody has used yet out of it again, and frees it. */
void green__socket_detach(green_socket *socket);

/* Begins a call in one direction: refuses it, or notes who is in. */
int green__socket_begin(green_socket *socket, green_socket_io *call, green_socket_direction direction);

/* Does the same for a call that transfers up to size bytes. */
static inline int green__socket_begin_sized(green_socket *socket, green_socket_io *call,
                                            green_socket_direction direction, size_t size) {
    int error = green__check_size(direction == GREEN_READING ? "read" : "write", size);
    return GREEN_UNLIKELY(error < 0) ? error : green__socket_begin(socket, call, direction);
}

/* Whether the peer receives each write, even an empty one, as a separate message. */
bool green__socket_keeps_messages(const green_socket *socket);

/* Ends it; may close the descriptor. Keeps and returns result, explained when
 * it is an error. */
ssize_t green__socket_end(green_socket_io *call, ssize_t result);

extern const green_wait_kind green__socket_wait_kind;

/* Whether a call may run another operation: 0, -EBADF once the socket is
 * closed, or an interrupt. */
int green__socket_continue(green_socket_io *call);

/* The same after an operation that a signal broke off: -ETIMEDOUT too. */
int green__socket_retry(green_socket_io *call);

/* Runs one operation within the call, again when a signal broke it off: except
 * for a connect, which goes on by itself then. */
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

/* Records for green_socket_failed_with() that the last operation in a direction has failed
 * because of the connection. Returns error. */
int green__socket_set_failed(green_socket *socket, green_socket_direction direction, int error);

/* Gives up what was not read. */
void green__socket_drop_unread(green_socket *socket);

/* "socket 7 (127.0.0.1:6000 - 127.0.0.1:41234)" */
const char *green__socket_label(const green_socket *socket, char *text, size_t size);
enum { GREEN_SOCKET_LABEL_MAX = 2 * GREEN_ADDRESS_TEXT_MAX + 32 };

#endif
