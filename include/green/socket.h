/* Connected stream sockets.
 *
 * A socket belongs to its OS thread: calls on another one fail with -EXDEV, except
 * green_close() and green_socket_release(). detached_socket.h gives a socket to another one.
 * One green thread may read while another writes. A second reader, or a second writer, gets
 * -EBUSY, and green_explain() names both.
 *
 * Calls that block, read or write also fail with:
 *   -ETIMEDOUT          the socket's timeout expired, see green_socket_set_timeouts()
 *   -ECANCELED, -ETIME  the thread was killed, or a green_timeout expired
 *   -EBADF              the socket is closed, or was closed meanwhile
 *   -EINVAL             a length exceeds SSIZE_MAX
 *   -EWOULDBLOCK        called in a link or a destructor
 *   -ENOMEM */
#ifndef GREEN_SOCKET_H
#define GREEN_SOCKET_H

#include <green/address.h>
#include <green/base.h>
#include <green/select.h>
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
    /* Nanoseconds for the whole call, including name resolution. Default: no limit. */
    int64_t timeout;
} green_connect_options;

/* Connects to an address or a host name, as in "example.org:80", and stores a socket that
 * the caller owns. Tries the addresses of a name one after another. If the name has IPv4
 * and IPv6 addresses, it alternates between them. A further attempt starts 250 ms after
 * the previous one, or when that fails, and the first connection wins (RFC 8305). Sets
 * TCP_NODELAY. Blocks.
 *
 * Errors are those of connect(2) for the last address tried, those of green_resolve(),
 * and:
 *   -ETIMEDOUT     the timeout of the options, or of the kernel, expired
 *   -EMFILE        no descriptor is left
 *   -ECONNREFUSED  no socket listens there. If no socket listens on a local port, TCP may
 *                  connect a socket to itself; this is -ECONNREFUSED, too */
GREEN_API GREEN_CHECK int green_connect(green_socket **socket, const char *to,
                                        const green_connect_options *GREEN_NULLABLE options);
GREEN_API GREEN_CHECK int green_connect_address(green_socket **socket, const green_address *to,
                                                const green_connect_options *GREEN_NULLABLE options);

/* Like green_connect(), with the host and the port as separate arguments, as in
 * green_resolve_host(). */
GREEN_API GREEN_CHECK int green_connect_host(green_socket **socket, const char *host, uint16_t port,
                                             const green_connect_options *GREEN_NULLABLE options);

/* Makes a pair of connected unix stream sockets, which the caller owns. Does not block. */
GREEN_API GREEN_CHECK int green_socket_pair(green_socket **first, green_socket **second);

/* Makes a green socket from the descriptor of a stream or datagram socket. The socket owns
 * the descriptor; on failure the caller still owns it. Does not block. -ENOTSOCK,
 * -EBADF. */
GREEN_API GREEN_CHECK int green_socket_adopt(green_socket **socket, int fd);

/* Adds an owner, and returns the socket. Call it on the OS thread of the socket. */
GREEN_API green_socket *green_socket_retain(green_socket *socket);

/* Releases the socket. The last release closes it. On another OS thread than that of the
 * socket, this takes effect soon after the call, on the hub of the socket; if that has ended,
 * at once. Such a call allocates nothing and does not block. */
GREEN_API void green_socket_release(green_socket *GREEN_NULLABLE socket);

/* Closes the connection at once. Threads blocked in the socket are woken with -EBADF, and
 * every later call gives -EBADF; a second close returns 0. The descriptor is closed when
 * this returns. Blocks until the woken threads have left the socket, which takes one
 * iteration of the event loop and cannot be interrupted. The memory stays valid until the
 * last owner releases it.
 *
 * On another OS thread than that of the socket, a green thread of its hub does this, and the
 * caller waits; an OS thread without a hub blocks. Such a call may fail:
 *   -ENOMEM       no memory for the green thread; the socket stays open
 *   -EWOULDBLOCK  called in a link or a destructor; the socket stays open
 *   -EXDEV        the socket belongs to the process before a fork */
GREEN_API int green_close(green_socket *socket);

/* Shuts down one direction or both, shutdown(2): how is SHUT_RD, SHUT_WR or SHUT_RDWR.
 * Bytes already written are still delivered. -ENOTCONN, -EBADF. Does not block, except to
 * send the close_notify of TLS, which waits for the handshake and for room as a write
 * does. */
GREEN_API int green_shutdown(green_socket *socket, int how);

/* Reads the available bytes, at most size. Returns their number, or 0 at the end of the
 * stream or for a size of 0. Blocks until a byte is available. -ECONNRESET: the peer
 * reset the connection. -EBUSY. */
