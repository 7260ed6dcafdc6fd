/* The rules for pending interrupts and times, for TLS calls. */
#include "pending.h"
#include "times.h"
#include "tls_helpers.h"

/* Interrupts ----------------------------------------------------------------- */

static struct {
    green_tls_context *client, *server;
    struct pair plain;
    struct tls_pair connected;
    green_listener *listener;
} w;

static int call_handshake(void) {
    return green_tls_handshake(w.connected.client);
}

static int call_read(void) {
    char byte;
    return (int)green_read(w.connected.client, &byte, 1);
}

static int call_write(void) {
    return (int)green_write(w.connected.client, "x", 1);
}

static int call_start(void) {
    return green_tls_start(w.plain.near, w.client, "localhost");
}

static int call_connect(void) {
    green_socket *socket;
    int error = green_tls_connect(&socket, address_of(w.listener), NULL, w.client, "localhost");
    if (error == 0)
        green_socket_release(socket);
    return error;
}

static int accept_one(void *unused) {
    (void)unused;
    green_socket *socket = accept_from(w.listener);
    int error = green_tls_handshake(socket);
    green_socket_release(socket);
    return error;
}

static int end_peer(void *unused) {
    char byte;
    (void)unused;
    CHECK(green_read(w.connected.server, &byte, 1), ==, 1);
    return green_tls_stop(w.connected.server);
}

static int call_stop(void) {
    return green_tls_stop(w.connected.client);
}

static const struct prepared calls[] = {
    {"green_tls_start", call_start},
    {"green_tls_handshake", call_handshake},
    {"green_read", call_read},
    {"green_write", call_write},
    {"green_tls_connect", call_connect},
    {"green_tls_stop", call_stop},
    {0},
};

static void check_pending(enum pending pending) {
    tls_contexts(0, &w.client, &w.server);
    w.connected = tls_connected(w.client, w.server);
    CHECK(green_write(w.connected.server, "x", 1), ==, 1);
    w.plain = connected(UNIX_PAIR);
    struct side peer = {.socket = w.plain.far, .context = w.server};
    w.listener = listen_any(TCP4);
    CHECK(green_tls_listen(w.listener, w.server), ==, 0);
    green_thread *starter = start(start_side, &peer), *acceptor = start(accept_one, NULL),
                 *ender = start(end_peer, NULL);
    check_delivers(calls, pending);
    CHECK(finish(starter), ==, 0);
    CHECK(finish(acceptor), ==, 0);
    CHECK(finish(ender), ==, 0);
    release_pair(&w.plain);
    green_socket_release(w.connected.client);
    green_socket_release(w.connected.server);
    green_listener_release(w.listener);
    green_tls_context_release(w.client);
    green_tls_context_release(w.server);
}

TEST(delivers_kill, "a pending kill ends every TLS call at once and takes nothing") {
    check_pending(PENDING_KILL);
}

TEST(delivers_timeout, "a pending timeout ends every TLS call at once and takes nothing") {
    check_pending(PENDING_TIMEOUT);
}

/* Times ------------------------------------------------------------------------ */

static green_tls_context *patient(int64_t timeout) {
    return context_of((green_tls_options){.authorities = pem(authority()->chain), .handshake_timeout = timeout});
}

static int handshake_with_peer(int64_t timeout) {
    green_tls_context *client = patient(timeout), *server = server_context(localhost());
    struct tls_pair pair = tls_meet(client, server, "localhost");
    int error = pair.client_outcome.result < 0 ? pair.client_outcome.result : pair.server_outcome.result;
    green_socket_release(pair.client);
    green_socket_release(pair.server);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return error;
}

static int handshake_alone(int64_t timeout) {
    struct pair pair = connected(UNIX_PAIR);
    green_tls_context *client = patient(timeout);
    int error = green_tls_start(pair.near, client, "localhost");
    release_pair(&pair);
    green_tls_context_release(client);
    return error;
}

TEST(handshake_timeout, "a handshake timeout: 0 means the default, and negative or huge means no limit") {
    static const struct timed handshakes[] = {{"green_tls_start", handshake_with_peer, handshake_alone, false}, {0}};
    check_options(handshakes);
}
