/* Resuming: tickets of a server, and what a client keeps of them. */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* Newer sessions push older ones out. */
enum { SESSIONS_MAX = 256 };

static void drop(green_tls_config *config, size_t index) {
    free(config->sessions[index].host);
    config->session_count--;
    memmove(config->sessions + index, config->sessions + index + 1,
            (config->session_count - index) * sizeof *config->sessions);
}

void green__tls_free_sessions(green_tls_config *config) {
    while (config->session_count > 0) {
        SSL_SESSION_free(config->sessions[config->session_count - 1].session);
        drop(config, config->session_count - 1);
    }
    free(config->sessions);
    config->sessions = NULL;
}

static bool keep(green_tls_config *config, const char *host, SSL_SESSION *session) {
    if (!config->sessions)
        config->sessions = malloc(SESSIONS_MAX * sizeof *config->sessions);
    char *copy = config->sessions ? strdup(host) : NULL;
    if (!copy)
        return false;
    if (config->session_count == SESSIONS_MAX) {
        SSL_SESSION_free(config->sessions[0].session);
        drop(config, 0);
    }
    config->sessions[config->session_count++] = (green_tls_session){copy, session};
    return true;
}

/* Returns whether it has taken the session over. */
static int on_new_session(SSL *ssl, SSL_SESSION *session) {
    green_tls_ex_data *data = green__tls_ex_data(ssl);
    if (!data->host)
        return 0;
    green__lock(&data->config->lock);
    bool kept = keep(data->config, data->host, session);
    green__unlock(&data->config->lock);
    return kept;
}

/* A ticket of TLS 1.3 is used once, or who watches could tell that it is us. */
void green__tls_offer_session(SSL *ssl, green_tls_ex_data *data) {
    green_tls_config *config = data->config;
    SSL_SESSION *session = NULL;
    if (!config->resumes)
        return;
    green__lock(&config->lock);
    for (size_t i = config->session_count; !session && i-- > 0;) {
        if (strcmp(config->sessions[i].host, data->host) != 0)
            continue;
        session = config->sessions[i].session;
        if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
            drop(config, i);
        else
            SSL_SESSION_up_ref(session);
    }
    green__unlock(&config->lock);
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

/* Who resumes is not asked for a certificate again. So a session is good only for
 * servers that would have asked the same: others may have the ticket key too. */
static bool name_sessions(SSL_CTX *context, const green_tls_config *config) {
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
    /* Tickets carry the session, so that no memory of ours does. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!name_sessions(context, config))
        return green__fail(-ENOMEM, "TLS context");
    if (SSL_CTX_set_tlsext_ticket_keys(context, (void *)ticket_key, GREEN_TLS_TICKET_KEY_SIZE) != 1)
        return green__tls_fail_setup("the ticket key is no good");
    return 0;
}
