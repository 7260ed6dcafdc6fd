/* The protocol versions and ciphers of a context. */
#include "internal.h"

#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

/* Whether a cipher has forward secrecy and is an AEAD. CBC padding has been attacked by
 * timing too often. Each cipher of TLS 1.3 qualifies. */
static bool is_sound(const SSL_CIPHER *cipher) {
    int exchange = SSL_CIPHER_get_kx_nid(cipher);
    return SSL_CIPHER_is_aead(cipher) && (exchange == NID_kx_ecdhe || exchange == NID_kx_dhe);
}

/* Uses the sound ciphers among those that the system's configuration allows, in its order. */
static bool use_sound_ciphers(SSL_CTX *context) {
    char list[4096] = "";
    size_t length = 0;
    STACK_OF(SSL_CIPHER) *allowed = SSL_CTX_get_ciphers(context);
    for (int i = 0; i < sk_SSL_CIPHER_num(allowed); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(allowed, i);
        if (is_sound(cipher) && length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", length > 0 ? ":" : "",
                                       SSL_CIPHER_get_name(cipher));
    }
    return length == 0 || (length < sizeof list && SSL_CTX_set_cipher_list(context, list) == 1);
}

int green__tls_use_ciphers(SSL_CTX *context, const green_tls_options *options) {
    int minimum = options->minimum ? (int)options->minimum : GREEN_TLS_1_2, maximum = (int)options->maximum;
    if (!SSL_CTX_set_min_proto_version(context, minimum) || !SSL_CTX_set_max_proto_version(context, maximum))
        return green__tls_fail_setup("this OpenSSL does not support the TLS version");
    if (options->ciphers && !SSL_CTX_set_cipher_list(context, options->ciphers))
        return green__tls_fail_setup("no cipher in '%s'", options->ciphers);
    if (!options->ciphers && !use_sound_ciphers(context))
        return green__tls_fail_setup("no cipher with forward secrecy is available");
    if (options->suites && !SSL_CTX_set_ciphersuites(context, options->suites))
        return green__tls_fail_setup("no TLS 1.3 cipher suite in '%s'", options->suites);
    return 0;
}
