/* Contexts, and errors of OpenSSL as -EPROTO with a problem and a message. */
#ifndef GREEN_TLS_CONTEXT_H
#define GREEN_TLS_CONTEXT_H

#include "../base/error.h"

#include <green/tls.h>
#include <openssl/ssl.h>

/* Makes the SSL of a new connection, with the role, verification and host name of the
 * context, and with a session to resume for a client. host is the server's name or address
 * in any form for a client, and NULL for a server. Returns 0 or -errno, explained. */
int green__tls_ssl_make(green_tls_context *context, const char *host, SSL **ssl);

/* In nanoseconds. Negative: no limit. */
int64_t green__tls_handshake_timeout(const SSL *ssl);

/* 0, or -EINVAL if the context is for clients. */
int green__tls_check_server(green_tls_context *context);

/* Returns -EPROTO with the problem and the message of a failed OpenSSL call, from the error
 * queue and the verification result of ssl. doing is for example "TLS handshake", label that
 * of the socket. After a handshake the peer does speak TLS, so an unknown record is
 * GREEN_TLS_CORRUPT then and not GREEN_TLS_NOT_TLS. */
int green__tls_fail_openssl(const SSL *ssl, bool handshake_done, const char *doing, const char *label);

/* Returns -EPROTO with this problem and message. */
int green__tls_fail(green_tls_problem problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
