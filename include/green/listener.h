/* Listening sockets. A listener belongs to its OS thread: calls on another one fail with
 * -EXDEV, except green_listener_close(), green_listener_stop() and
 * green_listener_release(). */
#ifndef GREEN_LISTENER_H
#define GREEN_LISTENER_H

#include <green/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_listener green_listener;

/* Zero in any field means its default. */
typedef struct green_listen_options {
    /* Maximum number of connections in the kernel's queue, listen(2). Default: the
     * system's maximum (net.core.somaxconn). */
    int backlog;
    /* SO_REUSEPORT: several listeners share the port, and the kernel distributes the
     * connections among them. Eventlet sets this by default; Green only on request. */
    bool reuse_port;
    /* Do not set SO_REUSEADDR: a port with connections in TIME_WAIT gives -EADDRINUSE. */
    bool no_reuse_address;
    /* IPV6_V6ONLY: a listener on [::] accepts no IPv4 clients, and leaves the
     * port free for an IPv4 listener. Default: the system's setting
     * (net.ipv6.bindv6only); normally [::] accepts both. No effect on other
     * addresses. */
    bool ipv6_only;
} green_listen_options;

/* Listens on an address and stores a listener that the caller owns. A host name is
 * resolved, and its first address is used. With port 0 the kernel picks a free port; see
 * green_listener_address(). Blocks only to resolve a name.
 *
 * On a unix address, Green replaces the socket file of a server that no longer runs. The
 * file of a live server gives -EADDRINUSE; to find out, Green connects to the server and
 * closes the connection. Closing the listener removes its socket file, even if the
 * working directory has changed since, but not a file that has replaced it.
 *
 * Errors are those of green_resolve(), and:
 *   -EADDRINUSE     another socket uses the address
 *   -EACCES         no permission, as for a port below 1024
 *   -EADDRNOTAVAIL  no interface of this machine has the address
 *   -EMFILE         no descriptor is left
 *   -ENOMEM
 * green_explain() says what to do about the first four. */
GREEN_API GREEN_CHECK int green_listen(green_listener **listener, const char *on,
                                       const green_listen_options *GREEN_NULLABLE options);
GREEN_API GREEN_CHECK int green_listen_address(green_listener **listener, const green_address *on,
                                               const green_listen_options *GREEN_NULLABLE options);

/* Makes a listener from a listening descriptor, such as one from systemd. The listener
 * owns the descriptor; on failure the caller still owns it. Sets O_NONBLOCK, for all
 * processes that share the descriptor, because another process may take a connection
 * between poll(2) and accept(2). Connections stay in the shared queue until a process
 * accepts them. Each new connection wakes all processes that wait for one; listeners with
 * reuse_port do not share wake-ups. Does not block. -EINVAL: the descriptor does not
 * listen. -EBADF, -ENOTSOCK. */
GREEN_API GREEN_CHECK int green_listener_adopt(green_listener **listener, int fd);

/* Adds an owner, and returns the listener. Call it on the OS thread of the listener. */
GREEN_API green_listener *green_listener_retain(green_listener *listener);

/* Releases the listener. The last release closes it. On another OS thread: like
 * green_socket_release(). */
GREEN_API void green_listener_release(green_listener *GREEN_NULLABLE listener);

/* Waits for a connection and stores a socket that the caller owns. Connections stay in
 * the kernel's queue until a call accepts them. Skips connections that were reset in the
 * queue. Blocks.
 *
 * Errors:
 *   -EBUSY            another thread waits for a connection of this listener
 *   -EMFILE, -ENFILE  no descriptor is left; the connection stays in the queue for a
 *                     later call
 *   -ENOMEM           out of memory; the connection stays in the queue, too
 *   -EBADF            the listener is closed, or was closed meanwhile */
GREEN_API GREEN_CHECK int green_accept(green_listener *listener, green_socket **socket);

/* Stops listening; the port is free when this returns. When a process is killed, the
 * port is free as soon as its parent has waited for it. Connections in the kernel's
 * queue are left to other processes that share the listener; without such a process
 * they are reset. A thread blocked in green_accept() gets -EBADF. green_serve() on the
 * listener returns 0, and its handlers continue to run. A second close returns 0.
 * Blocks while another thread is in green_accept(), and cannot be interrupted. On another OS
 * thread: like green_close(). */
GREEN_API int green_listener_close(green_listener *listener);

/* Stops the green_serve() of a listener, from any thread. On another OS thread than that of the
 * listener: like green_close(), and the wait cannot be interrupted.
 * Accepts the connections in the kernel's queue, stops listening, and waits up to drain
 * nanoseconds for the handlers of all accepted connections to run and end, within the
 * server's concurrency limit. Then it closes the connections whose handler has not
 * started, kills the remaining handlers and waits for them to end. After that
 * green_serve() returns 0. Blocks.
 *
 * A drain of 0 does not accept the queue: its connections are handled as by
 * green_listener_close(). A negative drain has no limit. A handler may call this; it
 * neither waits for that handler nor kills it. If descriptors or memory run out, it keeps
 * listening and accepts the remaining connections as handlers end.
 *
 * Returns 0 if all handlers ended by themselves, otherwise the number of handlers that
 * were killed or had not started. If the caller is interrupted, the listener is closed
 * anyway, the handlers continue to run, and green_serve() returns 0 once the handlers
 * of all accepted connections have started. */
GREEN_API int green_listener_stop(green_listener *listener, int64_t drain);

/* The local address of the listener, with the port that the kernel picked. -EBADF: the
 * listener is closed. */
GREEN_API GREEN_CHECK int green_listener_address(const green_listener *listener, green_address *address);

/* The descriptor, which stays owned by the listener and has O_NONBLOCK set. -EBADF: the
 * listener is closed. */
GREEN_API int green_listener_fd(const green_listener *listener);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
