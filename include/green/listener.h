/* Listening sockets. */
#ifndef GREEN_LISTENER_H
#define GREEN_LISTENER_H

#include <green/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_listener green_listener;

/* Zero in any field means its default. */
typedef struct green_listen_options {
    /* Connections that the kernel keeps for accept. Default: its maximum. */
    int backlog;
    /* Several listeners share the port, and its connections, on purpose.
     * Eventlet does this silently; Green only when asked. */
    bool reuse_port;
    /* Do without SO_REUSEADDR, so that a port in TIME_WAIT is refused. */
    bool no_reuse_address;
    /* IPV6_V6ONLY: a listener on [::] accepts no IPv4 clients, and leaves the
     * port free for an IPv4 listener. Default: the system's setting
     * (net.ipv6.bindv6only); normally [::] accepts both. No effect on other
     * addresses. */
    bool ipv6_only;
} green_listen_options;

/* Listens on an address; a host name is looked up, and its first address taken.
 * Port 0 takes a free one: ask green_listener_address(). Green replaces
 * the socket file of a unix server that no longer runs. The file of a live server
 * gives -EADDRINUSE; to find out, Green connects to the server and closes the
 * connection. Closing the listener removes its socket file, even if the working
 * directory has changed since, but not a file that has replaced it.
 * -EADDRINUSE, -EACCES (a port below 1024), -EADDRNOTAVAIL: green_explain()
 * says what to do. Blocks only to look up a name. */
GREEN_API GREEN_CHECK int green_listen(green_listener **listener, const char *on,
                                       const green_listen_options *GREEN_NULLABLE options);
GREEN_API GREEN_CHECK int green_listen_address(green_listener **listener, const green_address *on,
                                               const green_listen_options *GREEN_NULLABLE options);

/* Makes a listener of a listening descriptor (from systemd, say), which it owns
 * from then on; on failure the caller still owns it. Sets O_NONBLOCK, for all
 * processes that share the descriptor, because another process may take a connection
 * between poll(2) and accept(2). Connections stay in the shared queue until a process
 * accepts them. Each new connection wakes all processes that wait for one; listeners
 * with reuse_port do not share wake-ups. -EINVAL: the descriptor does not listen. */
GREEN_API GREEN_CHECK int green_listener_adopt(green_listener **listener, int fd);

GREEN_API green_listener *green_listener_retain(green_listener *listener);

/* Gives the listener up; the last owner closes it. */
GREEN_API void green_listener_release(green_listener *GREEN_NULLABLE listener);

/* Waits for a connection and stores a socket that the caller owns. Connections stay
 * in the kernel's queue until a call accepts them. Only one thread may wait at a time;
 * a second one gets -EBUSY. Connections that were reset in the queue are skipped.
 * -EMFILE and -ENFILE: out of descriptors; the connection stays in the queue for a
 * later call. -EBADF: the listener was closed. Blocks. */
GREEN_API GREEN_CHECK int green_accept(green_listener *listener, green_socket **socket);

/* Stops listening; the port is free when this returns. When a process is killed, the
 * port is free as soon as its parent has waited for it. Connections in the kernel's
 * queue are left to other processes that share the listener; without such a process
 * they are reset. A thread blocked in green_accept() gets -EBADF. green_serve() on the
 * listener returns 0, and its handlers continue to run. A second close returns 0.
 * Cannot be interrupted. */
GREEN_API int green_listener_close(green_listener *listener);

/* Stops a green_serve() from outside. Accepts the connections in the kernel's queue,
 * stops listening, and waits up to drain nanoseconds for the handlers of all accepted
 * connections to run and end, within the server's concurrency limit. Then it closes
 * the connections whose handler has not started, kills the remaining handlers and
 * waits for them to end. After that green_serve() returns 0.
 * A drain of 0 does not accept the queue: its connections are handled as by
 * green_listener_close(). A negative drain has no limit.
 * A handler may call this; it neither waits for that handler nor kills it.
 * Returns 0 if all handlers ended by themselves, otherwise the number of handlers that
 * were killed or had not started. If the caller is interrupted, the listener is closed
 * anyway, the handlers continue to run, and green_serve() returns 0 once the handlers
 * of all accepted connections have started.
 * If descriptors or memory run out, it keeps listening and accepts the remaining
 * connections as handlers end. Blocks. */
GREEN_API int green_listener_stop(green_listener *listener, int64_t drain);

/* The address it listens on, with the real port. */
GREEN_API GREEN_CHECK int green_listener_address(const green_listener *listener, green_address *address);

/* The descriptor, which the listener still owns and which has O_NONBLOCK set. -EBADF:
 * the listener is closed. */
GREEN_API int green_listener_fd(const green_listener *listener);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
