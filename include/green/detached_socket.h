/* Connected sockets between two hubs.
 *
 *     green_detached_socket *detached;
 *     int error = green_socket_detach(socket, &detached);      on the OS thread of the socket
 *     ... pass it to another hub, for example through a channel ...
 *     error = green_socket_attach(&socket, detached);          on the other OS thread
 *
 * Nothing is lost: bytes that were received and not read, and the state of TLS, move with
 * the connection. */
#ifndef GREEN_DETACHED_SOCKET_H
#define GREEN_DETACHED_SOCKET_H

#include <green/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* A connection that belongs to no hub. One OS thread at a time may use it. */
typedef struct green_detached_socket green_detached_socket;

/* Takes the connection out of a socket. The socket is then closed, as by green_socket_close()
 * but without an end of the connection; the caller still has to release it. Does not block.
 *
 * Returns 0, or the socket is unchanged:
 *   -EBUSY   a thread uses the socket
 *   -EBADF   the socket is closed
 *   -EXDEV   the socket lives on another OS thread
 *   -ENOMEM */
GREEN_API GREEN_CHECK int green_socket_detach(green_socket *socket, green_detached_socket **detached);

/* Makes a socket of this OS thread's hub from a detached connection, and frees the latter. Its
 * timeouts are those of the former socket. Does not block. -ENOMEM: the caller still owns it. */
GREEN_API GREEN_CHECK int green_socket_attach(green_socket **socket, green_detached_socket *detached);

/* Closes a detached connection and frees it. NULL does nothing. */
GREEN_API void green_detached_socket_free(green_detached_socket *GREEN_NULLABLE detached);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
