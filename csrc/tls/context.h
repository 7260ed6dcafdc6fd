/* What connections share, and how a failure of OpenSSL becomes a sentence. */
#ifndef GREEN_TLS_CONTEXT_H
#define GREEN_TLS_CONTEXT_H

#include "../base/error.h"

#include <green/tls.h>
#include <openssl/ssl.h>

/* An SSL for a new connection, with its role, what it verifies, whom it asks for
 * and, for a client, the session to resume. text is a client's: the name or
 * address of the host, in any form; NULL for a server. 0 or -errno, explained. */
int green__tls_ssl_make(green_tls_context *context, const char *text, SSL **ssl);

/* Nanoseconds; negative: none. */
int64_t green__tls_handshake_timeout(const SSL *ssl);

/* Turns the failure of a call, which the error queue and the verification of ssl
 * tell, into -EPROTO, a problem and a sentence: doing is "TLS handshake", whom
 * the socket's label. Who has handshake_done hands speaks TLS, whatever comes from there. */
int green__tls_fail_openssl(const SSL *ssl, bool handshake_done, const char *doing, const char *whom);

/* The same where we know the problem ourselves. */
int green__tls_fail(green_tls_problem problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
