/* Connected stream sockets.
 *
 * A socket belongs to its OS thread. One green thread may read while another
 * writes; a second reader, or a second writer, is told -EBUSY, and
 * green_explain() names both. A length of more than SSIZE_MAX bytes is
 * -EINVAL. */
#ifndef GREEN_SOCKET_H
#define GREEN_SOCKET_H

#include <green/address.h>
#include <green/base.h>
#include <sys/uio.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_socket green_socket;

/* Zero in any field means its default. */
typedef struct green_connect_options {
    /* Local address to connect from. With port 0 the kernel picks a port at connect
     * time, so connections to several destinations can share one local port
     * (IP_BIND_ADDRESS_NO_PORT). */
    const green_address *GREEN_NULLABLE from;
    /* Nanoseconds for everything, name look-up included. Default: no limit. */
    int64_t timeout;
} green_connect_options;

/* Connects to an address or a host name, "example.org:80", and stores a socket
 * that the caller owns. Tries the addresses of a name in turn, and where it has
 * both families starts the next one 250 ms after the last, keeping the first
 * that answers (RFC 8305). TCP_NODELAY is set.
 * Errors are those of connect(2) for the last address tried, those of
 * green_resolve(), -ETIMEDOUT, -EMFILE. If no socket listens on a
 * local port, TCP may connect a socket to itself; this is -ECONNREFUSED, too. Blocks. */
GREEN_API GREEN_CHECK int green_connect(green_socket **socket, const char *to,
                                        const green_connect_options *GREEN_NULLABLE options);
GREEN_API GREEN_CHECK int green_connect_address(green_socket **socket, const green_address *to,
                                                const green_connect_options *GREEN_NULLABLE options);

/* Like green_connect(), with the host and the port as separate arguments, as in
 * green_resolve_host(). */
GREEN_API GREEN_CHECK int green_connect_host(green_socket **socket, const char *host, uint16_t port,
                                             const green_connect_options *GREEN_NULLABLE options);

/* A pair of connected unix stream sockets. */
GREEN_API GREEN_CHECK int green_socket_pair(green_socket **first, green_socket **second);

/* Makes a green socket of a descriptor, stream or datagram, which it owns from
 * then on; on failure it stays the caller's. -ENOTSOCK. */
GREEN_API GREEN_CHECK int green_socket_adopt(green_socket **socket, int fd);

/* One more owner. Returns the socket. */
GREEN_API green_socket *green_socket_retain(green_socket *socket);

/* Gives the socket up; the last owner closes it. */
GREEN_API void green_socket_release(green_socket *GREEN_NULLABLE socket);

/* Closes the connection at once. Threads blocked in it are woken with -EBADF;
 * the descriptor is gone when this returns, which may take one round of the hub
 * but cannot be interrupted. Every later call on the socket is -EBADF, but a
 * second close is 0. The memory lives until the last owner releases it. */
GREEN_API int green_close(green_socket *socket);

/* Ends one direction or both: how is SHUT_RD, SHUT_WR or SHUT_RDWR. What was
 * written is still delivered. -ENOTCONN, -EBADF. Does not block, but to say a
 * goodbye of TLS, which waits for the handshake and for room as a write does. */
GREEN_API int green_shutdown(green_socket *socket, int how);

/* Reads what there is, up to size bytes. 0 is the end of the stream (or a size
 * of 0). -ECONNRESET, -EBUSY, -EBADF. Blocks until there is something. */
GREEN_API GREEN_CHECK ssize_t green_read(green_socket *socket, void *bytes, size_t size);

/* Reads exactly size bytes and returns size. When the stream ends before, the
 * bytes that came are in place and the result is -ENODATA; green_explain()
 * tells how many. When interrupted, the bytes that came stay in the socket's
 * own buffer as long as they fit one; they are read again by the next call. */
GREEN_API GREEN_CHECK ssize_t green_read_exactly(green_socket *socket, void *bytes, size_t size);

/* Reads a line into bytes, with its '\n' and a final NUL after it, and returns
 * its length without the NUL. A last line without '\n' counts. 0 is the end of
 * the stream. -EMSGSIZE: no '\n' within size - 1 bytes; what came is still
 * unread. */
