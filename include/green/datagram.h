/* Datagram sockets: UDP and unix. They are green_sockets; the calls that are
 * about a stream (lines, exact reads) mean nothing on them. */
#ifndef GREEN_DATAGRAM_H
#define GREEN_DATAGRAM_H

#include <green/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* A datagram socket bound to an address; port 0 is any free one. */
GREEN_API GREEN_CHECK int green_datagram_open(green_socket **socket, const green_address *at);

/* Receives one datagram and returns its size, which is larger than size when
 * its end was cut off. from, if given, is the sender's address. Blocks. */
GREEN_API GREEN_CHECK ssize_t green_receive_from(green_socket *socket, void *bytes, size_t size,
                                                 green_address *GREEN_NULLABLE from);

/* Sends one datagram. -EMSGSIZE: larger than the network takes. Blocks. */
GREEN_API ssize_t green_send_to(green_socket *socket, const void *bytes, size_t size, const green_address *to);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
