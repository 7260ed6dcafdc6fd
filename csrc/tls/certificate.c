/* The certificates and keys of a context, and the choice among them by SNI. */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* The first certificate is the context's own, the others are the chain to a root. */
static int use_chain(SSL_CTX *context, const green_tls_pem *pem) {
    char label[GREEN_TLS_PEM_LABEL_MAX];
    size_t count = 1, expected;
    BIO *bio = green__tls_pem_open(pem, "certificate", &expected);
    if (!bio)
        return -EPROTO;
    X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    bool good = certificate && SSL_CTX_use_certificate(context, certificate) == 1;
    X509_free(certificate);
    for (; good && (certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)); count++) {
        good = SSL_CTX_add0_chain_cert(context, certificate) == 1;
        if (!good)
            X509_free(certificate);
    }
    good = good && green__tls_pem_at_end() && count == expected;
    BIO_free(bio);
    if (!good)
        return green__tls_fail_setup("%s is invalid", green__tls_pem_label(pem, "certificate", label, sizeof label));
    ERR_clear_error(); /* the end of the text is an error to OpenSSL */
    return 0;
}

/* Without a passphrase OpenSSL would ask the terminal. */
static int ask_passphrase(char *bytes, int size, int writing, void *pointer) {
    const green_tls_identity *identity = pointer;
    (void)writing;
    int length = identity->passphrase ? identity->passphrase(bytes, size, identity->passphrase_context) : -1;
    return length <= size ? length : -1;
}

static int use_key(SSL_CTX *context, const green_tls_identity *identity) {
    char label[GREEN_TLS_PEM_LABEL_MAX];
    const green_tls_pem *pem = &identity->key;
    size_t certificates;
    BIO *bio = green__tls_pem_open(pem, "key", &certificates);
    if (!bio)
        return -EPROTO;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, ask_passphrase, (void *)identity);
    BIO_free(bio);
    green__tls_pem_label(pem, "key", label, sizeof label);
    if (!key)
        return green__tls_fail_setup("%s is invalid, or its passphrase is wrong", label);
    bool fits = SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    return fits ? 0 : green__tls_fail_setup("%s does not match the certificate", label);
}

int green__tls_use_certificate(SSL_CTX *context, const green_tls_identity *identity) {
    int error = use_chain(context, &identity->chain);
    return error < 0 ? error : use_key(context, identity);
}

static bool is_for_host(SSL_CTX *context, const char *name) {
    return X509_check_host(SSL_CTX_get0_certificate(context), name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

static bool has_name(const GENERAL_NAMES *names, GENERAL_NAME *name) {
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i), name) == 0)
            return true;
    return false;
}

/* Whether a certificate covers all the names of another. */
static bool has_names_of(SSL_CTX *context, SSL_CTX *other) {
    const X509 *certificate = SSL_CTX_get0_certificate(context), *others = SSL_CTX_get0_certificate(other);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    GENERAL_NAMES *wanted = X509_get_ext_d2i(others, NID_subject_alt_name, NULL, NULL);
    bool has = names && wanted;
    if (!names && !wanted)
        has = X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_subject_name(others)) == 0;
    for (int i = 0; has && i < sk_GENERAL_NAME_num(wanted); i++)
        has = has_name(names, sk_GENERAL_NAME_value(wanted, i));
    GENERAL_NAMES_free(names);
    GENERAL_NAMES_free(wanted);
    return has;
}

/* Adds an identity to the connection, unless it already has a key of this type. */
static void add_certificate(SSL *ssl, SSL_CTX *context) {
    STACK_OF(X509) *chain = NULL;
    SSL_CTX_get0_chain_certs(context, &chain);
    ERR_set_mark();
    SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(context), SSL_CTX_get0_privatekey(context), chain, 0);
    ERR_pop_to_mark();
}

/* SNI: selects the first identity for the name, or else the first in the list. Adds the
 * identities for the same name or names that have keys of other types. OpenSSL then
 * selects one that the client can verify. */
static int choose_identity(SSL *ssl, int *alert, void *argument) {
    (void)alert, (void)argument;
    const green_tls_config *config = green__tls_ex_data(ssl)->config;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    size_t first = 0;
    while (name && first < config->context_count && !is_for_host(config->contexts[first], name))
        first++;
    bool fits = name && first < config->context_count;
    SSL_CTX *chosen = config->contexts[fits ? first : 0];
    SSL_set_SSL_CTX(ssl, chosen);
    for (size_t i = fits ? first + 1 : 1; i < config->context_count; i++)
        if (fits ? is_for_host(config->contexts[i], name) : has_names_of(config->contexts[i], chosen))
            add_certificate(ssl, config->contexts[i]);
    return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void green__tls_use_sni(SSL_CTX *context) {
    SSL_CTX_set_tlsext_servername_callback(context, choose_identity);
}

/* The names in a peer's certificate may contain any bytes. */
static void make_printable(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            *text = '?';
}

/* Prints a DNS name or an IP address and returns its length. Returns 0 for other names. */
static int print_name(const GENERAL_NAME *name, char *text, int size) {
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    int length = ASN1_STRING_length(value);
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    if (type == GEN_DNS)
        return snprintf(text, (size_t)size, "%.*s", length, (const char *)bytes);
    if (type != GEN_IPADD || (length != 4 && length != 16))
        return 0;
    return inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, text, (socklen_t)size) ? (int)strlen(text) : 0;
}

void green__tls_certificate_names(X509 *certificate, char *text, size_t size) {
    size_t length = 0;
    text[0] = '\0';
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        char name[GREEN_TLS_NAMES_MAX];
        if (print_name(sk_GENERAL_NAME_value(names, i), name, sizeof name) <= 0 || length + 1 >= size)
            continue;
        int written = snprintf(text + length, size - length, "%s%s", length > 0 ? ", " : "", name);
        length += written > 0 ? (size_t)written : 0;
    }
    GENERAL_NAMES_free(names);
    if (length == 0)
        X509_NAME_oneline(X509_get_subject_name(certificate), text, (int)size);
    make_printable(text);
}
