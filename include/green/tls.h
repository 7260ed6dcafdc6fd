/* TLS 1.2 and 1.3, implemented by OpenSSL.
 *
 * A context (green_tls_context) holds the settings that many connections share:
 * certificates, trusted authorities, verification. A TLS connection is a green_socket:
 * green_read(), green_write() and all other calls of green/socket.h work on it and keep
 * their rules. One thread may read while another writes.
 *
 * A client verifies the certificate and the host name of the server. Only
 * GREEN_TLS_VERIFY_NONE_INSECURE turns that off.
 *
 * TLS answers some records by itself, such as a key update request. If the peer does not
 * read these answers and a few kilobytes of them are pending, a read blocks, like a
 * write, until the peer has received them.
 *
 * Certificates and keys are passed as PEM; no type of OpenSSL is part of this interface.
 * A build without TLS (CMake option TLS, trait TLS of the Swift package) does not have
 * these functions, and defines GREEN_HAS_TLS as 0. */
#ifndef GREEN_TLS_H
#define GREEN_TLS_H

#include <green/listener.h>
#include <green/server.h>
#include <green/socket.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef struct green_tls_context green_tls_context;

/* The reason why a call returned -EPROTO. The text of green_explain() adds OpenSSL's
 * message and the names in the certificate. */
typedef enum green_tls_problem {
    GREEN_TLS_OK,
    GREEN_TLS_NOT_TLS,         /* the peer does not speak TLS, but for example plain HTTP */
    GREEN_TLS_EXPIRED,         /* its certificate has expired or is not valid yet */
    GREEN_TLS_UNTRUSTED,       /* its certificate is not signed by a trusted issuer */
    GREEN_TLS_WRONG_HOST,      /* its certificate is for other host names */
    GREEN_TLS_WRONG_KEY,       /* its key does not match a pin */
    GREEN_TLS_BAD_CERTIFICATE, /* another verification error: see green_tls_last_verify() */
    GREEN_TLS_NO_CERTIFICATE,  /* it sent no certificate, but one is required */
    GREEN_TLS_WRONG_ALPN,      /* no application protocol in common */
    GREEN_TLS_NO_COMMON,       /* no version or cipher in common */
    GREEN_TLS_REFUSED,         /* the peer sent a fatal alert */
    GREEN_TLS_TRUNCATED,       /* the stream ended without close_notify: data may be missing */
    GREEN_TLS_RESET,           /* the peer reset the connection during the handshake */
    GREEN_TLS_CORRUPT,         /* a record cannot be decrypted or is malformed */
    GREEN_TLS_BAD_SETUP,       /* a local certificate, key or option is invalid */
} green_tls_problem;

/* The problem of the calling green thread's last call that returned -EPROTO, and its
 * X509_V_ERR_ number, or 0 if verification was not the problem. Outside green threads:
 * of this OS thread's last call. */
GREEN_API green_tls_problem green_tls_last_problem(void);
GREEN_API long green_tls_last_verify(void);

typedef enum green_tls_role { GREEN_TLS_CLIENT, GREEN_TLS_SERVER } green_tls_role;

