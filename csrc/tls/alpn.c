/* ALPN: negotiates the application protocol. */
#include "internal.h"

#include <errno.h>

static int select_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
                           unsigned offered_size, void *argument) {
    (void)argument;
    const green_tls_config *config = green__tls_ex_data(ssl)->config;
    int result = SSL_select_next_proto((unsigned char **)chosen, length, config->protocols,
                                       (unsigned)config->protocols_size, offered, offered_size);
    /* RFC 7301 requires a fatal alert if there is no common protocol. */
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int green__tls_use_alpn(SSL_CTX *context, const green_tls_config *config) {
    if (config->protocols_size == 0)
        return 0;
    if (config->role == GREEN_TLS_SERVER)
        SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    else if (SSL_CTX_set_alpn_protos(context, config->protocols, (unsigned)config->protocols_size) != 0)
        return green__fail(-ENOMEM, "cannot make a TLS context");
    return 0;
}