GREEN_API GREEN_CHECK ssize_t green_read(green_socket *socket, void *bytes, size_t size);

/* Reads exactly size bytes and returns size. If the stream ends before that, the received
 * bytes are in place and the result is -ENODATA; green_explain() gives their number.
 * After any other error, such as an interrupt, the received bytes stay unread in a buffer
 * of the socket, and the next call returns them. Without memory for that buffer they are
 * lost, and every later read fails with -ENOMEM. Blocks. */
GREEN_API GREEN_CHECK ssize_t green_read_exactly(green_socket *socket, void *bytes, size_t size);

/* Reads a line, including its '\n', appends a NUL, and returns its length without the NUL.
 * The last line may lack the '\n'. Returns 0 at the end of the stream. Blocks.
 *
 * -EMSGSIZE: no '\n' within size - 1 bytes; the received bytes stay unread. -EINVAL: size
 * is less than 2. */
GREEN_API GREEN_CHECK ssize_t green_read_line(green_socket *socket, char *bytes, size_t size);

/* Waits for bytes and gives access to them in place: without a copy, and without a buffer
 * while the thread waits. Returns the number of bytes at *bytes, or 0 at the end of the
 * stream. They stay valid until the next call that reads from this socket. Bytes count as
 * read once they are passed to green_consume(). Blocks. */
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

/* Writes all bytes and returns size. After an error, part of the bytes may have been sent.
 * A size of 0 sends an empty message on a socket that preserves message boundaries, such
 * as a datagram socket, and nothing on a stream. Blocks until the kernel has taken the
 * last byte. -EPIPE, -ECONNRESET: the peer has closed the connection; there is no
 * SIGPIPE. -EBUSY. */
GREEN_API ssize_t green_write(green_socket *socket, const void *bytes, size_t size);

/* Like green_write(), for several pieces, in as few packets as possible. Changes the
 * entries of the array. -EINVAL: the count is negative, or the sum of the lengths
 * exceeds SSIZE_MAX. -EMSGSIZE: more than IOV_MAX pieces for one message. */
GREEN_API ssize_t green_writev(green_socket *socket, struct iovec *pieces, int count);

/* Writes as many bytes as the kernel takes now, at least one, and returns their number.
 * Blocks until the kernel takes a byte. */
GREEN_API GREEN_CHECK ssize_t green_write_some(green_socket *socket, const void *bytes, size_t size);

/* Whether the last read or the last write of this socket failed with the error. Such
 * errors are: the peer reset the connection, the TLS handshake failed, a line was too
 * long, the peer was silent for longer than the timeout, or the socket was closed.
 * Interrupts and lack of memory do not count. A server uses this to distinguish a lost
 * client from its own failures, as green_serve() does. Does not block. */
GREEN_API bool green_socket_failed_with(const green_socket *socket, int error);

/* Sets the time in nanoseconds that a single call may take, for reads and for writes. When
 * it expires, the call fails with -ETIMEDOUT. A negative timeout, the default, means no
 * limit. With 0 a call does not wait. SO_RCVTIMEO and SO_SNDTIMEO do not apply to Green's
 * calls. */
GREEN_API void green_socket_set_timeouts(green_socket *socket, int64_t read, int64_t write);
GREEN_API void green_socket_timeouts(const green_socket *socket, int64_t *read, int64_t *write);

/* getsockopt(2) and setsockopt(2) for an int. Do not block. */
GREEN_API GREEN_CHECK int green_socket_option(const green_socket *socket, int level, int name, int *value);
GREEN_API int green_socket_set_option(green_socket *socket, int level, int name, int value);

/* The local address and the peer's address. The peer's address remains known after the
 * peer has reset the connection. -EBADF: the socket is closed. -ENOTCONN: the socket was
 * never connected. Do not block. */
GREEN_API GREEN_CHECK int green_socket_local_address(const green_socket *socket, green_address *address);
GREEN_API GREEN_CHECK int green_socket_peer_address(const green_socket *socket, green_address *address);

/* The descriptor, which stays owned by the socket. -EBADF: the socket is closed. */
GREEN_API int green_socket_fd(const green_socket *socket);

/* Cases of green_select(): the socket can be read from, or written to. A read, or a write of a few
 * bytes, would then probably not wait: the socket has unread bytes or the end of the stream, or the
 * kernel has room. With TLS, a read may still wait for the rest of a record; make the handshake first.
 * A close serves the case with -EBADF, and a socket that has a reader, or a writer, with -EBUSY. The
 * timeouts of the socket do not apply. NULL: absent. */
GREEN_API green_case green_case_readable(green_socket *GREEN_NULLABLE socket);
GREEN_API green_case green_case_writable(green_socket *GREEN_NULLABLE socket);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
