/* Servers on all hubs of a pool.
 *
 *     green_hub_pool *hubs;
 *     green_server *server;
 *     int error = green_hub_pool_make(&hubs, NULL);
 *     if (error == 0)
 *         error = green_server_start(&server, "0.0.0.0:80", hubs, NULL, session, NULL);
 *     if (error == 0)
 *         error = green_server_wait(server, GREEN_FOREVER);
 *
 * All functions may be called on any OS thread. */
#ifndef GREEN_SERVER_H
#define GREEN_SERVER_H

#include <green/hub_pool.h>
#include <green/serve.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_server green_server;

/* How connections reach the hubs. Unix sockets are always handed over. */
typedef enum green_distribution {
    GREEN_DISTRIBUTE_DEFAULT, /* GREEN_HAND_OVER */
    /* One hub accepts all connections and hands each to the hub with the fewest, so all hubs
     * get the same number, also of few connections. While that hub computes, new connections
     * wait in the kernel's queue. */
    GREEN_HAND_OVER,
    /* Each hub has a listener, and the kernel selects one for each connection by its
     * addresses: SO_REUSEPORT. Pays for many short connections, because all hubs accept. With
     * few connections, some hubs get several and others none. Other processes of the same
     * user may listen on the port, too. */
    GREEN_REUSE_PORT,
} green_distribution;

/* Zero in any field means its default. */
typedef struct green_server_options {
    green_distribution distribution;
    green_listen_options listen; /* reuse_port is ignored */
    /* The options of green_serve(). concurrency counts for each hub. on_error and discard may be
     * called on several OS threads at the same time; discard once in all. */
    green_serve_options serve;
} green_server_options;

/* Listens on an address, and serves it on all hubs of a pool: handler(client, context) runs in
 * a green thread of one of the hubs, at the same time as on the others. Blocks until all hubs
 * accept connections. *server is a handle that the caller owns; it is set before the first
 * handler runs. A server keeps its pool.
 *
 * Errors are those of green_listen(), and:
 *   -ESRCH   the pool is closed
 *   -ENOMEM  no memory, here or on a hub
 *   -ECANCELED, -ETIME
 *            the caller was interrupted; what was opened is closed soon
 *   -EWOULDBLOCK
 *            called in a link or a destructor
 * After an error nothing listens, no handler has run, and discard has been called, or is called
 * soon if the caller was interrupted. */
GREEN_API GREEN_CHECK int green_server_start(green_server **server, const char *on, green_hub_pool *pool,
                                             const green_server_options *GREEN_NULLABLE options, green_handler *handler,
                                             void *GREEN_NULLABLE context);

/* Adds an owner, and returns the server. */
GREEN_API green_server *green_server_retain(green_server *server);

/* Releases a handle. The server continues to run. In a forked child, the last release closes
 * the child's copies of the listening sockets. NULL does nothing. */
GREEN_API void green_server_release(green_server *GREEN_NULLABLE server);

/* The local address of the server, with the port that the kernel picked. */
GREEN_API void green_server_address(const green_server *server, green_address *address);

/* Blocks until the server has ended on all hubs, for up to timeout nanoseconds; with 0 it does
 * not wait. Handlers that are still running continue to run. Any number of threads may wait,
 * any number of times.
 *
 * Returns:
 *   0                the server was stopped, or a handler returned GREEN_STOP_SERVE
 *   the error that ended the server, with its message: of a handler, if there is no on_error,
 *                    or another one of green_serve(). Of several errors, the first
 *   -ESRCH           the hubs were closed
 *   -ETIMEDOUT       the server has not ended
 *   -EXDEV           the server belongs to the process before a fork
 *   -EWOULDBLOCK     it would have to wait, in a link or a destructor
 *   -ECANCELED, -ETIME
 *                    the calling green thread was interrupted
 * If no call has returned the error, it is reported on standard error with the last release. */
GREEN_API GREEN_CHECK int green_server_wait(green_server *server, int64_t timeout);

/* Stops the server on all hubs at the same time, as green_listener_stop() does on one: accepts
 * the connections in the kernel's queue, stops listening, and waits up to drain nanoseconds
 * for the handlers of all accepted connections to run and end. Then it closes the
 * connections whose handler has not started, and kills the remaining handlers. A drain of 0
 * does not accept the queue and kills at once; a negative drain has no limit. Handlers may
 * call this: it neither waits for nor kills a handler that is in such a call. Blocks.
 *
 * Returns the number of handlers that were killed or had not started, on all hubs, or:
 *   -ECANCELED, -ETIME
 *            the caller was interrupted; the server ends nevertheless, and its handlers
 *            continue to run
 *   -EWOULDBLOCK
 *            called in a link or a destructor; the same
 *   -ENOMEM  no memory, here or on a hub; the same, and another call stops the handlers
 *   -EXDEV   the server belongs to the process before a fork */
GREEN_API int green_server_stop(green_server *server, int64_t drain);

/* The number of running handlers on one hub of the pool, by its index. */
GREEN_API size_t green_server_running(const green_server *server, size_t hub);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
