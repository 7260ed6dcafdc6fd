/* The sessions that a client keeps for later connections. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* A new session replaces the oldest one when the cache is full. */
enum { SESSIONS_MAX = 256 };

static void drop(green_tls_session_cache *cache, size_t index) {
    free(cache->sessions[index].host);
    cache->count--;
    memmove(cache->sessions + index, cache->sessions + index + 1, (cache->count - index) * sizeof *cache->sessions);
}

int green__tls_session_cache_init(green_tls_session_cache *cache) {
    return green__lock_init(&cache->lock);
}

void green__tls_session_cache_clear(green_tls_session_cache *cache) {
    while (cache->count > 0) {
        SSL_SESSION_free(cache->sessions[cache->count - 1].session);
        drop(cache, cache->count - 1);
    }
    free(cache->sessions);
    cache->sessions = NULL;
}

void green__tls_session_cache_destroy(green_tls_session_cache *cache) {
    green__tls_session_cache_clear(cache);
    green__lock_destroy(&cache->lock);
}

static bool put(green_tls_session_cache *cache, const char *host, SSL_SESSION *session) {
    if (!cache->sessions)
        cache->sessions = malloc(SESSIONS_MAX * sizeof *cache->sessions);
    char *copy = cache->sessions ? strdup(host) : NULL;
    if (!copy)
        return false;
    if (cache->count == SESSIONS_MAX) {
        SSL_SESSION_free(cache->sessions[0].session);
        drop(cache, 0);
    }
    cache->sessions[cache->count++] = (green_tls_session){copy, session};
    return true;
}

bool green__tls_session_cache_put(green_tls_session_cache *cache, const char *host, SSL_SESSION *session) {
    green__lock(&cache->lock);
    bool kept = put(cache, host, session);
    green__unlock(&cache->lock);
    return kept;
}

SSL_SESSION *green__tls_session_cache_take(green_tls_session_cache *cache, const char *host) {
    SSL_SESSION *session = NULL;
    green__lock(&cache->lock);
    for (size_t i = cache->count; !session && i-- > 0;) {
        if (strcmp(cache->sessions[i].host, host) != 0)
            continue;
        session = cache->sessions[i].session;
        /* RFC 8446, C.4: a client that reuses a ticket can be recognised by an observer. */
        if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
            drop(cache, i);
        else
            SSL_SESSION_up_ref(session);
    }
    green__unlock(&cache->lock);
    return session;
}
