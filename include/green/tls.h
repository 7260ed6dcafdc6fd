/* TLS 1.2 and 1.3 by OpenSSL.
 *
 * A context holds what many connections share: certificates, whom to trust, how
 * strictly. A connection is a socket like any other: green_read(), green_write()
 * and the rest move its bytes, one thread may read while another writes, and
 * every rule of green/socket.h holds. Clients verify whom they talk to unless
 * they say that they do not.
 *
 * TLS answers some records by itself, such as a request for new keys. If the peer does
 * not read these answers and a few kilobytes of them are pending, a read waits, like a
 * write, until the peer has received them.
 *
 * Nothing of OpenSSL shows in here. Without it (the CMake option TLS, the trait
 * of the Swift package) these functions do not exist, and GREEN_HAS_TLS is 0. */
#ifndef GREEN_TLS_H
#define GREEN_TLS_H

#include <green/listener.h>
#include <green/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_tls_context green_tls_context;

/* What went wrong when a call returned -EPROTO; green_explain() says it at
 * length, with OpenSSL's words and the certificate's names. */
typedef enum green_tls_problem {
    GREEN_TLS_OK,
    GREEN_TLS_NOT_TLS,         /* the peer speaks something else, plain HTTP for one */
    GREEN_TLS_EXPIRED,         /* its certificate has expired, or is not valid yet */
    GREEN_TLS_UNTRUSTED,       /* nobody whom we trust has signed it */
    GREEN_TLS_WRONG_HOST,      /* it is for other names */
    GREEN_TLS_WRONG_KEY,       /* its key is not the one that is pinned */
    GREEN_TLS_BAD_CERTIFICATE, /* it fails otherwise; see green_tls_last_verify() */
    GREEN_TLS_NO_CERTIFICATE,  /* it has sent none where one is required */
    GREEN_TLS_WRONG_ALPN,      /* no application protocol in common */
    GREEN_TLS_NO_COMMON,       /* no version or cipher in common */
    GREEN_TLS_REFUSED,         /* the peer has refused us, by an alert */
    GREEN_TLS_TRUNCATED,       /* the stream ended without a goodbye: bytes may be missing */
    GREEN_TLS_RESET,           /* the peer has reset the connection in the handshake */
    GREEN_TLS_CORRUPT,         /* a record that cannot be decrypted, or makes no sense */
    GREEN_TLS_BAD_SETUP,       /* a certificate, key or option of our own is no good */
} green_tls_problem;

/* The problem of this green thread's last call that returned -EPROTO, and its
 * X509_V_ERR_ number, or 0 if verification was not the problem. Outside green threads:
 * of this OS thread's last call. */
GREEN_API green_tls_problem green_tls_last_problem(void);
GREEN_API long green_tls_last_verify(void);

typedef enum green_tls_role { GREEN_TLS_CLIENT, GREEN_TLS_SERVER } green_tls_role;

typedef enum green_tls_verification {
    /* A client requires a certificate that it trusts, for the name it asked
     * for; a server asks for none. */
    GREEN_TLS_VERIFY_DEFAULT,
    /* A server asks its clients for a certificate. One that is sent has to be
     * trusted; with REQUIRED, one has to be sent. */
    GREEN_TLS_VERIFY_OPTIONAL,
    GREEN_TLS_VERIFY_REQUIRED,
    /* Talks to anybody. Whoever is in between reads and changes everything. */
    GREEN_TLS_VERIFY_NONE_INSECURE,
} green_tls_verification;

typedef enum green_tls_version { GREEN_TLS_1_2 = 0x0303, GREEN_TLS_1_3 = 0x0304 } green_tls_version;

/* PEM in a file if path is set, otherwise in memory. At most 16 MiB. Text around the
 * blocks is skipped. A BEGIN or END line that is damaged or has no counterpart is an
 * error; green_explain() gives its line number. */
typedef struct green_tls_pem {
    const char *GREEN_NULLABLE path;
    const void *GREEN_NULLABLE bytes;
    size_t size;
} green_tls_pem;

/* A certificate with the chain up to, but without, its root, and its key. */
typedef struct green_tls_identity {
    green_tls_pem chain;
    green_tls_pem key;
    /* Asked for the passphrase of an encrypted key: writes up to size bytes
     * and returns how many, negative to give up. */
    int (*GREEN_NULLABLE passphrase)(char *bytes, int size, void *GREEN_NULLABLE context);
    void *GREEN_NULLABLE passphrase_context;
} green_tls_identity;

/* A pin: SHA-256 of a certificate's public key (SubjectPublicKeyInfo). */
enum { GREEN_TLS_PIN_SIZE = 32, GREEN_TLS_TICKET_KEY_SIZE = 80 };

