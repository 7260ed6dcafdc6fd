/* Key updates by an OpenSSL peer: accepted in TLS 1.3, rejected in TLS 1.2, where they need a
 * renegotiation. */
#include "tls_helpers.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>

/* OpenSSL on its own descriptor and OS thread. It sends as much as it receives, at the same
 * time, and updates its keys now and then. */
struct peer {
    pthread_t thread;
    int fd;
    bool server;
    int kind;       /* SSL_KEY_UPDATE_REQUESTED, or NOT_REQUESTED */
    uint64_t every; /* bytes it sends between two updates */
    uint64_t size, sent, received;
    int updates;  /* made by the peer */
    int answered; /* received from Green */
    SSL *ssl;
};

enum { PIECE = 24 * 1000 };

static void watch(int outgoing, int version, int type, const void *bytes, size_t size, SSL *ssl, void *argument) {
    struct peer *peer = argument;
    (void)version, (void)ssl;
    if (!outgoing && type == SSL3_RT_HANDSHAKE && size > 0 && *(const unsigned char *)bytes == SSL3_MT_KEY_UPDATE)
        peer->answered++;
}

static SSL_CTX *peer_context(bool server) {
    SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    BIO *chain = BIO_new_mem_buf(localhost()->chain, -1), *key = BIO_new_mem_buf(localhost()->key, -1);
    X509 *certificate = PEM_read_bio_X509(chain, NULL, NULL, NULL);
    EVP_PKEY *private = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    if (server) {
        CHECK(SSL_CTX_use_certificate(context, certificate), ==, 1);
        CHECK(SSL_CTX_use_PrivateKey(context, private), ==, 1);
    }
    X509_free(certificate);
    EVP_PKEY_free(private);
    BIO_free(chain);
    BIO_free(key);
    return context;
}

/* The result of the last call: to be repeated, or a success. */
static bool went_well(const struct peer *peer, int result) {
    int error = SSL_get_error(peer->ssl, result);
    CHECK(error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE);
    return error == SSL_ERROR_NONE;
}

/* Keys are updated between two writes, never within one. */
static bool send_some(struct peer *peer) {
    static _Thread_local char bytes[PIECE];
    uint64_t left = peer->size - peer->sent;
    int size = left < PIECE ? (int)left : PIECE;
    if (size == 0)
        return false;
    pattern_fill(bytes, (size_t)size, peer->sent);
    int count = SSL_write(peer->ssl, bytes, size);
    if (!went_well(peer, count))
        return false;
    peer->sent += (uint64_t)count;
    if (peer->sent / peer->every > (uint64_t)peer->updates && peer->sent < peer->size) {
        CHECK(SSL_key_update(peer->ssl, peer->kind), ==, 1);
        peer->updates++;
    }
    return true;
}

static bool receive_some(struct peer *peer) {
    char bytes[PIECE];
    int count = SSL_read(peer->ssl, bytes, sizeof bytes);
    if (!went_well(peer, count))
        return false;
    pattern_check(bytes, (size_t)count, peer->received);
    peer->received += (uint64_t)count;
    return true;
}

static void wait_for(int fd, short events) {
    struct pollfd wait = {.fd = fd, .events = events};
    CHECK(poll(&wait, 1, 30 * 1000), ==, 1);
}

