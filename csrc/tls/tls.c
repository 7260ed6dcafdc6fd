/* The public calls that start and stop TLS on sockets and describe it. */
#include "../core/fork.h"
#include "connection.h"

#include "../net/listener.h"
#include "../net/server.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#if !GREEN_HAS_TLS
#error "a build with TLS defines GREEN_HAS_TLS as 1"
#endif

bool green_tls_is_on(const green_socket *socket) {
    return green__tls_of(socket) != NULL;
}

static int not_on(const green_socket *socket, const char *call) {
    char label[GREEN_SOCKET_LABEL_MAX];
    return green__fail(-ENOTCONN, "%s: %s is not a TLS connection", call,
                       green__socket_label(socket, label, sizeof label));
}

/* Returns 0 for a TLS connection of this OS thread, or -errno, explained. */
static int check_on(const green_socket *socket, const char *call) {
    if (socket->hub != green__hub)
        return green__fail(-EXDEV, "%s: the socket %s", call, green__foreign_hub_reason(socket->hub));
    return green_tls_is_on(socket) ? 0 : not_on(socket, call);
}

int green_tls_handshake(green_socket *socket) {
    green_socket_io call;
    int error = check_on(socket, "TLS handshake");
    if (error < 0)
        return error;
    error = green__socket_begin(socket, &call, GREEN_WRITING);
    return error < 0 ? error : (int)green__socket_end(&call, green__tls_handshake(&call, green__tls_of(socket)));
}

int green_tls_start(green_socket *socket, green_tls_context *context, const char *host) {
    char label[GREEN_SOCKET_LABEL_MAX];
    if (socket->hub != green__hub)
        return green__fail(-EXDEV, "TLS: the socket %s", green__foreign_hub_reason(socket->hub));
    if (socket->closed)
        return green__fail(-EBADF, "TLS: the socket is closed");
    if (socket->transport)
        return green__fail(-EALREADY, "TLS: %s is a TLS connection already",
                           green__socket_label(socket, label, sizeof label));
    if (socket->reader || socket->writer)
        return green__fail(-EBUSY, "TLS: another thread reads from or writes to %s",
                           green__socket_label(socket, label, sizeof label));
    if (socket->unread.count > 0) {
        green__socket_set_failed(socket, GREEN_READING, -EPROTO);
        return green__tls_fail(GREEN_TLS_NOT_TLS,
                               "TLS: %zu bytes arrived before the handshake on %s; an attacker may have "
                               "injected them",
                               socket->unread.count, green__socket_label(socket, label, sizeof label));
    }
    int error = green__check_interrupt(socket->hub);
    if (error == 0)
        error = green__tls_attach(socket, context, host);
    return error < 0 ? error : green_tls_handshake(socket);
}

/* Waits for the peer's close_notify. Data before it is an error. */
static int await_close_notify(green_socket_io *call, green_tls *tls) {
    char byte;
    for (;;) {
        green__tls_clear_errors();
        int count = SSL_peek(tls->ssl, &byte, 1);
        if (count > 0)
            return green__tls_fail(GREEN_TLS_CORRUPT, "cannot end TLS: unread application data remains");
        int error = green__tls_handle_error(call, tls, count, "cannot end TLS");
        if (error != 0)
            return error < 0 ? error : 0;
    }
}

/* Bytes after the peer's close_notify are plain. */
static int make_plain(green_socket *socket, green_tls *tls) {
    socket->unread = tls->input;
    tls->input = (green_unread){0};
    if (socket->unread.count == 0)
        green__socket_drop_unread(socket);
    green__tls_detach(socket);
    return 0;
}

/* Keeps other threads from reading a connection that is about to end. The call has one wait
 * for both directions, which a close ends. */
static void block_readers(green_socket_io *call) {
    call->socket->reader = &call->io.wait;
    call->socket->references++;
}

static void unblock_readers(green_socket_io *call) {
    call->socket->reader = NULL;
    call->socket->references--;
}

int green_tls_stop(green_socket *socket) {
    green_socket_io call;
    int error = check_on(socket, "cannot end TLS");
    if (error < 0)
        return error;
    green_tls *tls = green__tls_of(socket);
    if (socket->reader)
        return green__fail(-EBUSY, "cannot end TLS: another thread reads from the connection");
    error = green__socket_begin(socket, &call, GREEN_WRITING);
    if (error < 0)
        return error;
    block_readers(&call);
    error = socket->unread.count > 0
                ? green__tls_fail(GREEN_TLS_CORRUPT, "cannot end TLS: unread application data remains: %zu bytes",
                                  socket->unread.count)
                : green__tls_send_close_notify(&call, tls);
    if (error == 0)
        error = await_close_notify(&call, tls);
    if (error == 0)
        error = make_plain(socket, tls);
    unblock_readers(&call);
    call.explained |= error == -EPROTO;
    return (int)green__socket_end(&call, error);
}

/* Copies the host of "host:port". */
static char *host_of(const char *to) {
    const char *end = strrchr(to, ':');
    return strndup(to, end ? (size_t)(end - to) : strlen(to));
}

/* Performs the handshake of a connection that it owns, within the deadline. */
static int finish_connect(green_socket **made, green_socket *socket, int64_t deadline, green_tls_context *context,
                          const char *name) {
    if (deadline >= 0)
        green_socket_set_timeouts(socket, GREEN_FOREVER, green__time_left(deadline));
    int error = green_tls_start(socket, context, name);
    if (error < 0) {
        green_socket_release(socket);
        return error;
    }
    green_socket_set_timeouts(socket, GREEN_FOREVER, GREEN_FOREVER);
    *made = socket;
    return 0;
}

