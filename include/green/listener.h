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
     * (net.ipv6.bindv6only), by which [::] accepts both. No effect on other
     * addresses. */
    bool ipv6_only;
} green_listen_options;

/* Listens on an address; a host name is looked up, and its first address taken.
 * Port 0 takes a free one: ask green_listener_address(). The socket file of a
 * unix server that no longer runs is replaced. That of a live server gives
 * -EADDRINUSE; the test for it connects to the server and hangs up. Closing the
 * listener removes its file, even if the working directory has changed since,
 * but not a file that somebody else has put in its place.
 * -EADDRINUSE, -EACCES (a port below 1024), -EADDRNOTAVAIL: green_explain()
 * says what to do. Blocks only to look up a name. */
GREEN_API GREEN_CHECK int green_listen(green_listener **listener, const char *on,
                                       const green_listen_options *GREEN_NULLABLE options);
GREEN_API GREEN_CHECK int green_listen_address(green_listener **listener, const green_address *on,
                                               const green_listen_options *GREEN_NULLABLE options);

/* Makes a listener of a listening descriptor (from systemd, say), which it owns
 * from then on; on failure it stays the caller's. Sets O_NONBLOCK, which every
 * process that shares the descriptor sees, because another may take a connection
 * between poll(2) and accept(2). Connections stay in the queue that the processes
 * share until one accepts them. Each new one wakes all processes that wait for it;
 * listeners with reuse_port do not share wake-ups. -EINVAL: it does not listen. */
GREEN_API GREEN_CHECK int green_listener_adopt(green_listener **listener, int fd);

GREEN_API green_listener *green_listener_retain(green_listener *listener);

/* Gives the listener up; the last owner closes it. */
GREEN_API void green_listener_release(green_listener *GREEN_NULLABLE listener);

/* Waits for a connection and stores a socket that the caller owns. Connections
 * that nobody has asked for stay in the kernel's queue. One thread at a time, a
 * second is -EBUSY. Connections that died in the queue are passed
 * over. -EMFILE and -ENFILE: out of descriptors; the connection is still there
 * for a later call. -EBADF: the listener was closed. Blocks. */
GREEN_API GREEN_CHECK int green_accept(green_listener *listener, green_socket **socket);

/* Stops listening; the port is free when this returns. It is also free once a
 * process that was killed has been waited for. Connections in the kernel's queue are
 * left to other processes that share the listener, or else reset. A thread blocked
 * in green_accept() gets -EBADF, and a green_serve() on it returns 0; its handlers go
 * on. A second close is 0. Cannot be interrupted. */
GREEN_API int green_listener_close(green_listener *listener);

/* Stops a green_serve() from outside: accepts the connections in the kernel's
 * queue, stops listening, and waits up to drain nanoseconds until handlers have
 * run for these, as many at a time as the server's concurrency allows, and all
 * handlers have ended. Then it closes connections whose handler has not begun, kills
 * the other handlers and waits for them to end; green_serve() returns 0 after that.
 * A drain of 0 leaves the queue as green_listener_close() does. A negative drain has
 * no limit.
 * A handler may call it, and is then itself neither waited for nor killed.
 * Returns 0 if all handlers ended by themselves, otherwise how many were killed or
 * had not begun. When the caller is interrupted, the listener is closed
 * even so, the handlers go on, and green_serve() returns 0 once those of all accepted
 * connections have begun.
 * Without descriptors or memory for all connections it listens on, and accepts more
 * as handlers end. Blocks. */
GREEN_API int green_listener_stop(green_listener *listener, int64_t drain);

/* The address it listens on, with the real port. */
GREEN_API GREEN_CHECK int green_listener_address(const green_listener *listener, green_address *address);

/* The descriptor, still owned by the listener, with O_NONBLOCK set; -EBADF once
 * closed. */
GREEN_API int green_listener_fd(const green_listener *listener);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
