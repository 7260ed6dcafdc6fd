#include "tls_helpers.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

/* Certificates -------------------------------------------------------------- */

static char *text_of(BIO *bio) {
    char *bytes;
    long size = BIO_get_mem_data(bio, &bytes);
    char *text = strndup(bytes, (size_t)size);
    BIO_free(bio);
    return text;
}

static X509 *read_certificate(const char *text) {
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *read_key(const char *text) {
    BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return key;
}

static void extend(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    CHECK(extension != NULL);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static void set_pin(struct certificate *made, X509 *certificate) {
    unsigned char *bytes = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
    SHA256(bytes, (size_t)size, made->pin);
    OPENSSL_free(bytes);
}

static void describe_certificate(X509 *certificate, X509 *issuer, EVP_PKEY *key,
                                 const struct certificate_options *options) {
    static long serial = 1;
    const char *subject = options->subject ? options->subject : options->authority ? "an authority" : "a peer";
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), options->begins);
    X509_gmtime_adj(X509_getm_notAfter(certificate), options->ends ? options->ends : 24 * 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)subject,
                               -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    extend(certificate, issuer, NID_basic_constraints, options->authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (options->purpose)
        extend(certificate, issuer, NID_ext_key_usage, options->purpose);
    if (options->names)
        extend(certificate, issuer, NID_subject_alt_name, options->names);
}

/* Signs with the issuer's key, or with another one if forged. */
static void sign(X509 *certificate, EVP_PKEY *signer, bool forged) {
    EVP_PKEY *forger = forged ? EVP_EC_gen("P-256") : NULL;
    CHECK(X509_sign(certificate, forged ? forger : signer, EVP_sha256()), >, 0);
    EVP_PKEY_free(forger);
}

static void print(struct certificate *made, X509 *certificate, EVP_PKEY *key, const char *passphrase) {
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    made->chain = text_of(bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, passphrase ? EVP_aes_256_cbc() : NULL, (const unsigned char *)passphrase,
                             passphrase ? (int)strlen(passphrase) : 0, NULL, NULL);
    made->key = text_of(bio);
    set_pin(made, certificate);
}

struct certificate make_certificate(const struct certificate_options *options) {
    struct certificate made;
    X509 *certificate = X509_new(), *issuer = options->issuer ? read_certificate(options->issuer->chain) : certificate;
    EVP_PKEY *key = options->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
             *signer = options->issuer ? read_key(options->issuer->key) : key;
    describe_certificate(certificate, issuer, key, options);
    sign(certificate, signer, options->forged);
    print(&made, certificate, key, options->passphrase);
    if (options->issuer) {
        X509_free(issuer);
        EVP_PKEY_free(signer);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made;
}

void free_certificate(struct certificate *certificate) {
    free(certificate->chain);
    free(certificate->key);
}

const struct certificate *authority(void) {
    static struct certificate made;
    if (!made.chain)
        made = make_certificate(&(struct certificate_options){.authority = true});
    return &made;
}

const struct certificate *localhost(void) {
    static struct certificate made;
    if (!made.chain)
        made = make_certificate(
            &(struct certificate_options){.names = "DNS:localhost,IP:127.0.0.1", .issuer = authority()});
    return &made;
}

char *joined(const char *first, const char *second) {
    char *text = NULL;
    CHECK(asprintf(&text, "%s%s", first, second), >, 0);
    return text;
}

green_tls_pem pem(const char *text) {
    return (green_tls_pem){.bytes = text, .size = strlen(text)};
}

green_tls_identity identity(const struct certificate *certificate) {
    return (green_tls_identity){.chain = pem(certificate->chain), .key = pem(certificate->key)};
}

/* Contexts ------------------------------------------------------------------ */

/* Many handshakes at once on a loaded machine may exceed the default limit. */
green_tls_context *context_of(green_tls_options options) {
    green_tls_context *context = NULL;
    if (options.handshake_timeout == 0)
        options.handshake_timeout = GREEN_FOREVER;
    CHECK(green_tls_context_make(&context, &options), ==, 0);
    return context;
}

green_tls_context *server_context(const struct certificate *certificate) {
    green_tls_identity own = identity(certificate);
    return context_of((green_tls_options){.role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1});
}

green_tls_context *client_context(void) {
    return context_of((green_tls_options){.authorities = pem(authority()->chain)});
}

void tls_contexts(green_tls_version version, green_tls_context **client, green_tls_context **server) {
    green_tls_identity own = identity(localhost());
    *client = context_of((green_tls_options){.authorities = pem(authority()->chain), .maximum = version});
    *server = context_of(
        (green_tls_options){.role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1, .maximum = version});
}

/* Connections --------------------------------------------------------------- */

struct outcome outcome_of(ssize_t result) {
    struct outcome outcome = {.result = (int)result};
    if (result < 0)
        snprintf(outcome.text, sizeof outcome.text, "%s", green_explain((int)result));
    if (result == -EPROTO) {
        outcome.problem = green_tls_last_problem();
        outcome.verify = green_tls_last_verify();
    }
    return outcome;
}

int start_side(void *argument) {
    struct side *side = argument;
    char byte = '!';
    ssize_t result = green_tls_start(side->socket, side->context, side->host);
    if (result == 0)
        result = side->host ? green_read(side->socket, &byte, 1) : green_write(side->socket, &byte, 1);
    side->outcome = outcome_of(result == 1 ? 0 : result == 0 ? -ENODATA : result);
    if (side->outcome.result < 0)
        green_close(side->socket);
    return side->outcome.result;
}

struct tls_pair tls_meet_on(green_socket *client_end, green_socket *server_end, green_tls_context *client,
                            green_tls_context *server, const char *host) {
    struct side asking = {.socket = client_end, .context = client, .host = host},
                serving = {.socket = server_end, .context = server};
    green_thread *thread = start(start_side, &serving);
    start_side(&asking);
    finish(thread);
    return (struct tls_pair){client_end, server_end, asking.outcome, serving.outcome};
}

struct tls_pair tls_meet(green_tls_context *client, green_tls_context *server, const char *host) {
    green_socket *client_end, *server_end;
    CHECK(green_socket_pair(&client_end, &server_end), ==, 0);
    return tls_meet_on(client_end, server_end, client, server, host);
}

struct tls_pair tls_connected(green_tls_context *client, green_tls_context *server) {
    struct tls_pair pair = tls_meet(client, server, "localhost");
    CHECK_TEXT(pair.client_outcome.text, "");
    CHECK_TEXT(pair.server_outcome.text, "");
    return pair;
}

struct tls_pair tls_pair(green_tls_version version) {
    green_tls_context *client, *server;
    tls_contexts(version, &client, &server);
    struct tls_pair pair = tls_connected(client, server);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return pair;
}

void release_tls_pair(struct tls_pair *pair) {
    green_socket_release(pair->client);
    green_socket_release(pair->server);
    *pair = (struct tls_pair){0};
}

green_tls_info info_of(const green_socket *socket) {
    green_tls_info info;
    CHECK(green_tls_describe(socket, &info), ==, 0);
    return info;
}

bool shows(const green_socket *socket, const struct certificate *certificate) {
    struct certificate shown = {0};
    void *der = NULL;
    ssize_t size = green_tls_peer_certificate(socket, 0, &der);
    CHECK(size, >, 0);
    const unsigned char *bytes = der;
    X509 *peer = d2i_X509(NULL, &bytes, size);
    CHECK(peer != NULL);
    set_pin(&shown, peer);
    X509_free(peer);
    free(der);
    return memcmp(shown.pin, certificate->pin, sizeof shown.pin) == 0;
}

void talk_both_ways(struct tls_pair *pair) {
    send_text(pair->client, ">");
    expect_text(pair->server, ">");
    send_text(pair->server, "<");
    expect_text(pair->client, "<");
}

void with_each_version(void (*body)(green_tls_version version)) {
    printf("TLS 1.2\n");
    fflush(stdout);
    body(GREEN_TLS_1_2);
    printf("TLS 1.3\n");
    fflush(stdout);
    body(GREEN_TLS_1_3);
}

char *file_with(const char *directory, const char *name, const char *text) {
    char *path = NULL;
    CHECK(asprintf(&path, "%s/%s", directory, name), >, 0);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file), >=, 0);
    CHECK(fclose(file), ==, 0);
    return path;
}
