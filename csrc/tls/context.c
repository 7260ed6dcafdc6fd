/* Contexts: check options, make a configuration of them, and make the SSL of a connection. */
#include "../base/descriptor.h"
#include "../base/libc.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct green_tls_context {
    atomic_uint references;
    green_lock lock;
    green_tls_config *config;
};

static const int64_t HANDSHAKE_TIMEOUT = INT64_C(10) * 1000 * 1000 * 1000;

/* Key log ------------------------------------------------------------------- */

static void log_key(const SSL *ssl, const char *line) {
    struct iovec pieces[] = {{(void *)line, strlen(line)}, {"\n", 1}};
    /* A system call, because a patched writev() could park inside OpenSSL. */
    if (green__libc.syscall(SYS_writev, green__tls_ex_data(ssl)->config->key_log, pieces, 2) < 0)
        return; /* a callback cannot report an error */
}

static int open_key_log(green_tls_config *config) {
    const char *path = getenv("SSLKEYLOGFILE");
    if (!path || !*path)
        return 0;
    config->key_log = green__open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    return config->key_log < 0 ? green__fail(-errno, "TLS: cannot open the key log %s", path) : 0;
}

/* Configurations ------------------------------------------------------------- */

/* Stores each protocol with its length in one byte before it, as ALPN requires. */
static int copy_protocols(green_tls_config *config, const green_tls_options *options) {
    size_t size = 0;
    for (size_t i = 0; i < options->protocol_count; i++) {
        size_t length = strlen(options->protocols[i]);
        if (length == 0 || length > 255)
            return green__fail(-EINVAL, "TLS: invalid protocol name '%s': expected 1 to 255 bytes",
                               options->protocols[i]);
        size += 1 + length;
    }
    if (size == 0)
        return 0;
    unsigned char *to = config->protocols = malloc(size);
    if (!to)
        return green__fail(-ENOMEM, "cannot make a TLS context");
    config->protocols_size = size;
    for (size_t i = 0; i < options->protocol_count; i++) {
        size_t length = strlen(options->protocols[i]);
        *to++ = (unsigned char)length;
        memcpy(to, options->protocols[i], length);
        to += length;
    }
    return 0;
}

static int copy_options(green_tls_config *config, const green_tls_options *options) {
    config->role = options->role;
    config->verification = options->verification;
    config->handshake_timeout = options->handshake_timeout ? options->handshake_timeout : HANDSHAKE_TIMEOUT;
    config->resumes = !options->no_resumption;
    if (options->pin_count > 0) {
        config->pins = malloc(options->pin_count * GREEN_TLS_PIN_SIZE);
        if (!config->pins)
            return green__fail(-ENOMEM, "cannot make a TLS context");
        memcpy(config->pins, options->pins, options->pin_count * GREEN_TLS_PIN_SIZE);
        config->pin_count = options->pin_count;
    }
    int error = copy_protocols(config, options);
    if (error == 0 && options->key_log)
        error = open_key_log(config);
    return error;
}

static int check_options(const green_tls_options *options) {
    bool server = options->role == GREEN_TLS_SERVER;
    if (server && options->identity_count == 0)
        return green__tls_fail_setup("a TLS server needs a certificate and its key");
    if (!server && options->identity_count > 1)
        return green__fail(-EINVAL, "TLS: %zu identities for a client: expected at most one", options->identity_count);
    if (!server && (options->verification == GREEN_TLS_VERIFY_OPTIONAL))
        return green__fail(-EINVAL, "TLS: GREEN_TLS_VERIFY_OPTIONAL is for servers: a server always sends a "
                                    "certificate");
    if (server && options->pin_count > 0 && options->verification == GREEN_TLS_VERIFY_DEFAULT)
        return green__fail(
            -EINVAL, "TLS: pins without GREEN_TLS_VERIFY_REQUIRED or _OPTIONAL: the server asks for no certificate");
    if (options->minimum && options->maximum && options->minimum > options->maximum)
        return green__fail(-EINVAL, "TLS: the minimum version is above the maximum");
    return 0;
}

static int ssl_ctx_make(const green_tls_config *config, const green_tls_options *options, size_t index,
                        const unsigned char *ticket_key, SSL_CTX **made) {
    bool server = options->role == GREEN_TLS_SERVER;
    SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!context)
        return green__fail(-ENOMEM, "cannot make a TLS context");
    *made = context;
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     (server ? SSL_OP_CIPHER_SERVER_PREFERENCE : 0));
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    if (config->key_log >= 0)
        SSL_CTX_set_keylog_callback(context, log_key);
    int error = green__tls_use_ciphers(context, options);
    if (error == 0 && index < options->identity_count)
        error = green__tls_use_certificate(context, &options->identities[index]);
    if (error == 0)
        error = green__tls_use_authorities(context, options);
    if (error == 0)
        error = green__tls_use_alpn(context, config);
    if (error == 0)
        error = green__tls_use_sessions(context, config, ticket_key);
    if (error < 0)
        return error;
    green__tls_use_verification(context, config);
    if (server)
        green__tls_use_sni(context);
    return 0;
}

