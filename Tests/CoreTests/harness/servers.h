/* Servers on all hubs of a pool, whose handlers wait for a byte. */
#ifndef GREEN_TESTS_SERVERS_H
#define GREEN_TESTS_SERVERS_H

#include "helpers.h"

#include <stdatomic.h>

enum { HUBS = 3 };

/* Set before serve_on_hubs(), which keeps the pool and options. */
struct hub_server {
    green_hub_pool *hubs;
    green_server *server;
    green_server_options options;
    atomic_int running, ended, killed, discarded, errors;
    atomic_int last_error;
    /* What a handler returns after its byte, unless it is 0. */
    atomic_int result;
};

extern struct hub_server hub_server;

/* Makes the pool, unless there is one, and starts the server on an address, with handlers
 * that wait for a byte; NULL: 127.0.0.1:0. Returns the result of the start. */
int serve_on_hubs(const char *on, green_handler *handler);

/* The handler: counts itself, reads a byte. Returns hub_server.result. */
int handle_byte(green_socket *client, void *context);

/* The index of the hub that this is called on. */
size_t hub_here(void);

green_socket *connect_to_server(void);
void connect_clients(green_socket **clients, int count);
void release_clients(green_socket **clients, int count);
void send_to_clients(green_socket **clients, int count);

/* The number of handlers on all hubs. */
size_t running_on_hubs(void);

/* Waits for the server, checks its result and that discard was called once, releases it,
 * and closes the pool. */
void end_server_on_hubs(int result);

/* Releases the server, and closes the pool. */
void close_hubs(void);

/* Runs the body with each kind of distribution in hub_server.options. */
void with_each_distribution(void (*body)(void));

#endif
