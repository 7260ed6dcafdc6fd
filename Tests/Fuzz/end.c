/* One end: its calls, and the results that each may return. */
#include "fuzz.h"

#include "tls/connection.h"

#include <openssl/err.h>
#include <sys/socket.h>

/* Observing records --------------------------------------------------------- */

/* Called by OpenSSL for each record. An interrupted write has made records of a part of its
 * bytes, and only this callback has their number. */
static void observe(int writes, int version, int type, const void *bytes, size_t size, SSL *ssl, void *argument) {
    enum { GCM_OVERHEAD = 8 + 16, OVERHEAD_1_3 = 1 + 16 };
    const uint8_t *at = bytes;
    struct end *end = argument;
    (void)version;
    if (!writes)
        return;
    if (type == SSL3_RT_HEADER && size >= SSL3_RT_HEADER_LENGTH) {
        end->record = (size_t)at[3] << 8 | at[4];
        if (SSL_version(ssl) == TLS1_2_VERSION && at[0] == SSL3_RT_APPLICATION_DATA)
            end->accepted += end->record - GCM_OVERHEAD;
    } else if (type == SSL3_RT_INNER_CONTENT_TYPE && at[0] == SSL3_RT_APPLICATION_DATA) {
        end->accepted += end->record - OVERHEAD_1_3;
    } else if (type == SSL3_RT_ALERT && at[1] == SSL_AD_CLOSE_NOTIFY) {
        CHECK(end->close_notifies, <=, STOPS_MAX);
        end->close_notify_at[end->close_notifies++] = end->accepted;
    }
}

static void watch(struct end *end) {
    SSL *ssl = green__tls_of(end->socket)->ssl;
    SSL_set_msg_callback(ssl, observe);
    SSL_set_msg_callback_arg(ssl, end);
}

void end_open(struct end *end, int fd, bool small_fragments) {
    CHECK(green_socket_adopt(&end->socket, fd), ==, 0);
    CHECK(green__tls_attach(end->socket, end->context, end->host), ==, 0);
    watch(end);
    if (small_fragments)
        SSL_set_max_send_fragment(green__tls_of(end->socket)->ssl, 512);
}

/* Expected results ---------------------------------------------------------- */

/* Whether the relay has changed nothing. */
static bool is_faithful(const struct world *world) {
    return !world->damaged && !world->cut && !world->muddled;
}

/* Whether the stream to this end may be truncated. A shutdown truncates nothing, because it
 * follows close_notify. */
static bool may_be_cut(const struct end *end) {
    return end->world->cut || end->peer->closed || end->shut_read;
}

static bool has_sent_close_notify(const struct end *end) {
    return end->close_notifies > end->stops || end->shut_write;
}

static bool is_expected(const struct end *end, const struct order *order, green_tls_problem problem) {
    const struct world *world = end->world;
    /* TLS may start again while the peer is still, or again, without it. */
    if (!is_faithful(world) || end->starts > 0 || end->peer->starts > 0)
        return problem != GREEN_TLS_BAD_SETUP;
    if (order->call == STOP && problem == GREEN_TLS_CORRUPT)
        return end->peer->accepted > end->received;
    if (order->call == START && problem == GREEN_TLS_NOT_TLS)
        return true; /* there were unread bytes */
    if (world->wrong_host && problem == (end->role == CLIENT ? GREEN_TLS_WRONG_HOST : GREEN_TLS_REFUSED))
        return true;
    /* OpenSSL reports an alert before the version is negotiated as a wrong version. */
    if (end->peer->failed && (problem == GREEN_TLS_REFUSED || problem == GREEN_TLS_NOT_TLS))
        return true;
    return (problem == GREEN_TLS_TRUNCATED || problem == GREEN_TLS_RESET) && may_be_cut(end);
}

static void check_problem(struct end *end, const struct order *order) {
    green_tls_problem problem = green_tls_last_problem();
    const char *text = green_explain(-EPROTO), *tail = strstr(text, "(EPROTO)");
    CHECK(problem, !=, GREEN_TLS_OK);
    CHECK(strlen(text) > 500 || (tail && !tail[strlen("(EPROTO)")]));
    end->failed = true;
    if (is_expected(end, order, problem))
        return;
    dprintf(STDERR_FILENO, "the %s, problem %d: %s\n", end->role == CLIENT ? "client" : "server", problem, text);
    check_failed(__FILE__, __LINE__, "a problem that has a reason");
}

