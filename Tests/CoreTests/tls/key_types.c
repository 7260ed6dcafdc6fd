/* A server with ECDSA and RSA certificates presents one that the client can verify. */
#include "tls_helpers.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

/* The keys that a client can verify. TLS 1.2 and 1.3 name RSA differently. */
#define ECDSA "ECDSA+SHA256"
#define RSA_KEY "RSA-PSS+SHA256:RSA+SHA256"

/* An OpenSSL client, which blocks an OS thread. */
struct client {
    int fd;
    green_tls_version version;
    const char *host; /* NULL: sends no name */
    const char *algorithms;
    int type;  /* of the key it received, EVP_PKEY_...; 0: the handshake has failed */
    X509 *own; /* the certificate */
};

static void *handshake_with_peer(void *argument) {
    struct client *client = argument;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, (int)client->version);
    SSL_CTX_set_max_proto_version(context, (int)client->version);
    CHECK(SSL_CTX_set1_sigalgs_list(context, client->algorithms), ==, 1);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, client->fd);
    if (client->host)
        SSL_set_tlsext_host_name(ssl, client->host);
    if (SSL_connect(ssl) == 1) {
        client->own = SSL_get1_peer_certificate(ssl);
        client->type = EVP_PKEY_get_base_id(X509_get0_pubkey(client->own));
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    return NULL;
}

/* The key type that such a client receives; the certificate must be this one. */
static int shown(green_tls_context *context, green_tls_version version, const char *host, const char *algorithms,
                 const struct certificate *certificate) {
    struct client client = {.version = version, .host = host, .algorithms = algorithms};
    green_socket *server = NULL;
    pthread_t thread;
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
    client.fd = ends[1];
    CHECK(green_socket_adopt(&server, ends[0]), ==, 0);
    CHECK(pthread_create(&thread, NULL, handshake_with_peer, &client), ==, 0);
    int error = green_tls_start(server, context, NULL);
    CHECK(green_close(server), ==, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    CHECK(error == 0, ==, client.type != 0);
    if (client.own) {
        BIO *bio = BIO_new_mem_buf(certificate->chain, -1);
        X509 *expected = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        CHECK(X509_cmp(client.own, expected), ==, 0);
        X509_free(expected);
        BIO_free(bio);
    }
    X509_free(client.own);
    close(ends[1]);
    green_socket_release(server);
    return client.type;
}

static struct certificate make(const char *names, bool rsa) {
    return make_certificate(&(struct certificate_options){.names = names, .issuer = authority(), .rsa = rsa});
}

static green_tls_context *serving(const struct certificate *certificates, size_t count) {
    green_tls_identity identities[4];
    for (size_t i = 0; i < count; i++)
        identities[i] = identity(&certificates[i]);
    return context_of((green_tls_options){.role = GREEN_TLS_SERVER,
                                          .identities = identities,
                                          .identity_count = count,
                                          .handshake_timeout = GREEN_FOREVER});
}

/* Made once for both versions, because generating RSA keys is slow. */
static struct certificate certificates[4];

static void free_certificates(size_t count) {
    for (size_t i = 0; i < count; i++)
        free_certificate(&certificates[i]);
}

/* In either order, for a client that requests the name, no name, or another name. */
static void offer_both(green_tls_version version) {
    static const char *const hosts[] = {"both.example", NULL, "else.example"};
    const struct certificate *ecdsa = &certificates[0], *rsa = &certificates[1];
    for (int turn = 0; turn < 2; turn++) {
        struct certificate order[2] = {certificates[turn], certificates[!turn]};
        green_tls_context *context = serving(order, 2);
        for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
            CHECK(shown(context, version, hosts[i], RSA_KEY, rsa), ==, EVP_PKEY_RSA);
            CHECK(shown(context, version, hosts[i], ECDSA, ecdsa), ==, EVP_PKEY_EC);
            CHECK(shown(context, version, hosts[i], RSA_KEY ":" ECDSA, ecdsa), ==, EVP_PKEY_EC);
        }
        green_tls_context_release(context);
    }
}

TEST(both, "with ECDSA and RSA certificates for one name, a client gets one that it can verify") {
    certificates[0] = make("DNS:both.example", false);
    certificates[1] = make("DNS:both.example", true);
    with_each_version(offer_both);
    free_certificates(2);
}

static void offer_several(green_tls_version version) {
    green_tls_context *context = serving(certificates, 4);
    /* Other certificates for the name count; of each type, the first one. */
    CHECK(shown(context, version, "a.many.example", ECDSA, &certificates[0]), ==, EVP_PKEY_EC);
    CHECK(shown(context, version, "a.many.example", RSA_KEY, &certificates[2]), ==, EVP_PKEY_RSA);
    CHECK(shown(context, version, "second.example", RSA_KEY, &certificates[1]), ==, EVP_PKEY_RSA);
    /* Certificates for other names do not. */
    CHECK(shown(context, version, "b.many.example", RSA_KEY, NULL), ==, 0);
    CHECK(shown(context, version, "second.example", ECDSA, NULL), ==, 0);
    CHECK(shown(context, version, NULL, RSA_KEY, NULL), ==, 0);
    CHECK(shown(context, version, NULL, ECDSA ":" RSA_KEY, &certificates[0]), ==, EVP_PKEY_EC);
    green_tls_context_release(context);
}

TEST(several, "a client never gets a certificate for other names because of its key type") {
    certificates[0] = make("DNS:first.example,DNS:*.many.example", false);
    certificates[1] = make("DNS:second.example", true);
    certificates[2] = make("DNS:a.many.example", true);
    certificates[3] = make("DNS:a.many.example", true);
    with_each_version(offer_several);
    free_certificates(4);
}
