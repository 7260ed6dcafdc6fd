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
    GREEN_DISTRIBUTE_DEFAULT,
    /* One hub accepts all connections and hands each to the hub with the fewest. */
    GREEN_HAND_OVER,
    /* Each hub has a listener, and the kernel selects one for each connection: SO_REUSEPORT. */
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
 * accept connections. *server is a handle that the caller owns. A server keeps its pool.
 *
 * Errors are those of green_listen(), -ESRCH if the pool is closed, and -ENOMEM. Then nothing
 * listens, and discard has been called. */
GREEN_API GREEN_CHECK int green_server_start(green_server **server, const char *on, green_hub_pool *pool,
                                             const green_server_options *GREEN_NULLABLE options, green_handler *handler,
                                             void *GREEN_NULLABLE context);

/* Adds an owner, and returns the server. */
GREEN_API green_server *green_server_retain(green_server *server);

/* Releases a handle. The server continues to run. NULL does nothing. */
GREEN_API void green_server_release(green_server *GREEN_NULLABLE server);

/* The local address of the server, with the port that the kernel picked. */
GREEN_API void green_server_address(const green_server *server, green_address *address);

/* Blocks until the server has ended, for up to timeout nanoseconds. Returns what
 * green_serve() returned on the hub that ended first with an error, or 0; -ETIMEDOUT; or the
 * error of an interrupt. */
GREEN_API GREEN_CHECK int green_server_wait(green_server *server, int64_t timeout);

/* Stops the server on all hubs at the same time, as green_listener_stop() does on one. A
 * handler may call this. Blocks. Returns the number of handlers that were killed or had not
 * started, or the error of an interrupt. */
GREEN_API int green_server_stop(green_server *server, int64_t drain);

/* The number of running handlers on one hub of the pool. */
GREEN_API size_t green_server_running(const green_server *server, size_t hub);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