static int64_t deadline_of(const green_connect_options *options) {
    return green__deadline_after(options && options->timeout > 0 ? options->timeout : GREEN_FOREVER);
}

int green_tls_connect(green_socket **made, const char *to, const green_connect_options *options,
                      green_tls_context *context, const char *host) {
    int64_t deadline = deadline_of(options);
    char *own = host ? NULL : host_of(to);
    green_socket *socket;
    if (!host && !own)
        return green__fail(-ENOMEM, "cannot connect to %s", to);
    int error = green_connect(&socket, to, options);
    if (error == 0)
        error = finish_connect(made, socket, deadline, context, host ? host : own);
    free(own);
    return error;
}

int green_tls_connect_host(green_socket **made, const char *host, uint16_t port, const green_connect_options *options,
                           green_tls_context *context, const char *name) {
    int64_t deadline = deadline_of(options);
    size_t length = strlen(host);
    bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
    char *own = name ? NULL : strndup(host + bracketed, length - 2 * bracketed);
    green_socket *socket;
    if (!name && !own)
        return green__fail(-ENOMEM, "cannot connect to %s", host);
    int error = green_connect_host(&socket, host, port, options);
    if (error == 0)
        error = finish_connect(made, socket, deadline, context, name ? name : own);
    free(own);
    return error;
}

/* Listeners ----------------------------------------------------------------- */

static int on_accept(green_socket *socket, void *context) {
    return green__tls_attach(socket, context, NULL);
}

static void forget(void *context) {
    green_tls_context_release(context);
}

int green_tls_listen(green_listener *listener, green_tls_context *context) {
    if (listener->hub != green__hub)
        return green__fail(-EXDEV, "TLS: the listener %s", green__foreign_hub_reason(listener->hub));
    if (context)
        green_tls_context_retain(context);
    green__listener_set_accept_hook(listener, context ? on_accept : NULL, forget, context);
    return 0;
}

int green_tls_server_start(green_server **server, const char *on, green_hub_pool *pool,
                           const green_server_options *options, green_tls_context *tls, green_handler *handler,
                           void *context) {
    const green_server_layer layer = {on_accept, forget, green_tls_context_retain(tls)};
    int error = green__tls_check_server(tls);
    if (error < 0) {
        green__server_forget(options, context, &layer);
        return error;
    }
    return green__server_start(server, on, pool, options, handler, context, &layer);
}

/* Describing a connection --------------------------------------------------- */

static int handshake_not_done(const green_socket *socket, const char *call) {
    char label[GREEN_SOCKET_LABEL_MAX];
    return green__fail(-ENOTCONN, "%s: the TLS handshake on %s is not done", call,
                       green__socket_label(socket, label, sizeof label));
}

/* OpenSSL's text has no NUL at its end. */
static const char *protocol_text(green_tls *tls) {
    const unsigned char *protocol = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(tls->ssl, &protocol, &length);
    if (length > 0)
        memcpy(tls->protocol, protocol, length);
    tls->protocol[length] = '\0';
    return tls->protocol;
}

int green_tls_describe(const green_socket *socket, green_tls_info *info) {
    int error = check_on(socket, "cannot describe TLS");
    if (error < 0)
        return error;
    const green_tls *tls = green__tls_of(socket);
    if (!tls->handshake_done)
        return handshake_not_done(socket, "cannot describe TLS");
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(tls->ssl);
    const char *host = SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
    *info = (green_tls_info){
        .version = (green_tls_version)SSL_version(tls->ssl),
        .cipher = SSL_get_cipher_name(tls->ssl),
        .protocol = protocol_text((green_tls *)tls),
        .host = host ? host : "",
        .resumed = SSL_session_reused(tls->ssl),
    };
    X509 *own = SSL_get0_peer_certificate(tls->ssl);
    int count = chain ? sk_X509_num(chain) : 0;
    /* On a server, OpenSSL's chain does not contain the client's own certificate. */
    info->certificates = (size_t)count + (SSL_is_server(tls->ssl) && own ? 1 : 0);
    if (info->certificates == 0 && own)
        info->certificates = 1; /* a resumed session keeps only this one */
    return 0;
}

ssize_t green_tls_peer_certificate(const green_socket *socket, size_t index, void **der) {
    int error = check_on(socket, "cannot get a certificate of the peer");
    if (error < 0)
        return error;
    const green_tls *tls = green__tls_of(socket);
    if (!tls->handshake_done)
        return handshake_not_done(socket, "cannot get a certificate of the peer");
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(tls->ssl);
    X509 *certificate = index == 0 ? SSL_get0_peer_certificate(tls->ssl) : NULL;
    size_t at = index - (SSL_is_server(tls->ssl) ? 1 : 0);
    if (index > 0 && chain && at < (size_t)sk_X509_num(chain))
        certificate = sk_X509_value(chain, (int)at);
    if (!certificate) {
        green__socket_set_failed((green_socket *)socket, GREEN_READING, -ERANGE);
        return green__fail(-ERANGE, "the peer sent no certificate with index %zu", index);
    }
    unsigned char *bytes = NULL;
    int size = i2d_X509(certificate, &bytes);
    if (size < 0)
        return green__fail(-ENOMEM, "cannot copy a certificate");
    *der = malloc((size_t)size);
    if (*der)
        memcpy(*der, bytes, (size_t)size);
    OPENSSL_free(bytes);
    return *der ? size : green__fail(-ENOMEM, "cannot copy a certificate");
}
