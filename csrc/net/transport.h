/* A layer between a socket and its descriptor, such as TLS. */
#ifndef GREEN_NET_TRANSPORT_H
#define GREEN_NET_TRANSPORT_H

#include "socket.h"

typedef struct green_transport green_transport;

typedef struct green_transport_class {
    /* Reads at least one and at most size bytes. Returns 0 at the end of the stream. */
    ssize_t (*receive)(green_socket_io *call, void *bytes, size_t size);
    /* Waits until bytes can be received. Returns the minimum number available, or 0 at the
     * end of the stream. */
    ssize_t (*wait_readable)(green_socket_io *call);
    /* Whether received bytes, or the end of the stream, are here already, so that a read would
     * probably not wait for the descriptor. */
    bool (*has_unread)(const green_transport *transport);
    /* Writes all pieces. */
    ssize_t (*send)(green_socket_io *call, const struct iovec *pieces, int count);
    /* Shuts down the write direction. */
    int (*shutdown)(green_socket_io *call);
    /* Called when the socket is closed. Notifies the peer if that does not block. */
    void (*close)(green_transport *transport);
    /* Called when the socket is freed. */
    void (*destroy)(green_transport *transport);
    /* Moves it to another socket, which has no hub. No call uses it. Returns 0, or -ENOMEM:
     * it is unchanged. */
    int (*move)(green_transport *transport, green_socket *to);
} green_transport_class;

struct green_transport {
    const green_transport_class *class;
};

/* Receives into a buffer provided by the engine, or into a chunk: see read.c. */
int32_t green__socket_receive_provided(green_socket_io *call, green_unread *into);

/* Sends all bytes. *sent counts the bytes that were sent, even if an error is returned. */
int green__socket_send_all(green_socket_io *call, const void *bytes, size_t size, size_t *sent);

/* Frees received bytes. */
void green__unread_free(green_socket *socket, green_unread *unread);

/* Moves received bytes from a buffer of the engine, if they are in one, into a chunk. Returns 0
 * or -ENOMEM. */
int green__unread_keep(green_socket *socket, green_unread *unread);

#endif
