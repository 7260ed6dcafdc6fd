/* serve over TLS: a failed handshake ends only the connection of its client. */
#include "tls_helpers.h"

struct server {
    green_listener *listener;
    green_tls_context *context;
    green_handler *handler;
    green_thread *thread;
    int ended;
};
static struct server server;

static int serve(void *unused) {
    (void)unused;
    return green_serve(server.listener, NULL, server.handler, NULL);
}

static void begin(green_handler *handler, bool secure, int64_t handshake_timeout) {
    green_tls_identity own = identity(localhost());
    server.context = context_of((green_tls_options){
        .role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1, .handshake_timeout = handshake_timeout});
    server.handler = handler;
    server.listener = listen_any(TCP4);
    if (secure)
        CHECK(green_tls_listen(server.listener, server.context), ==, 0);
    capture_begin();
    server.thread = start(serve, NULL);
}

static const char *end(void) {
    CHECK(green_listener_close(server.listener), ==, 0);
    CHECK(finish(server.thread), ==, 0);
    green_listener_release(server.listener);
    green_tls_context_release(server.context);
    return capture_end();
}

static int echo(green_socket *client, void *context) {
    (void)context;
    char bytes[64];
    ssize_t n;
    while ((n = green_read(client, bytes, sizeof bytes)) > 0)
        if ((n = green_write(client, bytes, (size_t)n)) < 0)
            break;
    server.ended++;
    return (int)(n < 0 ? n : 0);
}

static void await_end(int ended) {
    UNTIL(server.ended == ended);
    let_run();
}

static green_socket *connect_securely(void) {
    green_tls_context *trusting = client_context();
    green_socket *client = NULL;
    CHECK(green_tls_connect(&client, address_of(server.listener), NULL, trusting, "localhost"), ==, 0);
    green_tls_context_release(trusting);
    return client;
}

static void expect_served(void) {
    int ended = server.ended;
    green_socket *client = connect_securely();
    send_text(client, "hello");
    expect_text(client, "hello");
    CHECK(green_shutdown(client, SHUT_WR), ==, 0);
    expect_end(client);
    green_socket_release(client);
    await_end(ended + 1);
}

TEST(handshakes, "a client that does not speak TLS, disconnects or resets in its handshake does not end serve") {
    begin(echo, true, GREEN_FOREVER);
    green_socket *client = connect_to(server.listener);
    send_text(client, "GET / HTTP/1.0\r\n\r\n");
    await_end(1);
    green_socket_release(client);
    green_socket_release(connect_to(server.listener));
    await_end(2);
    client = connect_to(server.listener);
    send_text(client, "\x16\x03\x01");
    let_run();
    reset_and_release(client);
    await_end(3);
    expect_served();
    const char *told = end();
    CHECK_CONTAINS(told, "does not speak TLS");
    CHECK_CONTAINS(told, "TLS handshake");
}

TEST(late, "a client with a slow handshake does not end serve") {
    begin(echo, true, GREEN_MILLISECOND);
    green_socket *client = connect_to(server.listener);
    await_end(1);
    green_socket_release(client);
    CHECK_CONTAINS(end(), "TLS handshake");
}

TEST(cut, "a client that ends its stream without close_notify does not end serve") {
    begin(echo, true, GREEN_FOREVER);
    green_socket *client = connect_securely();
    send_text(client, "hello");
    expect_text(client, "hello");
    CHECK(shutdown(green_socket_fd(client), SHUT_WR), ==, 0);
    await_end(1);
    green_socket_release(client);
    expect_served();
    CHECK_CONTAINS(end(), "without close_notify");
}

static int ask_certificate(green_socket *client, void *context) {
    (void)context;
    void *der = NULL;
    int error = green_tls_handshake(client);
    ssize_t size = error < 0 ? error : green_tls_peer_certificate(client, 0, &der);
    free(der);
    server.ended++;
    return (int)(size < 0 ? size : 0);
}

TEST(no_certificate, "a client without a required certificate does not end serve") {
    begin(ask_certificate, true, GREEN_FOREVER);
    green_socket_release(connect_securely());
    await_end(1);
    CHECK_CONTAINS(end(), "no certificate");
}

static int start_tls(green_socket *client, void *context) {
    (void)context;
    char line[16];
    ssize_t n = green_read_line(client, line, sizeof line);
    int error = n < 0 ? (int)n : green_tls_start(client, server.context, NULL);
    server.ended++;
    return error;
}

TEST(early, "a client that sends bytes before its handshake does not end serve") {
    begin(start_tls, false, GREEN_FOREVER);
    green_socket *client = connect_to(server.listener);
    send_text(client, "STARTTLS\r\nearly\r\n");
    await_end(1);
    green_socket_release(client);
    CHECK_CONTAINS(end(), "before the handshake");
}