typedef enum green_tls_verification {
    /* A client requires a trusted certificate for the requested host name. A server does
     * not ask its clients for a certificate. */
    GREEN_TLS_VERIFY_DEFAULT,
    /* A server asks its clients for a certificate. OPTIONAL accepts a client without one,
     * REQUIRED does not. A certificate that is sent must be trusted in both cases. */
    GREEN_TLS_VERIFY_OPTIONAL,
    GREEN_TLS_VERIFY_REQUIRED,
    /* Verifies nothing except pins. An attacker on the network can read and change all
     * data. */
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

/* A certificate and its private key. */
typedef struct green_tls_identity {
    /* The certificate, then the intermediate certificates up to, but without, the root. */
    green_tls_pem chain;
    green_tls_pem key;
    /* Called for the passphrase of an encrypted key: writes up to size bytes and returns
     * their number, or a negative number to cancel. */
    int (*GREEN_NULLABLE passphrase)(char *bytes, int size, void *GREEN_NULLABLE context);
    void *GREEN_NULLABLE passphrase_context;
} green_tls_identity;

/* A pin is the SHA-256 digest of a certificate's public key (SubjectPublicKeyInfo). */
enum { GREEN_TLS_PIN_SIZE = 32, GREEN_TLS_TICKET_KEY_SIZE = 80 };

/* Zero in a field means its default. green_tls_context_make() and _reload() copy
 * everything. */
typedef struct green_tls_options {
    green_tls_role role;
    green_tls_verification verification;
    /* The trusted authorities (CA certificates). Default: the system's store. */
    green_tls_pem authorities;
    /* A server needs at least one identity. It presents the first that matches the
     * name requested by the client, or the first in the list if none matches. If
     * several identities match and have keys of different types (ECDSA and RSA), it
     * presents one that the client can verify, and prefers ECDSA. A client may have
     * one identity. */
    const green_tls_identity *GREEN_NULLABLE identities;
    size_t identity_count;
    /* Pins, GREEN_TLS_PIN_SIZE bytes each. The key of the peer's certificate must match
     * one of them; the certificate must also pass the verification. */
    const unsigned char *GREEN_NULLABLE pins;
    size_t pin_count;
    /* Application protocols (ALPN) in order of preference, for example "h2" and
     * "http/1.1". If both peers name some, they must have one in common. */
    const char *GREEN_NULLABLE const *GREEN_NULLABLE protocols;
    size_t protocol_count;
    green_tls_version minimum; /* default: TLS 1.2 */
    green_tls_version maximum; /* default: the newest */
    /* OpenSSL cipher lists: ciphers for TLS 1.2, suites for TLS 1.3. Default: OpenSSL's,
     * and for TLS 1.2 only those with forward secrecy and without CBC. */
    const char *GREEN_NULLABLE ciphers;
    const char *GREEN_NULLABLE suites;
    /* Timeout of a handshake in nanoseconds. Negative: no limit. Default: 10 s. */
    int64_t handshake_timeout;
    /* Disables session resumption. */
    bool no_resumption;
    /* A server's key for session tickets, GREEN_TLS_TICKET_KEY_SIZE bytes. Servers with
     * the same key resume each other's sessions. Default: a random key. */
    const unsigned char *GREEN_NULLABLE ticket_key;
    /* Appends the secrets of each connection to the file named by the environment
     * variable SSLKEYLOGFILE, for debugging. The variable alone has no effect. */
    bool key_log;
} green_tls_options;

/* Makes a context. All OS threads may use it; a context for each OS thread is faster.
 *
 * Returns 0, or:
 *   -EPROTO  with GREEN_TLS_BAD_SETUP: a certificate or key is missing, damaged or does
 *            not match; green_explain() names it
 *   -EINVAL  the options contradict each other
 *   -ENOMEM  out of memory */
GREEN_API GREEN_CHECK int green_tls_context_make(green_tls_context **context, const green_tls_options *options);
GREEN_API green_tls_context *green_tls_context_retain(green_tls_context *context);
GREEN_API void green_tls_context_release(green_tls_context *GREEN_NULLABLE context);

/* Replaces the options, for example to renew a certificate. New connections use the new
 * options; existing connections keep theirs. On failure nothing changes. Any thread may
 * call it. Errors are those of green_tls_context_make(), and -EINVAL if the role differs. */
GREEN_API GREEN_CHECK int green_tls_context_reload(green_tls_context *context, const green_tls_options *options);

/* Connects like green_connect() and performs the handshake, both within the timeout of
 * the options. host is the name to request and to verify; NULL means the host in to.
 * Letter case, a final dot, brackets and the zone of an IPv6 address do not matter.
 *
 * Returns 0, or -EINVAL if there is no host name, or an error of green_connect() or
 * green_tls_start(). */
GREEN_API GREEN_CHECK int green_tls_connect(green_socket **socket, const char *to,
                                            const green_connect_options *GREEN_NULLABLE options,
                                            green_tls_context *context, const char *GREEN_NULLABLE host);

/* Connects like green_connect_host() and performs the handshake. name is the name to
 * request and to verify; NULL means host. */
GREEN_API GREEN_CHECK int green_tls_connect_host(green_socket **socket, const char *host, uint16_t port,
                                                 const green_connect_options *GREEN_NULLABLE options,
                                                 green_tls_context *context, const char *GREEN_NULLABLE name);

/* Makes each connection accepted from now on a TLS connection. The first call that reads
 * or writes performs the handshake, so a silent client blocks only its own handler. A
 * NULL context makes new connections plain again. */
GREEN_API GREEN_CHECK int green_tls_listen(green_listener *listener, green_tls_context *GREEN_NULLABLE context);

/* Starts a server like green_server_start(), whose clients are TLS connections. All hubs share
 * the context, which the server keeps: a client may resume its session on any hub, and
 * green_tls_context_reload() changes all hubs. The first call that reads or writes performs
 * the handshake, on the hub of the handler.
 *
 * Returns 0, -EINVAL if the context is for clients, or an error of green_server_start(). */
GREEN_API GREEN_CHECK int green_tls_server_start(green_server **server, const char *on, green_hub_pool *pool,
                                                 const green_server_options *GREEN_NULLABLE options,
                                                 green_tls_context *tls, green_handler *handler,
                                                 void *GREEN_NULLABLE context);

/* Starts TLS on a plain connection (STARTTLS) and performs the handshake. host is the
 * name of the server for a client, and NULL for a server. After a failure the connection
 * can only be closed.
 *
 * Returns 0, or:
 *   -EPROTO    the handshake failed: see green_tls_last_problem(). Also if the socket has
 *              unread bytes, because an attacker may have injected them before the handshake
 *   -EALREADY  the socket is a TLS connection already
 *   -EBUSY     another thread reads from or writes to the socket */
GREEN_API GREEN_CHECK int green_tls_start(green_socket *socket, green_tls_context *context,
                                          const char *GREEN_NULLABLE host);

/* Performs the handshake if it is not done. Returns 0 or the error of the handshake. */
GREEN_API GREEN_CHECK int green_tls_handshake(green_socket *socket);

/* Sends close_notify, waits for that of the peer, and makes the connection plain again.
 *
 * Returns 0, or:
 *   -EPROTO    the peer has sent data before its close_notify that is still unread
 *   -ENOTCONN  the socket is not a TLS connection
 *   -EBUSY     another thread reads from or writes to the socket */
GREEN_API GREEN_CHECK int green_tls_stop(green_socket *socket);

GREEN_API bool green_tls_is_on(const green_socket *socket);

/* The result of a handshake. The texts are valid as long as the connection. */
typedef struct green_tls_info {
    green_tls_version version;
    const char *GREEN_NULLABLE cipher;   /* "TLS_AES_256_GCM_SHA384" */
    const char *GREEN_NULLABLE protocol; /* selected by ALPN; "" if none */
    const char *GREEN_NULLABLE host;     /* requested by the client; "" if none */
    bool resumed;
    size_t certificates; /* in the chain that the peer sent, its own first; 0 if none */
} green_tls_info;

/* Returns 0, or -ENOTCONN if the socket is not a TLS connection or its handshake is not
 * done. */
GREEN_API GREEN_CHECK int green_tls_describe(const green_socket *socket, green_tls_info *info);

/* Stores a certificate of the peer's chain as DER in *der, which the caller frees.
 * Returns its size, or -ERANGE if the chain has no such index. */
GREEN_API GREEN_CHECK ssize_t green_tls_peer_certificate(const green_socket *socket, size_t index, void **der);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
