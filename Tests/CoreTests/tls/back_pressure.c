/* A peer that requests answers without reading them, or sends records without data. The
 * pending answers are bounded, and other threads run. */
#include "../../../csrc/tls/connection.h"
#include "tls_helpers.h"

#include <openssl/ssl.h>

/* OpenSSL over memory buffers; the test transfers the bytes through a plain socket. */
struct peer {
    green_socket *plain;
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
};

/* Sends the output of the peer. Returns 0 or an error. */
static int push(struct peer *peer) {
    char *bytes;
    long size = BIO_get_mem_data(peer->out, &bytes);
    ssize_t count = size > 0 ? green_write(peer->plain, bytes, (size_t)size) : 0;
    CHECK(BIO_reset(peer->out), ==, 1);
    return count < 0 ? (int)count : 0;
}

/* Receives input for the peer. Returns 0 or an error. */
static int pull(struct peer *peer) {
    char bytes[4096];
    ssize_t count = green_read(peer->plain, bytes, sizeof bytes);
    if (count > 0)
        CHECK(BIO_write(peer->in, bytes, (int)count), ==, count);
    return count > 0 ? 0 : count < 0 ? (int)count : -ENODATA;
}

static int do_handshake(void *argument) {
    struct peer *peer = argument;
    for (int result; (result = SSL_do_handshake(peer->ssl)) != 1;) {
        CHECK(SSL_get_error(peer->ssl, result), ==, SSL_ERROR_WANT_READ);
        CHECK(push(peer), ==, 0);
        CHECK(pull(peer), ==, 0);
    }
    return push(peer);
}

