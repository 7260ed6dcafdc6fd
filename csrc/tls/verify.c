/* The verification of peers: authorities, pins and host names. */
#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

static int use_certificates(SSL_CTX *context, const green_tls_options *options) {
    char label[GREEN_TLS_PEM_LABEL_MAX];
    size_t count = 0, expected;
    BIO *bio = green__tls_pem_open(&options->authorities, "list of authorities", &expected);
    if (!bio)
        return -EPROTO;
    bool good = true;
    for (X509 *certificate; good && (certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)); count++) {
        good = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1;
        if (options->role == GREEN_TLS_SERVER)
            SSL_CTX_add_client_CA(context, certificate);
        X509_free(certificate);
    }
    BIO_free(bio);
    if (!good || count == 0 || count != expected || !green__tls_pem_at_end())
        return green__tls_fail_setup(
            "%s is invalid", green__tls_pem_label(&options->authorities, "list of authorities", label, sizeof label));
    ERR_clear_error(); /* the end of the text is an error to OpenSSL */
    return 0;
}

int green__tls_use_authorities(SSL_CTX *context, const green_tls_options *options) {
    if (options->authorities.path || options->authorities.bytes)
        return use_certificates(context, options);
    if (options->role == GREEN_TLS_SERVER && options->verification == GREEN_TLS_VERIFY_DEFAULT)
        return 0;
    if (SSL_CTX_set_default_verify_paths(context) != 1)
        return green__tls_fail_setup("the system's list of authorities cannot be read");
    return 0;
}

static bool is_pinned(const green_tls_config *config, X509 *certificate) {
    unsigned char *bytes = NULL, digest[SHA256_DIGEST_LENGTH];
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
    if (size < 0)
        return false;
    SHA256(bytes, (size_t)size, digest);
    OPENSSL_free(bytes);
    for (size_t i = 0; i < config->pin_count; i++)
        if (memcmp(config->pins + i * GREEN_TLS_PIN_SIZE, digest, sizeof digest) == 0)
            return true;
    return false;
}

/* Verifies during the handshake, so a rejected peer gets an alert and no data. */
static int verify(X509_STORE_CTX *store, void *argument) {
    (void)argument;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    green_tls_ex_data *data = green__tls_ex_data(ssl);
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    bool trusted = data->config->verification == GREEN_TLS_VERIFY_NONE_INSECURE || X509_verify_cert(store) == 1;
    if (trusted && data->config->pin_count > 0 && !is_pinned(data->config, certificate)) {
        /* An error for which OpenSSL sends the peer a certificate alert. */
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
        trusted = false;
    }
    if (!trusted)
        green__tls_certificate_names(certificate, data->names, sizeof data->names);
    return trusted;
}

static int verify_mode(const green_tls_config *config) {
    switch (config->verification) {
    case GREEN_TLS_VERIFY_OPTIONAL:
        return SSL_VERIFY_PEER;
    case GREEN_TLS_VERIFY_REQUIRED:
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case GREEN_TLS_VERIFY_NONE_INSECURE:
        /* Pins are checked nevertheless. */
        return config->pin_count > 0 ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE;
    default:
        return config->role == GREEN_TLS_CLIENT ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
    }
}

void green__tls_use_verification(SSL_CTX *context, const green_tls_config *config) {
    SSL_CTX_set_verify(context, verify_mode(config), NULL);
    SSL_CTX_set_cert_verify_callback(context, verify, NULL);
}

int green__tls_set_host(SSL *ssl, const char *host, bool is_address) {
    X509_VERIFY_PARAM *expected = SSL_get0_param(ssl);
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1
                   ? 0
                   : green__fail(-ENOMEM, "TLS: cannot verify the name %s", host);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(expected, host, 0) != 1 || SSL_set_tlsext_host_name(ssl, host) != 1)
        return green__fail(-EINVAL, "TLS: '%s' is not a host name", host);
    return 0;
}