static void *run_peer(void *argument) {
    struct peer *peer = argument;
    SSL_CTX *context = peer_context(peer->server);
    peer->ssl = SSL_new(context);
    SSL_set_msg_callback(peer->ssl, watch);
    SSL_set_msg_callback_arg(peer->ssl, peer);
    SSL_set_mode(peer->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    CHECK(fcntl(peer->fd, F_SETFL, O_NONBLOCK), ==, 0);
    CHECK(SSL_set_fd(peer->ssl, peer->fd), ==, 1);
    for (int result; (result = peer->server ? SSL_accept(peer->ssl) : SSL_connect(peer->ssl)) != 1;) {
        CHECK(!went_well(peer, result));
        wait_for(peer->fd, SSL_want_write(peer->ssl) ? POLLOUT : POLLIN);
    }
    while (peer->sent < peer->size || peer->received < peer->size) {
        bool moved = send_some(peer);
        moved |= peer->received < peer->size && receive_some(peer);
        if (!moved)
            wait_for(peer->fd, peer->sent < peer->size ? POLLIN | POLLOUT : POLLIN);
    }
    while (SSL_shutdown(peer->ssl) < 0)
        wait_for(peer->fd, POLLOUT);
    /* The answer to the last key update may still arrive. */
    for (char rest[256]; read(peer->fd, rest, sizeof rest) != 0;)
        wait_for(peer->fd, POLLIN);
    SSL_free(peer->ssl);
    SSL_CTX_free(context);
    close(peer->fd);
    return NULL;
}

static void update(bool server, int kind) {
    enum { TIMES = 40 };
    uint64_t size = SLOW ? 1 << 20 : 8 << 20;
    struct peer peer = {.server = server, .kind = kind, .every = size / TIMES, .size = size};
    green_socket *socket, *theirs;
    printf("%s, %s\n", server ? "server" : "client", kind == SSL_KEY_UPDATE_REQUESTED ? "both ways" : "one way");
    CHECK(green_socket_pair(&socket, &theirs), ==, 0);
    peer.fd = fcntl(green_socket_fd(theirs), F_DUPFD_CLOEXEC, 3);
    green_socket_release(theirs);
    localhost(); /* before there are two OS threads */
    CHECK(pthread_create(&peer.thread, NULL, run_peer, &peer), ==, 0);
    green_tls_context *context = server ? client_context() : server_context(localhost());
    CHECK(green_tls_start(socket, context, server ? "localhost" : NULL), ==, 0);
    CHECK(info_of(socket).version, ==, GREEN_TLS_1_3);
    struct transfer out = {socket, size, 0}, in = {socket, size, 0};
    green_thread *writer = start(send_pattern, &out), *reader = start(receive_pattern, &in);
    CHECK(finish(writer), ==, 0);
    CHECK(finish(reader), ==, 0);
    expect_end(socket);
    green_socket_release(socket);
    pthread_join(peer.thread, NULL);
    CHECK(in.position, ==, size);
    CHECK(peer.received, ==, size);
    CHECK(peer.updates, >=, TIMES - 2);
    if (kind == SSL_KEY_UPDATE_REQUESTED)
        CHECK(peer.answered, >, 0);
    else
        CHECK(peer.answered, ==, 0);
    green_tls_context_release(context);
}

TEST(updated, "key updates in one or both directions lose no data while both sides write") {
    for (int server = 0; server < 2; server++) {
        update(server, SSL_KEY_UPDATE_NOT_REQUESTED);
        update(server, SSL_KEY_UPDATE_REQUESTED);
    }
}

/* Requests a renegotiation and gets an alert. */
static void *ask_for_handshake(void *argument) {
    struct peer *peer = argument;
    char byte;
    SSL_CTX *context = peer_context(peer->server);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    peer->ssl = SSL_new(context);
    CHECK(SSL_set_fd(peer->ssl, peer->fd), ==, 1);
    CHECK(peer->server ? SSL_accept(peer->ssl) : SSL_connect(peer->ssl), ==, 1);
    CHECK(SSL_renegotiate(peer->ssl), ==, 1);
    /* A server only sends a request, and gets the answer when it reads. */
    int result = SSL_do_handshake(peer->ssl);
    CHECK(result, ==, peer->server ? 1 : -1);
    CHECK(result == -1 || SSL_read(peer->ssl, &byte, 1) == -1);
    CHECK(ERR_GET_REASON(ERR_peek_error()), ==, SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    SSL_free(peer->ssl);
    SSL_CTX_free(context);
    close(peer->fd);
    return NULL;
}

static void refuse(bool server) {
    struct peer peer = {.server = server};
    struct pair plain = connected(UNIX_PAIR);
    char byte;
    peer.fd = fcntl(green_socket_fd(plain.far), F_DUPFD_CLOEXEC, 3);
    green_socket_release(plain.far);
    localhost(); /* before there are two OS threads */
    CHECK(pthread_create(&peer.thread, NULL, ask_for_handshake, &peer), ==, 0);
    green_tls_context *context = server ? client_context() : server_context(localhost());
    CHECK(green_tls_start(plain.near, context, server ? "localhost" : NULL), ==, 0);
    CHECK(info_of(plain.near).version, ==, GREEN_TLS_1_2);
    struct outcome outcome = outcome_of(green_read(plain.near, &byte, 1));
    CHECK(outcome.problem == GREEN_TLS_REFUSED || outcome.problem == GREEN_TLS_NO_COMMON);
    pthread_join(peer.thread, NULL);
    green_socket_release(plain.near);
    green_tls_context_release(context);
}

TEST(renegotiation, "a peer that requests a renegotiation gets an alert") {
    refuse(false);
    refuse(true);
}
