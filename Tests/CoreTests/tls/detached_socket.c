/* TLS connections that are handed to the hub of another OS thread. */
#include "os_threads.h"
#include "tls_helpers.h"

#include <green/green.h>
#include <sys/wait.h>

static uint64_t buffers(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now.buffers;
}

static int read_rest(void *detached) {
    green_socket *socket = attached(detached);
    CHECK(green_tls_is_on(socket));
    expect_text(socket, "ne and more, two, three");
    send_text(socket, "answer");
    CHECK(shows(socket, localhost()));
    green_socket_release(socket);
    return 0;
}

static void check_unread(green_tls_version version) {
    struct os_thread other;
    struct tls_pair pair = tls_pair(version);
    const void *bytes;
    /* Three records in one receive: one is decrypted, two are not. */
    send_text(pair.server, "one and more");
    send_text(pair.server, ", two");
    send_text(pair.server, ", three");
    CHECK(green_receive(pair.client, &bytes), >, 0);
    green_consume(pair.client, 1);
    uint64_t held = buffers(); /* the other end may hold one, too */
    os_thread_start(&other, read_rest, detached_from(pair.client));
    CHECK(buffers(), ==, held - 1);
    expect_text(pair.server, "answer");
    expect_end(pair.server); /* by close_notify */
    CHECK(os_thread_finish(&other), ==, 0);
    green_socket_release(pair.server);
}

TEST(unread, "received bytes move with a TLS connection, decrypted or not") {
    with_each_version(check_unread);
}

static int shake_hands(void *detached) {
    green_socket *socket = attached(detached);
    int error = green_tls_handshake(socket);
    if (error == 0)
        send_text(socket, "hello");
    green_socket_release(socket);
    return error;
}

static int serve_one(void *listener) {
    struct os_thread other;
    green_socket *socket = accept_from(listener);
    os_thread_start(&other, shake_hands, detached_from(socket));
    return os_thread_finish(&other);
}

TEST(before_handshake, "a TLS connection may be handed over before its handshake") {
    green_tls_context *server = server_context(localhost()), *client = client_context();
    green_listener *listener = listen_any(TCP4);
    green_socket *socket;
    CHECK(green_tls_listen(listener, server), ==, 0);
    green_thread *thread = start(serve_one, listener);
    CHECK(green_tls_connect(&socket, address_of(listener), NULL, client, "localhost"), ==, 0);
    expect_text(socket, "hello");
    expect_end(socket);
    CHECK(finish(thread), ==, 0);
    green_socket_release(socket);
    green_listener_release(listener);
    green_tls_context_release(server);
    green_tls_context_release(client);
}

static void free_detached(void *detached) {
    green_detached_socket_free(detached);
}

static void check_freed(green_tls_version version) {
    struct tls_pair pair = tls_pair(version);
    on_os_thread(free_detached, detached_from(pair.client));
    expect_end(pair.server);
    green_socket_release(pair.server);
}

TEST(freed, "a detached TLS connection that is freed on any OS thread sends close_notify") {
    with_each_version(check_freed);
}

TEST(forked, "a child that frees the detached TLS connection of its parent does not end it") {
    int status;
    struct tls_pair pair = tls_pair(GREEN_TLS_1_3);
    green_detached_socket *detached = detached_from(pair.client);
    pid_t child = fork();
    CHECK(child, >=, 0);
    if (child == 0) {
        green_detached_socket_free(detached);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
    pair.client = attached(detached);
    talk_both_ways(&pair);
    release_tls_pair(&pair);
}

static void release_socket(void *socket) {
    green_socket_release(socket);
}

static void check_released(green_tls_version version) {
    struct tls_pair pair = tls_pair(version);
    on_os_thread(release_socket, pair.client);
    expect_end(pair.server);
    green_socket_release(pair.server);
}

TEST(released, "a TLS connection whose last release is on another OS thread sends close_notify") {
    with_each_version(check_released);
}

static int close_socket(void *socket) {
    return green_close(socket);
}

static void check_closed(green_tls_version version) {
    struct os_thread other;
    struct tls_pair pair = tls_pair(version);
    os_thread_start(&other, close_socket, pair.client);
    CHECK(os_thread_finish(&other), ==, 0);
    expect_end(pair.server);
    release_tls_pair(&pair);
}

TEST(closed, "a TLS connection that another OS thread closes sends close_notify") {
    with_each_version(check_closed);
}

enum { MOVES = 60, PIECE = 5000 };

/* Moves the connection to a hub of its own for each piece. */
static int read_piece(void *argument) {
    struct {
        green_detached_socket *detached;
        uint64_t position;
    } *at = argument;
    static char piece[PIECE];
    green_socket *socket = attached(at->detached);
    CHECK(green_read_exactly(socket, piece, PIECE), ==, PIECE);
    pattern_check(piece, PIECE, at->position);
    at->detached = detached_from(socket);
    at->position += PIECE;
    return 0;
}

static void check_moves(green_tls_version version) {
    struct {
        green_detached_socket *detached;
        uint64_t position;
    } at;
    struct os_thread other;
    struct tls_pair pair = tls_pair(version);
    struct transfer transfer = {pair.server, MOVES * PIECE, 0};
    green_thread *sender = start(send_pattern, &transfer);
    at.detached = detached_from(pair.client);
    at.position = 0;
    for (int i = 0; i < MOVES; i++) {
        os_thread_start(&other, read_piece, &at);
        CHECK(os_thread_finish(&other), ==, 0);
    }
    CHECK(finish(sender), ==, 0);
    pair.client = attached(at.detached);
    talk_both_ways(&pair);
    release_tls_pair(&pair);
}

TEST(moves, "a TLS connection that moves from hub to hub loses and repeats no byte") {
    with_each_version(check_moves);
}