static int config_make(const green_tls_options *options, green_tls_config **made) {
    ERR_clear_error(); /* OpenSSL's configuration file may have left errors */
    int error = check_options(options);
    if (error < 0)
        return error;
    green_tls_config *config = calloc(1, sizeof *config);
    if (!config)
        return green__fail(-ENOMEM, "cannot make a TLS context");
    error = green__tls_session_cache_init(&config->sessions);
    if (error < 0) {
        free(config);
        return error;
    }
    atomic_init(&config->references, 1);
    config->key_log = -1;
    unsigned char random[GREEN_TLS_TICKET_KEY_SIZE];
    const unsigned char *ticket_key = options->ticket_key ? options->ticket_key : random;
    size_t count = options->identity_count > 0 ? options->identity_count : 1;
    config->contexts = calloc(count, sizeof(SSL_CTX *));
    error = config->contexts ? copy_options(config, options) : green__fail(-ENOMEM, "cannot make a TLS context");
    if (error == 0 && RAND_bytes(random, sizeof random) != 1)
        error = green__tls_fail_setup("cannot get random bytes");
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = ssl_ctx_make(config, options, i, ticket_key, &config->contexts[i]);
        config->context_count += config->contexts[i] != NULL;
    }
    OPENSSL_cleanse(random, sizeof random);
    if (error < 0)
        green__tls_config_release(config);
    else
        *made = config;
    ERR_clear_error();
    return error;
}

/* Contexts ------------------------------------------------------------------ */

int green_tls_context_make(green_tls_context **made, const green_tls_options *options) {
    green_tls_config *config = NULL;
    int error = config_make(options, &config);
    if (error < 0)
        return error;
    green_tls_context *context = calloc(1, sizeof *context);
    error = context ? green__lock_init(&context->lock) : green__fail(-ENOMEM, "cannot make a TLS context");
    if (error < 0) {
        free(context);
        green__tls_config_release(config);
        return error;
    }
    atomic_init(&context->references, 1);
    context->config = config;
    *made = context;
    return 0;
}

green_tls_context *green_tls_context_retain(green_tls_context *context) {
    atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void green_tls_context_release(green_tls_context *context) {
    if (!context || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) > 1)
        return;
    green__tls_config_release(context->config);
    green__lock_destroy(&context->lock);
    free(context);
}

static green_tls_config *current_config(green_tls_context *context) {
    green__lock(&context->lock);
    green_tls_config *config = green__tls_config_retain(context->config);
    green__unlock(&context->lock);
    return config;
}

int green_tls_context_reload(green_tls_context *context, const green_tls_options *options) {
    green_tls_config *updated = NULL, *old = current_config(context);
    green_tls_role role = old->role;
    green__tls_config_release(old);
    if (options->role != role)
        return green__fail(-EINVAL, "TLS: cannot reload a context with another role");
    int error = config_make(options, &updated);
    if (error < 0)
        return error;
    green__lock(&context->lock);
    old = context->config;
    context->config = updated;
    green__unlock(&context->lock);
    green__tls_config_release(old);
    return 0;
}

int green__tls_check_server(green_tls_context *context) {
    green_tls_config *config = current_config(context);
    bool server = config->role == GREEN_TLS_SERVER;
    green__tls_config_release(config);
    return server ? 0 : green__fail(-EINVAL, "TLS: cannot start a server with a context for clients");
}

int64_t green__tls_handshake_timeout(const SSL *ssl) {
    return green__tls_ex_data(ssl)->config->handshake_timeout;
}

int green__tls_ssl_make(green_tls_context *context, const char *text, SSL **made) {
    green_tls_config *config = current_config(context);
    bool client = config->role == GREEN_TLS_CLIENT, is_address = false;
    char host[GREEN_TLS_HOST_MAX];
    int error = 0;
    ERR_clear_error();
    SSL *ssl = NULL;
    if (client != (text != NULL)) {
        error = green__fail(-EINVAL, client ? "TLS: the context is for clients, but there is no host name to verify"
                                            : "TLS: the context is for servers, but a host name is given");
        goto done;
    }
    if (client && (error = green__tls_parse_host(text, host, &is_address)) < 0)
        goto done;
    ssl = SSL_new(config->contexts[0]);
    if (!ssl || !green__tls_set_ex_data(ssl, config, client ? host : NULL)) {
        error = green__fail(-ENOMEM, "cannot make a TLS connection");
        goto done;
    }
    if (client) {
        SSL_set_connect_state(ssl);
        error = green__tls_set_host(ssl, host, is_address);
        if (error == 0)
            green__tls_offer_session(ssl, green__tls_ex_data(ssl));
    } else {
        SSL_set_accept_state(ssl);
    }
done:
    green__tls_config_release(config);
    if (error < 0)
        SSL_free(ssl);
    else
        *made = ssl;
    return error;
}
