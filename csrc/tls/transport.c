/* The transport of a TLS connection: how the calls of a socket use it. */
#include "connection.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    RECORD_MAX = 16 * 1024,
    /* A write sends its records together, in batches of this size. */
    BATCH = 128 * 1024,
};

static green_tls *tls_of(green_socket_io *call) {
    return green__tls_of(call->socket);
}

/* Reads by SSL_read() or SSL_peek(). One receive may bring several records. */
static ssize_t receive_with(int (*take)(SSL *, void *, int), green_socket_io *call, void *bytes, size_t size) {
    green_tls *tls = tls_of(call);
    int error = green__tls_handshake(call, tls);
    while (error == 0) {
        green__tls_clear_errors();
        tls->input_reads = 0;
        int count = take(tls->ssl, bytes, size < INT_MAX ? (int)size : INT_MAX);
        if (GREEN_LIKELY(count > 0))
            return count;
        error = green__tls_handle_error(call, tls, count, "cannot read TLS data");
        if (error == 1)
            return 0;
        /* An interrupt or a close ends the call before it waits again. */
        if (error == 0 && tls->input.count == 0 && !tls->eof)
            error = green__socket_continue(call);
    }
    return error;
}

static ssize_t tls_receive(green_socket_io *call, void *bytes, size_t size) {
    return receive_with(SSL_read, call, bytes, size);
}

static ssize_t tls_await(green_socket_io *call) {
    char byte;
    ssize_t there = receive_with(SSL_peek, call, &byte, 1);
    return there > 0 ? SSL_pending(tls_of(call)->ssl) : there;
}

/* OpenSSL takes one record at a time out of the input. */
static bool tls_has_unread(const green_transport *transport) {
    const green_tls *tls = GREEN_CONTAINER(transport, const green_tls, transport);
    return SSL_pending(tls->ssl) > 0 || tls->input.count > 0 || tls->eof || tls->failure < 0;
}

static int fail_after_close_notify(green_socket_io *call) {
    call->explained = true;
    return green__fail(-EPIPE, "cannot write TLS data: the socket was shut down for writing");
}

/* Lets a single large record be sent from OpenSSL's own buffer if the kernel accepts it at
 * once. This saves a copy and an operation. */
static int allow_direct(green_socket_io *call, green_tls *tls, size_t size) {
    if (size < GREEN_TLS_DIRECT_MIN || size > RECORD_MAX || tls->output.count > 0 || tls->sending ||
        green__time_left(call->deadline) == 0)
        return 0;
    int error = green__socket_continue(call);
    tls->direct = error == 0;
    return error;
}

/* Encrypts at most one record. A write that does not wait still yields to other threads, and
 * fails like one that waits: unsent bytes stay in the output. */
static int write_record(green_socket_io *call, green_tls *tls, const char *bytes, size_t size, int *count) {
    int error = allow_direct(call, tls, size);
    if (error < 0)
        return error;
    bool direct = tls->direct;
    green__tls_clear_errors();
    tls->writing = true;
    *count = SSL_write(tls->ssl, bytes, size < RECORD_MAX ? (int)size : RECORD_MAX);
    tls->writing = false;
    direct = direct && !tls->direct;
    tls->direct = false;
    if (GREEN_UNLIKELY(tls->send_error != 0)) {
        error = tls->send_error;
        tls->send_error = 0;
    } else if (direct && tls->output.count == 0) {
        call->yields = true;
    }
    return error;
}

/* Encrypts everything, and sends each full batch. */
static int write_all(green_socket_io *call, green_tls *tls, const char *bytes, size_t size) {
    while (size > 0) {
        int error = tls->output.count >= BATCH ? green__tls_flush(call, tls) : 0;
        if (error == 0)
            error = green__tls_check(call, tls);
        /* OpenSSL writes nothing until the rest of a ticket has arrived. While this thread
         * waits for it, a close may send close_notify. */
        if (error == 0 && tls->close_notify_sent)
            return (error = green__socket_continue(call)) < 0 ? error : fail_after_close_notify(call);
        if (error < 0)
            return error;
        int count;
        if ((error = write_record(call, tls, bytes, size, &count)) < 0)
            return error;
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
            continue;
        }
        error = green__tls_handle_error(call, tls, count, "cannot write TLS data");
        if (error != 0)
            return error < 0 ? error : fail_after_close_notify(call);
    }
    return 0;
}