static bool is_alone(const struct slot *slot) {
    const struct slot *other = &slot->end->slots[slot == slot->end->slots];
    return !other->calling;
}

static void check_error(struct slot *slot, const struct order *order, int error) {
    struct end *end = slot->end;
    const struct world *world = end->world;
    bool tls = green_tls_is_on(end->socket);
    switch (-error) {
    case EPROTO:
        return check_problem(end, order);
    case ECANCELED:
        CHECK(slot->killed);
        slot->killed = false;
        return;
    case ETIME:
        CHECK(order->limit, >=, 0);
        return;
    case ETIMEDOUT:
        CHECK(end->timed || (world->hasty && end->role == SERVER));
        return;
    case EBADF:
        CHECK(end->closed);
        return;
    case EBUSY:
        CHECK(!is_alone(slot));
        return;
    case EPIPE:
        CHECK(has_sent_close_notify(end) || world->cut);
        return;
    case ECONNRESET:
        CHECK(world->cut);
        return;
    case ENOTCONN:
        CHECK(!tls || order->call == DESCRIBE);
        return;
    case EALREADY:
        CHECK(tls && order->call == START);
        return;
    case EMSGSIZE:
        CHECK(order->call == READ_LINE);
        return;
    default:
        check_compare_failed(__FILE__, __LINE__, "an error that a call may return", error, order->call);
    }
}

/* Reading ------------------------------------------------------------------- */

/* Without TLS the bytes are unprotected, and may include a hello. */
static bool is_checkable(struct end *end, bool tls) {
    if (tls)
        return true;
    end->world->muddled |= end->starts != end->peer->starts;
    return !end->world->damaged && !end->world->muddled;
}

static void check_bytes(struct end *end, bool tls, const void *bytes, size_t count) {
    if (!is_checkable(end, tls))
        return;
    CHECK(end->received + count, <=, end->peer->accepted);
    pattern_check(bytes, count, end->received);
}

/* TLS ends at the peer's close_notify, and only after all data before it was read. */
static void check_end(const struct end *end, bool tls) {
    if (!tls)
        return;
    CHECK(end->peer->close_notifies, >, end->stops);
    CHECK(end->received, ==, end->peer->close_notify_at[end->stops]);
}

static void took(struct end *end, bool tls, const void *bytes, size_t count) {
    check_bytes(end, tls, bytes, count);
    end->received += count;
}

static ssize_t read_some(struct end *end, const struct order *order) {
    bool tls = green_tls_is_on(end->socket);
    char *bytes = malloc(order->size + 1);
    ssize_t count = order->call == READ_LINE && order->size >= 2 ? green_read_line(end->socket, bytes, order->size)
                                                                 : green_read(end->socket, bytes, order->size);
    if (count > 0)
        took(end, tls, bytes, (size_t)count);
    else if (count == 0 && order->size > 0)
        check_end(end, tls);
    free(bytes);
    return count;
}

static ssize_t read_exactly(struct end *end, const struct order *order) {
    bool tls = green_tls_is_on(end->socket);
    char *bytes = malloc(order->size + 1);
    size_t came = 0;
    ssize_t count = green_read_exactly(end->socket, bytes, order->size);
    if (count == -ENODATA) {
        CHECK(sscanf(green_explain(-ENODATA), "the stream ended after %zu", &came), ==, 1);
        took(end, tls, bytes, came);
        check_end(end, tls);
        count = 0;
    } else if (count >= 0) {
        CHECK(count, ==, order->size);
        took(end, tls, bytes, order->size);
    }
    free(bytes);
    return count;
}

/* Consumes a part of the received bytes. */
static ssize_t receive(struct end *end, const struct order *order) {
    bool tls = green_tls_is_on(end->socket);
    const void *bytes;
    ssize_t count = green_receive(end->socket, &bytes);
    if (count == 0)
        check_end(end, tls);
    if (count <= 0)
        return count;
    check_bytes(end, tls, bytes, (size_t)count);
    size_t part = order->size < (size_t)count ? order->size : (size_t)count;
    green_consume(end->socket, part);
    end->received += part;
    return (ssize_t)part;
}

