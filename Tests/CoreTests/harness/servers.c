#include "servers.h"

struct hub_server hub_server;

static void count_discard(void *context) {
    struct hub_server *server = context;
    server->discarded++;
}

int serve_on_hubs(const char *on, green_handler *handler) {
    hub_server.options.serve.discard = count_discard;
    if (!hub_server.hubs)
        CHECK(green_hub_pool_make(&hub_server.hubs, &(green_hub_pool_options){.count = HUBS}), ==, 0);
    return green_server_start(&hub_server.server, on ? on : "127.0.0.1:0", hub_server.hubs, &hub_server.options,
                              handler ? handler : handle_byte, &hub_server);
}

int handle_byte(green_socket *client, void *context) {
    struct hub_server *server = context;
    char byte;
    server->running++;
    ssize_t count = green_read(client, &byte, 1);
    server->running--;
    server->killed += count == -ECANCELED;
    server->ended++;
    return count < 0 ? (int)count : server->result;
}

size_t hub_here(void) {
    size_t i = 0;
    while (green_hub_pool_hub(hub_server.hubs, i) != green_hub_current())
        i++;
    return i;
}

green_socket *connect_to_server(void) {
    green_address address;
    green_socket *socket = NULL;
    green_server_address(hub_server.server, &address);
    CHECK(green_connect_address(&socket, &address, NULL), ==, 0);
    return socket;
}

void connect_clients(green_socket **clients, int count) {
    for (int i = 0; i < count; i++)
        clients[i] = connect_to_server();
}

void release_clients(green_socket **clients, int count) {
    for (int i = 0; i < count; i++)
        green_socket_release(clients[i]);
}

void send_to_clients(green_socket **clients, int count) {
    for (int i = 0; i < count; i++)
        send_text(clients[i], "x");
}

size_t running_on_hubs(void) {
    size_t running = 0;
    for (size_t i = 0; i < green_hub_pool_count(hub_server.hubs); i++)
        running += green_server_running(hub_server.server, i);
    return running;
}

void close_hubs(void) {
    green_server_release(hub_server.server);
    hub_server.server = NULL;
    CHECK(green_hub_pool_close(hub_server.hubs, PATIENTLY(30 * GREEN_SECOND)), ==, 0);
    green_hub_pool_release(hub_server.hubs);
    hub_server.hubs = NULL;
}

void end_server_on_hubs(int result) {
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, result);
    close_hubs();
    CHECK(hub_server.discarded, ==, 1);
}

void with_each_distribution(void (*body)(void)) {
    static const green_distribution distributions[] = {GREEN_HAND_OVER, GREEN_REUSE_PORT};
    for (int i = 0; i < 2; i++) {
        hub_server = (struct hub_server){.options.distribution = distributions[i]};
        body();
    }
}
