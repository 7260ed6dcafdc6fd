/* Turns errors of OpenSSL into -EPROTO with a problem and a message. */
#include "internal.h"

#include "../base/message.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_MAX = 400, REASON_MAX = 160 };

green_tls_problem green_tls_last_problem(void) {
    return (green_tls_problem)green__message_details().problem;
}

long green_tls_last_verify(void) {
    return green__message_details().verify;
}

int green__tls_fail(green_tls_problem problem, const char *format, ...) {
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int error = green__fail(-EPROTO, "%s", text);
    green__message_set_details((green_message_details){.problem = problem});
    return error;
}

/* OpenSSL's text for an error. */
static const char *reason_text(unsigned long error, char *text, size_t size) {
    const char *reason = ERR_reason_error_string(error);
    if (reason)
        snprintf(text, size, "%s", reason);
    else
        ERR_error_string_n(error, text, size);
    return text;
}

int green__tls_fail_setup(const char *format, ...) {
    char text[TEXT_MAX], reason[REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    unsigned long error = ERR_peek_error();
    ERR_clear_error();
    if (error == 0)
        return green__tls_fail(GREEN_TLS_BAD_SETUP, "TLS: %s", text);
    if (ERR_SYSTEM_ERROR(error))
        return green__tls_fail(GREEN_TLS_BAD_SETUP, "TLS: %s: %s", text, green__error_text(-ERR_GET_REASON(error)));
    return green__tls_fail(GREEN_TLS_BAD_SETUP, "TLS: %s: %s", text, reason_text(error, reason, sizeof reason));
}

static green_tls_problem problem_of_verify(long result) {
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return GREEN_TLS_EXPIRED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return GREEN_TLS_WRONG_HOST;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return GREEN_TLS_UNTRUSTED;
    case X509_V_ERR_CERT_REJECTED:
        return GREEN_TLS_WRONG_KEY;
    default:
        return GREEN_TLS_BAD_CERTIFICATE;
    }
}

static green_tls_problem problem_of_alert(int alert) {
    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_INSUFFICIENT_SECURITY:
        return GREEN_TLS_NO_COMMON;
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        return GREEN_TLS_WRONG_ALPN;
    default:
        return GREEN_TLS_REFUSED;
    }
}

static green_tls_problem problem_of_reason(int reason) {
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return GREEN_TLS_NOT_TLS;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
        return GREEN_TLS_NO_COMMON;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return GREEN_TLS_WRONG_ALPN;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return GREEN_TLS_NO_CERTIFICATE;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return GREEN_TLS_TRUNCATED;
    default:
        return reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256
                   ? problem_of_alert(reason - SSL_AD_REASON_OFFSET)
                   : GREEN_TLS_CORRUPT;
    }
}

static int fail_verification(const SSL *ssl, const char *doing, const char *label) {
    const green_tls_ex_data *data = green__tls_ex_data(ssl);
    long result = SSL_get_verify_result(ssl);
    green_tls_problem problem = problem_of_verify(result);
    const char *why =
        problem == GREEN_TLS_WRONG_KEY ? "its key does not match a pin" : X509_verify_cert_error_string(result);
    const char *host = problem == GREEN_TLS_WRONG_HOST && data->host ? data->host : NULL;
    green__tls_fail(problem, "%s on %s: the certificate of %s was rejected: %s%s%s", doing, label, data->names, why,
                    host ? "; expected " : "", host ? host : "");
    green__message_set_details((green_message_details){.problem = problem, .verify = result});
    return -EPROTO;
}

/* Empties the error queue. Returns the oldest error, which is the cause of the others. If a
 * certificate was rejected, the verification result says more. */
static unsigned long take_errors(bool *rejected) {
    unsigned long first = ERR_peek_error(), error;
    *rejected = false;
    while ((error = ERR_get_error()) != 0)
        *rejected |= ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    return first;
}

int green__tls_fail_openssl(const SSL *ssl, bool handshake_done, const char *doing, const char *label) {
    char reason[REASON_MAX];
    bool rejected;
    unsigned long error = take_errors(&rejected);
    if (rejected)
        return fail_verification(ssl, doing, label);
    if (error == 0) /* end of the stream */
        return green__tls_fail(GREEN_TLS_TRUNCATED, "%s on %s: the peer closed the connection without close_notify",
                               doing, label);
    green_tls_problem problem =
        ERR_GET_LIB(error) == ERR_LIB_SSL ? problem_of_reason(ERR_GET_REASON(error)) : GREEN_TLS_CORRUPT;
    if (problem == GREEN_TLS_NOT_TLS && handshake_done)
        problem = GREEN_TLS_CORRUPT;
    if (problem == GREEN_TLS_TRUNCATED)
        return green__tls_fail(problem, "%s on %s: the peer closed the connection without close_notify", doing, label);
    reason_text(error, reason, sizeof reason);
    return green__tls_fail(problem,
                           problem == GREEN_TLS_NOT_TLS ? "%s on %s: the peer does not speak TLS: %s" : "%s on %s: %s",
                           doing, label, reason);
}
