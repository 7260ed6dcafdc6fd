/* Datagram sockets: UDP and unix. A datagram socket is a green_socket. The calls for
 * streams, such as reads of lines and of an exact size, are meaningless on it. */
#ifndef GREEN_DATAGRAM_H
#define GREEN_DATAGRAM_H

#include <green/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* Opens a datagram socket, binds it to an address and stores it; the caller owns it. With
 * port 0 the kernel picks a free port. Errors are those of socket(2) and bind(2). Does not
 * block. */
GREEN_API GREEN_CHECK int green_datagram_open(green_socket **socket, const green_address *at);

/* Receives one datagram and returns its size. A result larger than size means that the
 * datagram was truncated. Stores the sender's address in *from, unless from is NULL.
 * Blocks until a datagram arrives. Errors are those of green_read(). */
GREEN_API GREEN_CHECK ssize_t green_receive_from(green_socket *socket, void *bytes, size_t size,
                                                 green_address *GREEN_NULLABLE from);

/* Sends one datagram and returns its size. Blocks while the send buffer is full.
 * -EMSGSIZE: the datagram exceeds the maximum size of the network. Other errors are those
 * of green_write(). */
GREEN_API ssize_t green_send_to(green_socket *socket, const void *bytes, size_t size, const green_address *to);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