static ssize_t drain(struct end *end) {
    static const struct order some = {.call = READ, .size = 20000};
    ssize_t count;
    while ((count = read_some(end, &some)) > 0)
        ;
    return count;
}

/* Writing ------------------------------------------------------------------- */

static ssize_t write_pieces(struct end *end, const struct order *order, const char *bytes, size_t size) {
    struct iovec pieces[4];
    size_t filled = 0;
    int count = 1 + order->detail % 4;
    for (int i = 0; i < count; i++) {
        size_t part = i == count - 1 ? size - filled : size / (size_t)(count + 1);
        pieces[i] = (struct iovec){(char *)bytes + filled, part};
        filled += part;
    }
    return green_writev(end->socket, pieces, count);
}

/* A peer may update its keys at any time. */
static void rekey(struct end *end, const struct order *order) {
    green_tls *tls = green__tls_of(end->socket);
    if (tls && tls->handshake_done && !tls->failure && !tls->close_notify_sent &&
        SSL_version(tls->ssl) == TLS1_3_VERSION &&
        SSL_key_update(tls->ssl, order->detail & 1 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED))
        SSL_do_handshake(tls->ssl);
    ERR_clear_error();
}

static ssize_t call_write(struct end *end, const struct order *order, const char *bytes, size_t size) {
    switch (order->call) {
    case WRITE_PIECES:
        return write_pieces(end, order, bytes, size);
    case WRITE_SOME:
        return green_write_some(end->socket, bytes, size);
    default:
        return green_write(end->socket, bytes, size);
    }
}

static ssize_t write_some(struct end *end, const struct order *order) {
    enum { PLAIN_MAX = 512 }; /* small enough that the kernel accepts all or nothing */
    bool tls = green_tls_is_on(end->socket);
    size_t limit = tls ? end->world->budget : PLAIN_MAX, size = order->size < limit ? order->size : limit;
    uint64_t before = end->accepted;
    char *bytes = malloc(size + 1);
    pattern_fill(bytes, size, before);
    if (order->call == REKEY)
        rekey(end, order);
    ssize_t count = call_write(end, order, bytes, size);
    if (!tls && count > 0) {
        end->accepted += (uint64_t)count;
        end->world->muddled |= end->starts != end->peer->starts;
    }
    uint64_t taken = end->accepted - before;
    if (count >= 0) {
        CHECK(count == (ssize_t)size || (order->call == WRITE_SOME && (count > 0 || size == 0)));
        /* A write yields at its end, possibly to another writer. */
        CHECK(taken, >=, count);
        taken = (uint64_t)count;
    }
    CHECK(taken, <=, size);
    if (tls)
        end->world->budget -= taken < end->world->budget ? taken : end->world->budget;
    free(bytes);
    return count;
}

/* The rest ------------------------------------------------------------------ */

static ssize_t shut_down(struct end *end, const struct order *order) {
    static const int ways[] = {SHUT_WR, SHUT_RD, SHUT_RDWR, SHUT_WR};
    int how = ways[order->detail % 4], result = green_shutdown(end->socket, how);
    if (result == 0) {
        end->shut_read |= how != SHUT_WR;
        end->shut_write |= how != SHUT_RD;
        CHECK(how == SHUT_RD || !green_tls_is_on(end->socket) || end->close_notifies > end->stops);
    }
    return result;
}

static ssize_t stop(struct end *end) {
    if (end->stops == STOPS_MAX)
        return 0;
    int result = green_tls_stop(end->socket);
    if (result == 0) {
        CHECK(!green_tls_is_on(end->socket));
        CHECK(end->close_notifies, ==, end->stops + 1);
        check_end(end, true);
        end->stops++;
    }
    return result;
}

static ssize_t begin(struct end *end) {
    bool tls = green_tls_is_on(end->socket);
    /* After a loss of plain bytes the next ones cannot be predicted. */
    if (!tls && !is_faithful(end->world))
        return 0;
    end->starts += !tls;
    int result = green_tls_start(end->socket, end->context, end->host);
    if (tls)
        return result;
    if (!green_tls_is_on(end->socket)) { /* there were unread bytes */
        end->starts--;
        return result;
    }
    end->world->muddled |= end->stops != end->peer->stops || end->peer->received != end->accepted;
    watch(end);
    return result;
}

