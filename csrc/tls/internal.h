/* The parts of a context, for the files that make one. */
#ifndef GREEN_TLS_INTERNAL_H
#define GREEN_TLS_INTERNAL_H

#include "../base/lock.h"
#include "context.h"

#include <stdatomic.h>

typedef struct green_tls_session {
    char *host;
    SSL_SESSION *session;
} green_tls_session;

/* A client's sessions, newest last. The lock protects the array. */
typedef struct green_tls_session_cache {
    green_lock lock;
    green_tls_session *sessions;
    size_t count;
} green_tls_session_cache;

/* Options in the form that connections use. Immutable, except for the sessions: a reload
 * gives the context another configuration. The context and each connection hold a
 * reference. */
typedef struct green_tls_config {
    atomic_uint references;
    green_tls_role role;
    green_tls_verification verification;
    int64_t handshake_timeout;
    bool resumes;
    SSL_CTX **contexts; /* one for each identity, at least one */
    size_t context_count;
    unsigned char *pins;
    size_t pin_count;
    unsigned char *protocols; /* in the format of the ALPN extension */
    size_t protocols_size;
    int key_log; /* a descriptor, or -1 */
    green_tls_session_cache sessions;
} green_tls_config;

enum { GREEN_TLS_NAMES_MAX = 160 };

/* The application data (ex_data) of an SSL. */
typedef struct green_tls_ex_data {
    green_tls_config *config;
    char *host;                      /* the server's, for a client; else NULL */
    char names[GREEN_TLS_NAMES_MAX]; /* in a rejected certificate */
} green_tls_ex_data;

green_tls_ex_data *green__tls_ex_data(const SSL *ssl);
bool green__tls_set_ex_data(SSL *ssl, green_tls_config *config, const char *host);

green_tls_config *green__tls_config_retain(green_tls_config *config);
void green__tls_config_release(green_tls_config *config);

int green__tls_session_cache_init(green_tls_session_cache *cache);
void green__tls_session_cache_destroy(green_tls_session_cache *cache);
void green__tls_session_cache_clear(green_tls_session_cache *cache);

/* Takes over the reference to the session if it returns true. */
bool green__tls_session_cache_put(green_tls_session_cache *cache, const char *host, SSL_SESSION *session);

/* Returns the newest session of the host, which the caller frees, or NULL. Removes a session
 * of TLS 1.3. */
SSL_SESSION *green__tls_session_cache_take(green_tls_session_cache *cache, const char *host);

/* Each sets up one part of a new SSL_CTX. Returns 0 or -errno, explained. */
int green__tls_use_ciphers(SSL_CTX *context, const green_tls_options *options);
int green__tls_use_certificate(SSL_CTX *context, const green_tls_identity *identity);
int green__tls_use_authorities(SSL_CTX *context, const green_tls_options *options);
void green__tls_use_verification(SSL_CTX *context, const green_tls_config *config);
int green__tls_use_sessions(SSL_CTX *context, const green_tls_config *config, const unsigned char *ticket_key);
void green__tls_use_sni(SSL_CTX *context);
int green__tls_use_alpn(SSL_CTX *context, const green_tls_config *config);

/* Maximum length of a server name in a handshake, including the NUL. */
enum { GREEN_TLS_HOST_MAX = TLSEXT_MAXLEN_host_name + 1 };

/* Parses a host name or address with any letter case, a final dot, brackets or a zone.
 * Stores the canonical form that SNI, verification and sessions use. -EINVAL,
 * explained. */
int green__tls_parse_host(const char *text, char host[GREEN_TLS_HOST_MAX], bool *is_address);

/* Sets the canonical host that a client requests and verifies. */
int green__tls_set_host(SSL *ssl, const char *host, bool is_address);

/* Offers the newest session of the host, if there is one. */
void green__tls_offer_session(SSL *ssl, green_tls_ex_data *data);

/* Prints the host names in a certificate: "example.org, www.example.org". */
void green__tls_certificate_names(X509 *certificate, char *text, size_t size);

/* Opens a BIO over a well-formed PEM text, and counts its certificates. Returns NULL,
 * explained with the line number, if it is malformed. what names it in messages, for
 * example "key". */
BIO *green__tls_pem_open(const green_tls_pem *pem, const char *what, size_t *certificates);

/* Whether PEM_read_bio_X509() failed at the end of the text, and not at a damaged
 * certificate. */
bool green__tls_pem_at_end(void);

/* Prints "the key in server.pem" for messages. */
const char *green__tls_pem_label(const green_tls_pem *pem, const char *what, char *text, size_t size);
enum { GREEN_TLS_PEM_LABEL_MAX = 200 };

/* Returns -EPROTO with GREEN_TLS_BAD_SETUP. The message ends with OpenSSL's reason. */
int green__tls_fail_setup(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