/* Zero in any field means its default. All of it is copied. */
typedef struct green_tls_options {
    green_tls_role role;
    green_tls_verification verification;
    /* Whom to trust. Neither set: the system's store. */
    green_tls_pem authorities;
    /* A server needs at least one identity. It presents the first that matches the
     * name requested by the client, or the first in the list if none matches. If
     * several identities match and have keys of different types (ECDSA and RSA), it
     * presents one that the client can verify, and prefers ECDSA. A client may have
     * one identity. */
    const green_tls_identity *GREEN_NULLABLE identities;
    size_t identity_count;
    /* Keys one of which the peer's own certificate must have, besides being
     * trusted: GREEN_TLS_PIN_SIZE bytes each. */
    const unsigned char *GREEN_NULLABLE pins;
    size_t pin_count;
    /* Application protocols, the preferred first, as "h2" and "http/1.1". When
     * both sides name some, they must have one in common. */
    const char *GREEN_NULLABLE const *GREEN_NULLABLE protocols;
    size_t protocol_count;
    green_tls_version minimum; /* default: TLS 1.2 */
    green_tls_version maximum; /* default: the newest */
    /* OpenSSL's lists, for those who must: up to TLS 1.2, and of TLS 1.3. Default:
     * its own, up to TLS 1.2 only those with forward secrecy and without CBC. */
    const char *GREEN_NULLABLE ciphers;
    const char *GREEN_NULLABLE suites;
    /* Nanoseconds that a handshake may take; negative: no limit. Default 10 s. */
    int64_t handshake_timeout;
    /* Sessions are resumed unless this is set. */
    bool no_resumption;
    /* A server's key for session tickets, GREEN_TLS_TICKET_KEY_SIZE bytes: those
     * who share it resume each other's sessions. Default: a random one. */
    const unsigned char *GREEN_NULLABLE ticket_key;
    /* Appends the secrets of every connection to the file that the environment's
     * SSLKEYLOGFILE names, for debuggers. Never on by the environment alone. */
    bool key_log;
} green_tls_options;

/* Makes a context. It may be used by every OS thread; one each is faster.
 * -EPROTO with GREEN_TLS_BAD_SETUP: a certificate or key is missing, damaged or
 * does not fit; green_explain() says which. -EINVAL, -ENOMEM. */
GREEN_API GREEN_CHECK int green_tls_context_make(green_tls_context **context, const green_tls_options *options);
GREEN_API green_tls_context *green_tls_context_retain(green_tls_context *context);
GREEN_API void green_tls_context_release(green_tls_context *GREEN_NULLABLE context);

/* Takes other options from here on, a renewed certificate for one; connections
 * there are keep what they have. On failure nothing has changed. Any thread. */
GREEN_API GREEN_CHECK int green_tls_context_reload(green_tls_context *context, const green_tls_options *options);

/* green_connect(), then the handshake, within the timeout of the options. The
 * name to verify and to request is host, or if that is NULL the host of the address.
 * Letter case, a final dot, brackets and the zone of an IPv6 address do not matter.
 * -EINVAL: there is no host name. Other errors are those of both. */
GREEN_API GREEN_CHECK int green_tls_connect(green_socket **socket, const char *to,
                                            const green_connect_options *GREEN_NULLABLE options,
                                            green_tls_context *context, const char *GREEN_NULLABLE host);

/* green_connect_host(), then the handshake. The name to verify and to request is name,
 * or if that is NULL the host. */
GREEN_API GREEN_CHECK int green_tls_connect_host(green_socket **socket, const char *host, uint16_t port,
                                                 const green_connect_options *GREEN_NULLABLE options,
                                                 green_tls_context *context, const char *GREEN_NULLABLE name);

/* From here on every connection that this listener accepts is a TLS one. Its
 * handshake happens in the first call that reads or writes, so a silent client
 * holds up only its own handler. NULL ends it. */
GREEN_API GREEN_CHECK int green_tls_listen(green_listener *listener, green_tls_context *GREEN_NULLABLE context);

/* Turns a plain connection into a TLS one, handshake included (STARTTLS). host
 * is the name of the server for a client, NULL for a server. Bytes that came
 * early and are unread are refused with -EPROTO, since they may have been put
 * there by somebody in between. On failure the connection is good for nothing
 * but to be closed. -EALREADY: it is one. -EBUSY: somebody reads or writes. */
GREEN_API GREEN_CHECK int green_tls_start(green_socket *socket, green_tls_context *context,
                                          const char *GREEN_NULLABLE host);

/* Does the handshake if it has not been done: 0, or what came of it. */
GREEN_API GREEN_CHECK int green_tls_handshake(green_socket *socket);

/* Says goodbye, waits for the peer's, and leaves a plain connection. What the
 * peer sends before its goodbye must have been read: -EPROTO otherwise.
 * -ENOTCONN: it is no TLS connection. */
GREEN_API GREEN_CHECK int green_tls_stop(green_socket *socket);

GREEN_API bool green_tls_is_on(const green_socket *socket);

/* What was agreed on. The texts live as long as the connection. */
typedef struct green_tls_info {
    green_tls_version version;
    const char *GREEN_NULLABLE cipher;   /* "TLS_AES_256_GCM_SHA384" */
    const char *GREEN_NULLABLE protocol; /* by ALPN; "" for none */
    const char *GREEN_NULLABLE host;     /* what the client asked for; "" for none */
    bool resumed;
    size_t certificates; /* the peer's chain, its own first; 0: it sent none */
} green_tls_info;

/* -ENOTCONN: it is no TLS connection, or the handshake is not done. */
GREEN_API GREEN_CHECK int green_tls_describe(const green_socket *socket, green_tls_info *info);

/* A certificate of the peer's chain as DER, which the caller frees. Returns its
 * size. -ERANGE: there is no such index. */
GREEN_API GREEN_CHECK ssize_t green_tls_peer_certificate(const green_socket *socket, size_t index, void **der);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
