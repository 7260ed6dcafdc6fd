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

/* A connection that belongs to no hub. One OS thread at a time may use it. A forked child may
 * attach or free its copy. */
typedef struct green_detached_socket green_detached_socket;

/* Takes the connection out of a socket. The socket is then closed, as by green_close(), but
 * the connection stays open. The caller still has to release the socket. The handler of a
 * server may detach its client. Bytes that green_receive() has provided are no longer valid;
 * those that were not consumed stay unread. Does not block.
 *
 * Returns 0 and a detached socket that the caller owns, or the socket is unchanged:
 *   -EBUSY   a thread reads from the socket or writes to it
 *   -EBADF   the socket is closed
 *   -EXDEV   the socket lives on another OS thread
 *   -ENOMEM */
GREEN_API GREEN_CHECK int green_socket_detach(green_socket *socket, green_detached_socket **detached);

/* Makes a socket of this OS thread's hub from a detached connection, and frees the latter. The
 * caller owns the socket. Its timeouts are those of the former one. Does not block, and fails
 * only if this OS thread has no hub and none can be made: then the caller still owns the
 * detached socket. */
GREEN_API GREEN_CHECK int green_socket_attach(green_socket **socket, green_detached_socket *detached);

/* Closes a detached connection and frees it. NULL does nothing. Any thread. */
GREEN_API void green_detached_socket_free(green_detached_socket *GREEN_NULLABLE detached);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
