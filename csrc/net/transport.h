/* What may stand between a socket and its descriptor: TLS. Without one, bytes go
 * straight through. This room knows nothing of what is behind it. */
#ifndef GREEN_NET_TRANSPORT_H
#define GREEN_NET_TRANSPORT_H

#include "socket.h"

typedef struct green_transport green_transport;

typedef struct green_transport_class {
    /* Reads up to size bytes, one at least; 0 at the end of the stream. */
    ssize_t (*receive)(green_socket_io *call, void *bytes, size_t size);
    /* Waits until there is something to receive, and returns how much of it is
     * there at least; 0 at the end of the stream. */
    ssize_t (*await)(green_socket_io *call);
    /* Writes all the pieces. */
    ssize_t (*send)(green_socket_io *call, const struct iovec *pieces, int count);
    /* Ends the direction that writes. */
    int (*finish)(green_socket_io *call);
    /* The socket is being closed: tells the peer if that needs no waiting. */
    void (*close)(green_transport *transport);
    /* The socket is gone. */
    void (*destroy)(green_transport *transport);
} green_transport_class;

struct green_transport {
    const green_transport_class *class;
};

/* Receives into the engine's memory, or a chunk, for a transport or a reader
 * that brings none: see read.c. */
int32_t green__socket_receive_provided(green_socket_io *call, green_unread *into);

/* Sends all of it, or fails; *sent counts the bytes that went out either way. */
int green__socket_send_all(green_socket_io *call, const void *bytes, size_t size, size_t *sent);

/* Gives the memory of what was received back. */
void green__unread_free(green_socket *socket, green_unread *unread);

#endif
