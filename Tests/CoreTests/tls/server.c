/* TLS servers on all hubs of a pool share one context. */
#include "servers.h"
#include "tls_helpers.h"

enum { CLIENTS = 4 * HUBS };

static atomic_uint hubs_used;

static int echo(green_socket *client, void *context) {
    (void)context;
    char bytes[64];
    ssize_t count;
    CHECK(green_tls_is_on(client));
    hubs_used |= 1u << hub_here();
    while ((count = green_read(client, bytes, sizeof bytes)) > 0)
        if ((count = green_write(client, bytes, (size_t)count)) < 0)
            break;
    return (int)count;
}

static green_tls_context *serve_securely(void) {
    green_tls_context *own = server_context(localhost());
    hubs_used = 0;
    CHECK(green_hub_pool_make(&hub_server.hubs, &(green_hub_pool_options){.count = HUBS}), ==, 0);
    CHECK(green_tls_server_start(&hub_server.server, "127.0.0.1:0", hub_server.hubs, &hub_server.options, own, echo,
                                 NULL),
          ==, 0);
    return own;
}

static green_socket *connect_securely(green_tls_context *trusting) {
    green_address address;
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_socket *client = NULL;
    green_server_address(hub_server.server, &address);
    green_address_print(&address, text, sizeof text);
    CHECK(green_tls_connect(&client, text, NULL, trusting, "localhost"), ==, 0);
    send_text(client, "hello");
    expect_text(client, "hello");
    return client;
}

static void end(void) {
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
    close_hubs();
}

static void talk_to_all(void) {
    green_socket *clients[CLIENTS];
    green_tls_context *own = serve_securely(), *trusting = client_context();
    green_tls_context_release(own); /* the server keeps it */
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_securely(trusting);
    if (hub_server.options.distribution == GREEN_HAND_OVER)
        CHECK(hubs_used, ==, (1u << HUBS) - 1);
    release_clients(clients, CLIENTS);
    green_tls_context_release(trusting);
    end();
}

TEST(all_hubs, "clients of all hubs use TLS") {
    with_each_distribution(talk_to_all);
}

TEST(resumes, "a client resumes on one hub the session that it had on another") {
    green_tls_context *own = serve_securely(), *trusting = client_context();
    green_socket *clients[CLIENTS];
    clients[0] = connect_securely(trusting);
    CHECK(!info_of(clients[0]).resumed);
    for (int i = 1; i < CLIENTS; i++) {
        clients[i] = connect_securely(trusting);
        CHECK(info_of(clients[i]).resumed);
    }
    CHECK(hubs_used, ==, (1u << HUBS) - 1);
    release_clients(clients, CLIENTS);
    green_tls_context_release(own);
    green_tls_context_release(trusting);
    end();
}

static void count_discard(void *context) {
    ++*(int *)context;
}

TEST(role, "a context for clients is an error, and the handler's context is discarded") {
    int discarded = 0;
    green_tls_context *trusting = client_context();
    green_server_options options = {.serve.discard = count_discard};
    CHECK(green_hub_pool_make(&hub_server.hubs, &(green_hub_pool_options){.count = HUBS}), ==, 0);
    CHECK(green_tls_server_start(&hub_server.server, "127.0.0.1:0", hub_server.hubs, &options, trusting, echo,
                                 &discarded),
          ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "a context for clients");
    CHECK(discarded, ==, 1);
    green_tls_context_release(trusting);
    close_hubs();
}
