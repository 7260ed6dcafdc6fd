/* Makes certificates, and pairs of connections that use them. */
#ifndef GREEN_TESTS_TLS_HELPERS_H
#define GREEN_TESTS_TLS_HELPERS_H

#include "helpers.h"

#include <green/tls.h>

/* A certificate and its key as PEM in memory. */
struct certificate {
    char *chain, *key;
    unsigned char pin[GREEN_TLS_PIN_SIZE];
};

struct certificate_options {
    const char *names;                /* "DNS:localhost,IP:127.0.0.1" */
    const struct certificate *issuer; /* NULL: it signs itself */
    long begins, ends;                /* seconds from now; both 0: valid for a day */
    const char *passphrase;           /* of the key */
    const char *purpose;              /* "serverAuth"; NULL: any */
    const char *subject;              /* its common name */
    bool authority;
    bool forged; /* its signature is invalid */
    bool rsa;    /* an RSA key, else ECDSA */
};

struct certificate make_certificate(const struct certificate_options *options);
void free_certificate(struct certificate *certificate);

/* The certificate of "localhost" and 127.0.0.1 that most tests use, signed by authority().
 * Made once. */
const struct certificate *authority(void);
const struct certificate *localhost(void);

/* Both certificates in one PEM, as a chain. The caller frees it. */
char *joined(const char *first, const char *second);

green_tls_pem pem(const char *text);
green_tls_identity identity(const struct certificate *certificate);

/* A server's context with this certificate; a client's context that trusts the authority. */
green_tls_context *server_context(const struct certificate *certificate);
green_tls_context *client_context(void);

/* A context with these options. Handshakes have no timeout unless the options set one. */
green_tls_context *context_of(green_tls_options options);

/* The result of a call and its explanation, which the next call may replace. */
struct outcome {
    int result;
    green_tls_problem problem;
    long verify;
    char text[600];
};
struct outcome outcome_of(ssize_t result);

/* One end, before its handshake. */
struct side {
    green_socket *socket;
    green_tls_context *context;
    const char *host;       /* NULL: the server */
    struct outcome outcome; /* of the handshake, and of a byte from server to client */
};
int start_side(void *side); /* function of a thread */

/* Two ends of one connection. */
struct tls_pair {
    green_socket *client, *server;
    struct outcome client_outcome, server_outcome;
};

/* Starts TLS on both ends of a socket pair and sends a byte from the server to the client.
 * Only then does a client of TLS 1.3 know that the server has accepted it. An end that fails
 * is closed. */
struct tls_pair tls_meet(green_tls_context *client, green_tls_context *server, const char *host);

/* The same with existing ends. */
struct tls_pair tls_meet_on(green_socket *client_end, green_socket *server_end, green_tls_context *client,
                            green_tls_context *server, const char *host);

/* The same, which must succeed. */
struct tls_pair tls_connected(green_tls_context *client, green_tls_context *server);

/* The same with the usual contexts, limited to a version (0: the newest). */
struct tls_pair tls_pair(green_tls_version version);
void tls_contexts(green_tls_version version, green_tls_context **client, green_tls_context **server);

/* Releases both ends, which sends close_notify. */
void release_tls_pair(struct tls_pair *pair);

green_tls_info info_of(const green_socket *socket);

/* Whether the peer has presented this certificate. */
bool shows(const green_socket *socket, const struct certificate *certificate);

/* A byte each way. */
void talk_both_ways(struct tls_pair *pair);

/* Runs body with TLS 1.2 and with TLS 1.3. */
void with_each_version(void (*body)(green_tls_version version));

/* Makes a file with the text in a directory; the caller frees its path. */
char *file_with(const char *directory, const char *name, const char *text);

#endif