/* The server's end of a new connection with buffers of this size. */
static green_socket *meet(struct peer *peer, int buffer) {
    struct pair pair = connected(UNIX_PAIR);
    CHECK(green_socket_set_option(pair.near, SOL_SOCKET, SO_SNDBUF, buffer), ==, 0);
    CHECK(green_socket_set_option(pair.far, SOL_SOCKET, SO_SNDBUF, buffer), ==, 0);
    peer->plain = pair.far;
    peer->context = SSL_CTX_new(TLS_client_method());
    peer->ssl = SSL_new(peer->context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_connect_state(peer->ssl);
    green_tls_context *context = server_context(localhost());
    green_thread *shaking = start(do_handshake, peer);
    CHECK(green_tls_start(pair.near, context, NULL), ==, 0);
    CHECK(finish(shaking), ==, 0);
    green_tls_context_release(context);
    return pair.near;
}

static void part(struct peer *peer, green_socket *socket) {
    green_socket_release(socket);
    green_socket_release(peer->plain);
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
}

/* Writes the given number of key updates to the peer's output. */
static void change_keys(struct peer *peer, int times, int kind) {
    for (int i = 0; i < times; i++) {
        CHECK(SSL_key_update(peer->ssl, kind), ==, 1);
        CHECK(SSL_do_handshake(peer->ssl), ==, 1);
    }
}

struct flood {
    struct peer *peer;
    int rounds, sent;
};
enum { UPDATES_A_ROUND = 100, ROUNDS = 100, SMALL = 4096, LARGE = 128 * 1024 };

static int ask_for_answers(void *argument) {
    struct flood *flood = argument;
    while (flood->sent < flood->rounds) {
        change_keys(flood->peer, UPDATES_A_ROUND, SSL_KEY_UPDATE_REQUESTED);
        int error = push(flood->peer);
        if (error < 0)
            return error;
        flood->sent++;
    }
    CHECK(SSL_write(flood->peer->ssl, "at last", 7), ==, 7);
    return push(flood->peer);
}

static int expect_at_last(void *socket) {
    char text[7];
    ssize_t count = green_read_exactly(socket, text, sizeof text);
    if (count > 0)
        CHECK(memcmp(text, "at last", 7), ==, 0);
    return count < 0 ? (int)count : 0;
}

/* Waits until no bytes have moved for a while. */
static void until_still(const struct flood *flood) {
    for (int quiet = 0, last = -1; quiet < 20; quiet++) {
        if (flood->sent != last)
            quiet = 0;
        last = flood->sent;
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    }
}

/* Reads the answers, which OpenSSL accepts. */
static int read_answers(void *argument) {
    struct peer *peer = argument;
    char byte;
    int error;
    while ((error = pull(peer)) == 0) {
        CHECK(SSL_read(peer->ssl, &byte, 1), ==, -1);
        CHECK(SSL_get_error(peer->ssl, -1), ==, SSL_ERROR_WANT_READ);
    }
    return error;
}

static size_t output_of(const green_socket *socket) {
    return green__tls_of(socket)->output.capacity;
}

static void answers_on_each_engine(void) {
    struct peer peer;
    green_socket *socket = meet(&peer, SMALL);
    struct flood flood = {&peer, SLOW ? ROUNDS / 2 : ROUNDS, 0};
    green_thread *reader = start(expect_at_last, socket), *flooder = start(ask_for_answers, &flood);
    until_still(&flood);
    printf("stopped after %d of %d new keys, with %zu bytes\n", flood.sent * UPDATES_A_ROUND,
           flood.rounds * UPDATES_A_ROUND, output_of(socket));
    CHECK(flood.sent, <, flood.rounds);
    CHECK(output_of(socket), <=, 4 * GREEN_TLS_PENDING_ANSWERS_MAX);
    green_thread *answers = start(read_answers, &peer);
    CHECK(finish(flooder), ==, 0);
    CHECK(finish(reader), ==, 0);
    CHECK(kill_and_finish(answers), ==, -ECANCELED);
    part(&peer, socket);
}

TEST(answers, "reading stops while a peer requests key updates without reading the answers") {
    on_each_engine(answers_on_each_engine);
}

static int write_without_end(void *socket) {
    static const char bytes[64 * 1024];
    ssize_t result;
    do
        result = green_write(socket, bytes, sizeof bytes);
    while (result > 0);
    return (int)result;
}

/* The writer is parked in the middle of a send and is killed. The bytes that it has left
 * in the output do not count as answers. */
static void writer_on_each_engine(void) {
    struct peer peer;
    green_socket *socket = meet(&peer, SMALL);
    struct flood flood = {&peer, SLOW ? ROUNDS / 2 : ROUNDS, 0};
    green_thread *writer = start(write_without_end, socket);
    let_run();
    green_thread *reader = start(expect_at_last, socket), *flooder = start(ask_for_answers, &flood);
    until_still(&flood);
    CHECK(flood.sent, <, flood.rounds);
    CHECK(kill_and_finish(writer), ==, -ECANCELED);
    until_still(&flood);
    CHECK(flood.sent, <, flood.rounds);
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    CHECK(kill_and_finish(flooder), ==, -ECANCELED);
    part(&peer, socket);
}

TEST(writer, "pending answers are bounded while another thread writes, and a kill ends a blocked reader") {
    on_each_engine(writer_on_each_engine);
}

static int read_any(void *socket) {
    char byte;
    return (int)green_read(socket, &byte, 1);
}

static void closed_on_each_engine(void) {
    struct peer peer;
    green_socket *socket = meet(&peer, SMALL);
    struct flood flood = {&peer, ROUNDS, 0};
    green_thread *reader = start(read_any, socket), *flooder = start(ask_for_answers, &flood);
    until_still(&flood);
    CHECK(green_close(socket), ==, 0);
    CHECK(finish(reader), ==, -EBADF);
    CHECK(kill_and_finish(flooder), <, 0);
    part(&peer, socket);
}

TEST(closed, "a close wakes a reader that waits for the peer to read its answers") {
    on_each_engine(closed_on_each_engine);
}

static bool over;

static int count_turns(void *turns) {
    while (!over) {
        ++*(int *)turns;
        CHECK(green_yield(), ==, 0);
    }
    return 0;
}

/* All bytes arrive before the first read. */
static void turns_on_each_engine(void) {
    enum { UPDATES = 4000, UPDATES_A_TURN = GREEN_TLS_INPUT_READS_MAX / 2 };
    struct peer peer;
    int turns = 0;
    green_socket *socket = meet(&peer, LARGE);
    change_keys(&peer, UPDATES, SSL_KEY_UPDATE_NOT_REQUESTED);
    CHECK(SSL_write(peer.ssl, "at last", 7), ==, 7);
    CHECK(push(&peer), ==, 0);
    over = false;
    green_thread *others = start(count_turns, &turns);
    expect_text(socket, "at last");
    over = true;
    CHECK(finish(others), ==, 0);
    printf("%d turns\n", turns);
    CHECK(turns, >=, UPDATES / UPDATES_A_TURN / 2);
    part(&peer, socket);
}

TEST(empty_records, "records without data do not keep other threads from running") {
    on_each_engine(turns_on_each_engine);
}
