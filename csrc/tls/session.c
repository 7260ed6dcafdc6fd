/* Session resumption: the tickets of a server, and the sessions that a client offers. */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

/* A client has received a session. Returns whether it keeps the reference. */
static int on_new_session(SSL *ssl, SSL_SESSION *session) {
    green_tls_ex_data *data = green__tls_ex_data(ssl);
    return data->host && green__tls_session_cache_put(&data->config->sessions, data->host, session);
}

void green__tls_offer_session(SSL *ssl, green_tls_ex_data *data) {
    if (!data->config->resumes)
        return;
    SSL_SESSION *session = green__tls_session_cache_take(&data->config->sessions, data->host);
    if (session) {
        SSL_set_session(ssl, session);
        SSL_SESSION_free(session);
    }
}

static bool add_trusted(EVP_MD_CTX *digest, SSL_CTX *context) {
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    unsigned char print[SHA256_DIGEST_LENGTH];
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        const X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (certificate &&
            (!X509_digest(certificate, EVP_sha256(), print, NULL) || !EVP_DigestUpdate(digest, print, sizeof print)))
            return false;
    }
    return true;
}

/* A client that resumes is not asked for a certificate again. So the session ID context
 * depends on the verification settings: a server with the same ticket key but other settings
 * does not accept the session. */
static bool use_session_id_context(SSL_CTX *context, const green_tls_config *config) {
    unsigned char name[SHA256_DIGEST_LENGTH];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
                EVP_DigestUpdate(digest, &config->verification, sizeof config->verification) &&
                EVP_DigestUpdate(digest, config->pins, config->pin_count * GREEN_TLS_PIN_SIZE) &&
                (config->verification == GREEN_TLS_VERIFY_DEFAULT || add_trusted(digest, context)) &&
                EVP_DigestFinal_ex(digest, name, NULL) && SSL_CTX_set_session_id_context(context, name, sizeof name);
    EVP_MD_CTX_free(digest);
    return good;
}

int green__tls_use_sessions(SSL_CTX *context, const green_tls_config *config, const unsigned char *ticket_key) {
    if (!config->resumes) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
        return 0;
    }
    if (config->role == GREEN_TLS_CLIENT) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, on_new_session);
        return 0;
    }
    /* The tickets contain the sessions; the server stores none. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!use_session_id_context(context, config))
        return green__fail(-ENOMEM, "cannot make a TLS context");
    if (SSL_CTX_set_tlsext_ticket_keys(context, (void *)ticket_key, GREEN_TLS_TICKET_KEY_SIZE) != 1)
        return green__tls_fail_setup("the ticket key is invalid");
    return 0;
}
