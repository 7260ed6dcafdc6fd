/* Servers: one green thread for each connection. */
#ifndef GREEN_SERVE_H
#define GREEN_SERVE_H

#include <green/listener.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* Serves one connection. The client is borrowed: when the handler returns, the client is
 * closed and released. A handler that retains the client keeps it open. Returns a
 * number >= 0, a negated errno, or GREEN_STOP_SERVE. */
typedef int green_handler(green_socket *client, void *GREEN_NULLABLE context);

/* Returned by a handler: makes green_serve() return 0. */
#define GREEN_STOP_SERVE (-0x6772)

/* Zero in any field means its default. */
typedef struct green_serve_options {
    /* Maximum number of handlers that run at the same time. At the limit no connection
     * is accepted until a handler ends. Default: 1000. */
    size_t concurrency;
    /* Bytes of address space for each handler's stack. Default: the hub's. */
    size_t stack_size;
    /* Called in the handler's thread with each error that ended a handler; green_serve()
     * continues. Without on_error, an error of the client's own connection is reported
     * on standard error, and any other error ends green_serve(). */
    void (*GREEN_NULLABLE on_error)(int error, void *GREEN_NULLABLE context);
    /* Called once with the context after its last use: green_serve() has returned, with
     * or without an error, and its last handler has ended. */
    void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE context);
} green_serve_options;

/* Accepts connections and runs handler(client, context) for each one in its own green
 * thread. Blocks.
 *
 * Returns:
 *   0                the listener was closed or stopped, or a handler returned
 *                    GREEN_STOP_SERVE
 *   a handler's error, if there is no on_error
 *   -EBUSY           another thread serves this listener
 *   -EXDEV           the listener belongs to another OS thread
 *   another error of green_accept() or green_spawn_with()
 *   the error of an interrupt of the caller
 * Handlers that are still running continue to run, and the listener stays open unless it
 * was closed.
 *
 * A handler's error of its own client's connection does not end green_serve(): a reset, a
 * timeout of the socket, a failed handshake or a line that is too long. A client can
 * cause each of these at any time. green_socket_failed_with() distinguishes them from the
 * same errors of other connections. -ECANCELED from a handler means that it was killed,
 * which is not an error.
 *
 * If descriptors or memory run out, green_serve() waits until some are free and
 * continues. */
GREEN_API int green_serve(green_listener *listener, const green_serve_options *GREEN_NULLABLE options,
                          green_handler *handler, void *GREEN_NULLABLE context);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
