/* serve: a green thread for every connection. */
#ifndef GREEN_SERVE_H
#define GREEN_SERVE_H

#include <green/listener.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* Serves one connection. The client is borrowed: it is closed and released when
 * the handler returns, unless the handler retains it, and then only released.
 * Returns >= 0, a negated errno, or GREEN_STOP_SERVE. */
typedef int green_handler(green_socket *client, void *GREEN_NULLABLE context);

/* Returned by a handler: green_serve() is to return 0. */
#define GREEN_STOP_SERVE (-0x6772)

/* Zero in any field means its default. */
typedef struct green_serve_options {
    /* Handlers that may run at one time. At the limit no connection is accepted
     * until one of them ends. Default 1000. */
    size_t concurrency;
    /* Bytes of address space for each handler's stack. Default: the hub's. */
    size_t stack_size;
    /* Called in the handler's thread with any error that ended the handler;
     * green_serve() continues. Without on_error, an error of the client's own
     * connection is reported on standard error, and any other error ends
     * green_serve(). */
    void (*GREEN_NULLABLE on_error)(int error, void *GREEN_NULLABLE context);
    /* Called once, with the context, when nobody uses it any more: green_serve()
     * has returned, whatever it returned, and its last handler has ended. */
    void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE context);
} green_serve_options;

/* Accepts connections and runs handler(client, context) for each in a green
 * thread of its own. Blocks until the listener is closed or stopped or a handler
 * returns GREEN_STOP_SERVE: 0; until a handler fails, when there is no on_error:
 * its error; or until the caller is interrupted. Handlers still running then go
 * on, and the listener stays open unless it was closed.
 *
 * A handler that ends with an error of its client's own connection does not end
 * green_serve(): a reset, a timeout of the socket, a failed handshake or a line that is
 * too long. A client can cause each of these at any time. green_socket_failed_with()
 * distinguishes them from the same errors on other connections. A handler that ends
 * with -ECANCELED was killed; that is not an error.
 *
 * Out of descriptors or memory, it waits for one to be free and goes on.
 * -EBUSY: somebody already serves this listener. */
GREEN_API int green_serve(green_listener *listener, const green_serve_options *GREEN_NULLABLE options,
                          green_handler *handler, void *GREEN_NULLABLE context);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