GREEN_API GREEN_CHECK ssize_t green_read_line(green_socket *socket, char *bytes, size_t size);

/* Waits until something has come and lends it in place, without a copy and
 * without a buffer for as long as the thread waits: *bytes stays good until the
 * next call that reads from this socket. Returns how much there is; 0 is the
 * end of the stream. It counts as read once green_consume() says how much of it
 * was. */
GREEN_API GREEN_CHECK ssize_t green_receive(green_socket *socket, const void **bytes);
GREEN_API void green_consume(green_socket *socket, size_t size);

/* Like green_receive(), but waits for a whole line and returns its length including
 * the '\n'. The last line may lack the '\n'. Memory grows as bytes arrive, whatever the
 * limit. -EINVAL: limit is 0. -EMSGSIZE: no '\n' within limit bytes; the received bytes
 * stay unread. */
GREEN_API GREEN_CHECK ssize_t green_receive_line(green_socket *socket, size_t limit, const void **line);

/* Like green_receive(), but waits for size bytes, and returns size. Memory grows as
 * bytes arrive, so size may be a number from the peer. -EINVAL: size is 0 or exceeds
 * SSIZE_MAX. -ENODATA: the stream ended before size bytes, and the received bytes are
 * dropped. After any other error they stay unread. */
GREEN_API GREEN_CHECK ssize_t green_receive_exactly(green_socket *socket, size_t size, const void **bytes);

/* Writes all of it and returns size; anything else is an error, and part of it
 * may have been sent. A size of 0 sends an empty message on a socket that preserves
 * message boundaries, such as a datagram socket, and nothing on a stream. -EPIPE and
 * -ECONNRESET: the peer has gone; there is no SIGPIPE. Blocks until the kernel has
 * taken the last byte. */
GREEN_API ssize_t green_write(green_socket *socket, const void *bytes, size_t size);

/* Like green_write(), for several pieces, in as few packets as possible. Changes the
 * entries of the array. -EINVAL: the count is negative, or the sum of the lengths
 * exceeds SSIZE_MAX. -EMSGSIZE: more than IOV_MAX pieces for one message. */
GREEN_API ssize_t green_writev(green_socket *socket, struct iovec *pieces, int count);

/* Writes what the kernel takes now, at least a byte, and returns how much. */
GREEN_API GREEN_CHECK ssize_t green_write_some(green_socket *socket, const void *bytes, size_t size);

/* Whether the last read or the last write of this socket failed with the error. Such
 * errors are: the peer reset the connection, the TLS handshake failed, a line was too
 * long, the peer was silent for longer than the timeout, or the socket was closed.
 * Interrupts and lack of memory do not count. A server uses this to distinguish a lost
 * client from its own failures, as green_serve() does. Does not block. */
GREEN_API bool green_socket_failed_with(const green_socket *socket, int error);

/* Nanoseconds that one call that reads, or one that writes, may take as a whole
 * before it ends with -ETIMEDOUT. A negative timeout, the default, means no limit. With
 * 0 a call does not wait. SO_RCVTIMEO and SO_SNDTIMEO do not apply to Green's calls. */
GREEN_API void green_socket_set_timeouts(green_socket *socket, int64_t read, int64_t write);
GREEN_API void green_socket_timeouts(const green_socket *socket, int64_t *read, int64_t *write);

/* getsockopt(2) and setsockopt(2) of an int. Do not block. */
GREEN_API GREEN_CHECK int green_socket_option(const green_socket *socket, int level, int name, int *value);
GREEN_API int green_socket_set_option(green_socket *socket, int level, int name, int value);

/* The addresses of both ends. The peer's address remains known after the peer has reset
 * the connection. -EBADF: the socket is closed. -ENOTCONN: the socket was never
 * connected. Do not block. */
GREEN_API GREEN_CHECK int green_socket_local_address(const green_socket *socket, green_address *address);
GREEN_API GREEN_CHECK int green_socket_peer_address(const green_socket *socket, green_address *address);

/* The descriptor, still owned by the socket; -EBADF once closed. */
GREEN_API int green_socket_fd(const green_socket *socket);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
