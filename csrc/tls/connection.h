/* A TLS connection: an SSL between a socket and its descriptor.
 *
 * OpenSSL never sees the descriptor and no thread ever waits inside it: it reads
 * from what has been received and writes to what is to be sent, and those who
 * need more of the one, or less of the other, park outside. So one thread may
 * read while another writes, though they share the SSL. */
#ifndef GREEN_TLS_CONNECTION_H
#define GREEN_TLS_CONNECTION_H

#include "../net/transport.h"
#include "context.h"

#include <openssl/err.h>

/* Bytes on their way out, encrypted. */
typedef struct green_tls_output {
    char *bytes;
    size_t count, capacity;
} green_tls_output;

typedef struct green_tls {
    green_transport transport;
    green_socket *socket; /* that owns this */
    green_tls_context *context;
    SSL *ssl;
    bool handshake_done; /* the handshake is done */
    bool eof;            /* the stream has ended below */
    bool close_notify_sent;
    int failure;               /* that ended it for good: -errno */
    green_tls_problem problem; /* of an -EPROTO */
    char *message;             /* for both */
    int64_t deadline;          /* of the handshake, once it has begun; negative: none */
    bool in_handshake;         /* somebody does the handshake */
    bool sending;              /* somebody sends */
    bool receiving;            /* somebody receives */
    bool streaming;            /* the last receive filled what it was given */
    bool no_memory;            /* the output could not grow */
    bool direct;               /* the next record may go to the kernel at once */
    bool writing;              /* OpenSSL is writing bytes of the caller */
    size_t pending_answers;    /* upper bound of the output bytes that answer the peer */
    unsigned input_reads;      /* reads of the input by OpenSSL since it last held back */
    int send_error;            /* what the kernel said to that: -errno */
    green_unread input;        /* received and still encrypted */
    green_tls_output output;
    char protocol[256];      /* by ALPN, as text, once asked for */
    green_wait_list waiters; /* waits for somebody to have handshake_done, sent or received */
} green_tls;

extern const green_transport_class green__tls_transport;

/* OpenSSL's queue of errors is to be empty before a call of it. It mostly is, and
 * to look is cheaper than to empty it. */
static inline void green__tls_clear_errors(void) {
    if (GREEN_UNLIKELY(ERR_peek_error() != 0))
        ERR_clear_error();
}

/* The connection of a socket, or NULL. */
static inline green_tls *green__tls_of(const green_socket *socket) {
    green_transport *transport = socket->transport;
    return transport && transport->class == &green__tls_transport ? GREEN_CONTAINER(transport, green_tls, transport)
                                                                  : NULL;
}

/* Puts TLS on a socket; the handshake is still to be done. */
int green__tls_attach(green_socket *socket, green_tls_context *context, const char *host);
void green__tls_detach(green_socket *socket);

/* A record that is worth it may spare its copy into the output. */
enum { GREEN_TLS_DIRECT_MIN = 8 * 1024 };

/* A peer may request answers, for example key updates, without reading them, or send
 * records without data. OpenSSL reads all available input. Once this many answer bytes
 * are pending, or OpenSSL has read the input this many times without a result, the input
 * appears empty until green__tls_throttle() has been called. */
enum { GREEN_TLS_PENDING_ANSWERS_MAX = 4 * 1024, GREEN_TLS_INPUT_READS_MAX = 256 };

/* What an SSL reads from and writes to: see bio.c. */
BIO *green__tls_bio(green_tls *tls);

/* These are for a call that has entered the socket. */

/* The handshake, unless it is done. */
int green__tls_handshake(green_socket_io *call, green_tls *tls);

/* Receives more, also the end of the stream, or waits for somebody who is at it. */
int green__tls_fill(green_socket_io *call, green_tls *tls);

/* Sends what there is to send, also what somebody else is at. */
int green__tls_flush(green_socket_io *call, green_tls *tls);

/* Waits until most answers to the peer are sent, and lets other threads run if there is
 * more to read. */
int green__tls_throttle(green_socket_io *call, green_tls *tls);

/* Sends what the kernel takes at once. */
void green__tls_try_flush(green_tls *tls);

/* Says goodbye. */
int green__tls_send_close_notify(green_socket_io *call, green_tls *tls);

/* Whether it can go on: 0, or the failure that ended it. */
int green__tls_check(green_socket_io *call, const green_tls *tls);

/* What an OpenSSL call that has not succeeded needs: 0: received more, try
 * again. 1: the peer has said goodbye. Otherwise -errno. */
int green__tls_handle_error(green_socket_io *call, green_tls *tls, int result, const char *doing);

/* Parks until somebody has handshake_done, sent or received. */
int green__tls_await_change(green_socket_io *call, green_tls *tls);
void green__tls_ready_waiters(green_tls *tls);

#endif