static ssize_t describe(const struct end *end) {
    void *der = NULL;
    green_tls_info info;
    int result = green_tls_describe(end->socket, &info);
    if (result < 0)
        return result;
    CHECK(info.version, ==, end->world->version);
    CHECK_TEXT(info.protocol, "");
    ssize_t size = green_tls_peer_certificate(end->socket, 0, &der);
    CHECK(info.certificates == 0 ? size == -ERANGE : size > 0);
    free(der);
    return 0;
}

static ssize_t perform(struct end *end, const struct order *order) {
    switch (order->call) {
    case READ:
    case READ_LINE:
        return read_some(end, order);
    case READ_EXACTLY:
        return read_exactly(end, order);
    case RECEIVE:
        return receive(end, order);
    case DRAIN:
        return drain(end);
    case WRITE:
    case WRITE_PIECES:
    case WRITE_SOME:
    case REKEY:
        return write_some(end, order);
    case SHUT_DOWN:
        return shut_down(end, order);
    case CLOSE:
        end->closed = true;
        return green_close(end->socket);
    case HANDSHAKE:
        return green_tls_handshake(end->socket);
    case STOP:
        return stop(end);
    case START:
        return begin(end);
    default:
        return describe(end);
    }
}

/* Threads ------------------------------------------------------------------- */

/* GREEN_FUZZ_TRACE=1 prints the calls of an input. */
static void trace(const struct slot *slot, const struct order *order, ssize_t result) {
    static const char *const names[CALLS] = {"read",  "read_exactly", "read_line",  "receive", "drain",
                                             "write", "writev",       "write_some", "rekey",   "shutdown",
                                             "close", "handshake",    "stop",       "start",   "describe"};
    static int wanted = -1;
    if (wanted < 0)
        wanted = getenv("GREEN_FUZZ_TRACE") != NULL;
    if (wanted)
        dprintf(STDERR_FILENO, "%s %d: %s of %zu: %zd%s%s\n", slot->end->role == CLIENT ? "client" : "server",
                (int)(slot - slot->end->slots), names[order->call], order->size, result, result < 0 ? ": " : "",
                result < 0 ? green_explain((int)result) : "");
}

static void obey(struct slot *slot, const struct order *order) {
    green_timeout *limit = NULL;
    if (order->limit >= 0)
        CHECK(green_timeout_start(&limit, order->limit), ==, 0);
    slot->current = order->call;
    slot->calling = true;
    ssize_t result = perform(slot->end, order);
    slot->calling = false;
    green_timeout_free(limit);
    trace(slot, order, result);
    if (result < 0)
        check_error(slot, order, (int)result);
    slot->end->world->progress++;
}

static int run_slot(void *argument) {
    struct slot *slot = argument;
    while (slot->count > 0) {
        struct order order = slot->orders[0];
        memmove(slot->orders, slot->orders + 1, --slot->count * sizeof order);
        obey(slot, &order);
    }
    return 0;
}

static void slot_start(struct slot *slot) {
    slot->killed = false;
    slot->thread = start_named(slot->end->role == CLIENT ? "client" : "server", run_slot, slot);
    green_thread_set_context(slot->thread, slot->end);
}

void end_order(struct slot *slot, const struct order *order) {
    if (slot->count == ORDERS_MAX || !slot->end->socket)
        return;
    slot->orders[slot->count++] = *order;
    if (!slot->thread)
        slot_start(slot);
}

void end_kill(struct slot *slot) {
    if (!slot->thread || green_thread_is_finished(slot->thread))
        return;
    slot->killed = true;
    CHECK(green_thread_kill(slot->thread), ==, 0);
}

static bool slot_reap(struct slot *slot) {
    if (slot->thread && green_thread_is_finished(slot->thread)) {
        int result = finish(slot->thread);
        CHECK(result == 0 || result == -ECANCELED);
        slot->thread = NULL;
        if (slot->count > 0) /* it was killed before it began */
            slot_start(slot);
    }
    return slot->thread != NULL;
}

bool end_reap(struct end *end) {
    bool any = false;
    for (int i = 0; i < SLOTS; i++)
        any |= slot_reap(&end->slots[i]);
    return any;
}
