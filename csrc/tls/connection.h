/* A TLS connection: an SSL object between a socket and its descriptor.
 *
 * OpenSSL does not know the descriptor, and no thread parks inside OpenSSL. It reads from
 * the input and writes to the output, both in memory. A thread that needs more input, or
 * less output, parks outside. So one thread may read while another writes, although both
 * use one SSL. */
#ifndef GREEN_TLS_CONNECTION_H
#define GREEN_TLS_CONNECTION_H

#include "../net/transport.h"
#include "context.h"

#include <openssl/err.h>

/* Encrypted bytes that are not sent yet. */
typedef struct green_tls_output {
    char *bytes;
    size_t count, capacity;
} green_tls_output;

typedef struct green_tls {
    green_transport transport;
    green_socket *socket; /* the owner */
    green_tls_context *context;
    SSL *ssl;
    bool handshake_done;
    bool eof; /* the transport has no more bytes, with or without close_notify */
    bool close_notify_sent;
    int failure;               /* -errno that ended the connection, or 0 */
    green_tls_problem problem; /* if failure is -EPROTO */
    char *message;             /* explains failure */
    int64_t deadline;          /* of the handshake, once it has begun; negative: none */
    bool in_handshake;         /* a thread performs the handshake */
    bool sending;              /* a thread sends output */
    bool receiving;            /* a thread receives input */
    bool streaming;            /* the last receive filled its buffer */
    bool no_memory;            /* the output could not grow */
    bool direct;               /* the next record may be sent without a copy to the output */
    bool writing;              /* OpenSSL encrypts bytes of the caller */
    size_t pending_answers;    /* upper bound of the output bytes that answer the peer */
    unsigned input_reads;      /* by OpenSSL, since throttle() */
    int send_error;            /* -errno of a direct send, or 0 */
    green_unread input;        /* received and still encrypted */
    green_tls_output output;
    char protocol[256];      /* selected by ALPN, as a string; set on the first query */
    green_wait_list waiters; /* of await_change() */
} green_tls;

extern const green_transport_class green__tls_transport;

/* Empties OpenSSL's error queue, as SSL_get_error() requires before each call. The queue is
 * almost always empty, and the check is cheaper than the call. */
static inline void green__tls_clear_errors(void) {
    if (GREEN_UNLIKELY(ERR_peek_error() != 0))
        ERR_clear_error();
}

/* The TLS connection of a socket, or NULL. */
static inline green_tls *green__tls_of(const green_socket *socket) {
    green_transport *transport = socket->transport;
    return transport && transport->class == &green__tls_transport ? GREEN_CONTAINER(transport, green_tls, transport)
                                                                  : NULL;
}

/* Starts TLS on a socket, without the handshake. Returns 0 or -errno, explained. */
int green__tls_attach(green_socket *socket, green_tls_context *context, const char *host);
void green__tls_detach(green_socket *socket);

/* The smallest record that may be sent without a copy to the output. */
enum { GREEN_TLS_DIRECT_MIN = 8 * 1024 };

/* A peer may request answers, for example key updates, without reading them, or send
 * records without data. OpenSSL reads all available input. Once this many answer bytes
 * are pending, or OpenSSL has read the input this many times without a result, the input
 * appears empty until throttle() has been called. */
enum { GREEN_TLS_PENDING_ANSWERS_MAX = 4 * 1024, GREEN_TLS_INPUT_READS_MAX = 256 };

/* Makes the BIO through which OpenSSL reads the input and writes the output. */
BIO *green__tls_bio(green_tls *tls);

/* The caller of these is in a call on the socket (green__socket_begin()). They return 0 or
 * -errno. */

/* Performs the handshake if it is not done. Waits if another thread performs it. */
int green__tls_handshake(green_socket_io *call, green_tls *tls);

/* Sends all output, including what another thread is sending. */
int green__tls_flush(green_socket_io *call, green_tls *tls);

/* Sends the output that the kernel accepts without waiting. */
void green__tls_try_flush(green_tls *tls);

/* Sends close_notify if it is not sent, and flushes. */
int green__tls_send_close_notify(green_socket_io *call, green_tls *tls);

/* Returns the failure that ended the connection, explained, or 0. */
int green__tls_check(green_socket_io *call, const green_tls *tls);

/* Handles the result of an OpenSSL call that did not succeed. Returns 0 to repeat the call,
 * 1 after the peer's close_notify, or -errno. */
int green__tls_handle_error(green_socket_io *call, green_tls *tls, int result, const char *doing);

#endif
