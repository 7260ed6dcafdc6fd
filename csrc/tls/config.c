/* The lifetime of a configuration, and how OpenSSL's callbacks find that of a connection. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

green_tls_config *green__tls_config_retain(green_tls_config *config) {
    atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
    return config;
}

void green__tls_config_release(green_tls_config *config) {
    if (!config || atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) > 1)
        return;
    green__tls_session_cache_destroy(&config->sessions);
    for (size_t i = 0; i < config->context_count; i++)
        SSL_CTX_free(config->contexts[i]);
    if (config->key_log >= 0)
        close(config->key_log);
    free(config->contexts);
    free(config->pins);
    free(config->protocols);
    free(config);
}

static int ex_data_index = -1;

static void ex_data_free(void *parent, void *pointer, CRYPTO_EX_DATA *all, int index, long number, void *argument) {
    green_tls_ex_data *data = pointer;
    (void)parent, (void)all, (void)index, (void)number, (void)argument;
    if (!data)
        return;
    green__tls_config_release(data->config);
    free(data->host);
    free(data);
}

__attribute__((constructor)) static void make_index(void) {
    ex_data_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, ex_data_free);
}

green_tls_ex_data *green__tls_ex_data(const SSL *ssl) {
    return SSL_get_ex_data(ssl, ex_data_index);
}

bool green__tls_set_ex_data(SSL *ssl, green_tls_config *config, const char *host) {
    green_tls_ex_data *data = calloc(1, sizeof *data);
    if (!data)
        return false;
    data->host = host ? strdup(host) : NULL;
    if ((host && !data->host) || !SSL_set_ex_data(ssl, ex_data_index, data)) {
        free(data->host);
        free(data);
        return false;
    }
    data->config = green__tls_config_retain(config);
    return true;
}