/* Writes small pieces as one record. */
static ssize_t write_gathered(green_socket_io *call, green_tls *tls, const struct iovec *pieces, int count,
                              size_t size) {
    char *record = malloc(size);
    if (!record)
        return green__fail(-ENOMEM, "cannot write TLS data");
    size_t filled = 0;
    for (int i = 0; i < count; i++) {
        memcpy(record + filled, pieces[i].iov_base, pieces[i].iov_len);
        filled += pieces[i].iov_len;
    }
    int error = write_all(call, tls, record, filled);
    free(record);
    return error;
}

static ssize_t tls_send(green_socket_io *call, const struct iovec *pieces, int count) {
    green_tls *tls = tls_of(call);
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += pieces[i].iov_len;
    ssize_t error = green__tls_handshake(call, tls);
    if (error < 0)
        return error;
    if (tls->close_notify_sent)
        return fail_after_close_notify(call);
    if (count > 1 && size <= RECORD_MAX) {
        error = write_gathered(call, tls, pieces, count, size);
    } else {
        for (int i = 0; i < count && error == 0; i++)
            error = write_all(call, tls, pieces[i].iov_base, pieces[i].iov_len);
    }
    /* Records that were encrypted before a failure remain in the output: they are part of the stream. */
    return error < 0 ? error : green__tls_flush(call, tls);
}

static int tls_finish(green_socket_io *call) {
    return green__tls_send_close_notify(call, tls_of(call));
}

/* Reads tickets that a client has not read. With unread bytes the kernel would answer the
 * close with a reset, and the peer could lose the last data. */
static void drop_tickets(green_tls *tls) {
    char tickets[4096];
    if (!tls->receiving && !SSL_is_server(tls->ssl) && SSL_version(tls->ssl) >= TLS1_3_VERSION)
        (void)!recv(tls->socket->fd, tickets, sizeof tickets, MSG_DONTWAIT);
}

/* Sends close_notify without waiting. If the kernel does not accept it, the peer sees a
 * truncated stream. */
static void tls_close(green_transport *transport) {
    green_tls *tls = GREEN_CONTAINER(transport, green_tls, transport);
    if (!tls->handshake_done || tls->failure || tls->sending)
        return;
    if (!tls->close_notify_sent) {
        green__tls_clear_errors();
        SSL_shutdown(tls->ssl);
        green__tls_clear_errors();
        tls->close_notify_sent = true;
    }
    green__tls_try_flush(tls);
    drop_tickets(tls);
}

/* Making and freeing -------------------------------------------------------- */

static void tls_free(green_tls *tls) {
    green__unread_free(tls->socket, &tls->input);
    free(tls->output.bytes);
    free(tls->message);
    SSL_free(tls->ssl); /* with its BIO */
    green_tls_context_release(tls->context);
    free(tls);
}

void green__tls_detach(green_socket *socket) {
    green_tls *tls = green__tls_of(socket);
    socket->transport = NULL;
    tls_free(tls);
}

static void tls_destroy(green_transport *transport) {
    green__tls_detach(GREEN_CONTAINER(transport, green_tls, transport)->socket);
}

/* OpenSSL has no pointer to the socket, only to the green_tls. */
static int tls_move(green_transport *transport, green_socket *to) {
    green_tls *tls = GREEN_CONTAINER(transport, green_tls, transport);
    if (green__unread_keep(tls->socket, &tls->input) < 0)
        return -ENOMEM;
    tls->socket = to;
    return 0;
}

const green_transport_class green__tls_transport = {tls_receive, tls_await, tls_has_unread, tls_send,
                                                    tls_finish,  tls_close, tls_destroy,    tls_move};

int green__tls_attach(green_socket *socket, green_tls_context *context, const char *host) {
    green_tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return green__fail(-ENOMEM, "cannot make a TLS connection");
    tls->transport.class = &green__tls_transport;
    tls->socket = socket;
    tls->deadline = GREEN_FOREVER;
    green__wait_list_init(&tls->waiters);
    int error = green__tls_ssl_make(context, host, &tls->ssl);
    if (error < 0) {
        free(tls);
        return error;
    }
    BIO *bio = green__tls_bio(tls);
    if (!bio) {
        SSL_free(tls->ssl);
        free(tls);
        return green__fail(-ENOMEM, "cannot make a TLS connection");
    }
    SSL_set_bio(tls->ssl, bio, bio);
    tls->context = green_tls_context_retain(context);
    socket->transport = &tls->transport;
    return 0;
}
