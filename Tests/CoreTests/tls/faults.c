/* Faults of the peer and the network: no TLS, silence, closes, damage. */
#include "tls_helpers.h"

#include <pthread.h>
#include <sys/socket.h>

/* A peer that writes text to a TLS server instead of a hello. */
static struct outcome server_meets(const char *text) {
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *context = server_context(localhost());
    send_text(plain.near, text);
    struct outcome outcome = outcome_of(green_tls_start(plain.far, context, NULL));
    green_tls_context_release(context);
    release_pair(&plain);
    return outcome;
}

TEST(plain_http, "plain HTTP on a TLS port is an error that says so") {
    struct outcome outcome = server_meets("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(outcome.result, ==, -EPROTO);
    CHECK(outcome.problem, ==, GREEN_TLS_NOT_TLS);
    CHECK_CONTAINS(outcome.text, "does not speak TLS: http request");
}

TEST(garbage, "garbage instead of a hello is GREEN_TLS_NOT_TLS") {
    struct outcome outcome = server_meets("SSH-2.0-OpenSSH_9.2p1 and more of it\r\n");
    CHECK(outcome.result, ==, -EPROTO);
    CHECK(outcome.problem, ==, GREEN_TLS_NOT_TLS);
}

/* A TCP peer that disconnects in the middle of a handshake. */
static void goes(bool server, void (*go)(green_socket *peer), green_tls_problem problem, const char *words) {
    struct pair plain = connected(TCP4);
    green_tls_context *context = server ? server_context(localhost()) : client_context();
    struct side side = {plain.near, context, server ? NULL : "localhost", {0}};
    green_thread *thread = start(start_side, &side);
    let_run();
    go(plain.far);
    finish(thread);
    CHECK(side.outcome.result, ==, -EPROTO);
    CHECK(side.outcome.problem, ==, problem);
    CHECK_CONTAINS(side.outcome.text, "TLS handshake on");
    CHECK_CONTAINS(side.outcome.text, words);
    green_socket_release(plain.near);
    green_tls_context_release(context);
}

/* Reads all bytes first, or the kernel would answer with a reset. */
static void hang_up(green_socket *peer) {
    char bytes[4096];
    while (recv(green_socket_fd(peer), bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    green_socket_release(peer);
}

TEST(hung_up, "a peer that closes the connection in the handshake is GREEN_TLS_TRUNCATED") {
    for (int server = 0; server < 2; server++)
        goes(server, hang_up, GREEN_TLS_TRUNCATED, "the peer closed the connection without close_notify");
}

TEST(reset, "a peer that resets the connection in the handshake is GREEN_TLS_RESET") {
    for (int server = 0; server < 2; server++)
        goes(server, reset_and_release, GREEN_TLS_RESET, "the peer reset the connection");
}

static void write_to_reset(size_t size) {
    static const char bytes[16384];
    struct pair plain = connected(TCP4);
    green_tls_context *client = client_context(), *server = server_context(localhost());
    struct tls_pair pair = tls_meet_on(plain.near, plain.far, client, server, "localhost");
    reset_and_release(pair.server);
    CHECK(green_write(pair.client, bytes, size), ==, -ECONNRESET);
    CHECK_CONTAINS(green_explain(-ECONNRESET), "cannot write to socket");
    green_socket_release(pair.client);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

TEST(reset_later, "a write of any size to a peer that has reset the connection returns -ECONNRESET") {
    write_to_reset(100);
    write_to_reset(16384);
}

TEST(silent, "a silent client ends only its own handshake, with a message") {
    green_tls_identity own = identity(localhost());
    green_tls_context *server = context_of((green_tls_options){
        .role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1, .handshake_timeout = 2 * GREEN_SECOND});
    green_tls_context *client = client_context();
    green_listener *listener = listen_any(TCP4);
    CHECK(green_tls_listen(listener, server), ==, 0);
    green_socket *silent = connect_to(listener);
    green_socket *deaf = accept_from(listener);
    green_socket *talking = connect_to(listener);
    struct side side = {talking, client, "localhost", {0}};
    green_thread *other = start(start_side, &side);
    green_socket *served = accept_from(listener);
    CHECK(green_write(served, "x", 1), ==, 1);
    finish(other);
    CHECK_TEXT(side.outcome.text, "");
    char byte;
    CHECK(green_read(deaf, &byte, 1), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "TLS handshake");
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "not done within 2 s (ETIMEDOUT)");
    CHECK(green_write(deaf, "x", 1), ==, -ETIMEDOUT);
    green_socket_release(deaf);
    green_socket_release(served);
    green_socket_release(silent);
    green_socket_release(talking);
    green_listener_release(listener);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

/* A call with a timeout of 0 distinguishes its own deadline from that of the handshake:
 * its message names only a deadline that had passed before the call. */
TEST(deadline_kept, "calls that continue a handshake do not extend its deadline") {
    const int64_t limit = 20 * GREEN_MILLISECOND;
    char byte;
    green_tls_context *context =
        context_of((green_tls_options){.authorities = pem(authority()->chain), .handshake_timeout = limit});
    struct pair plain = connected(UNIX_PAIR);
    green_socket_set_timeouts(plain.near, 0, 0);
    CHECK(green_tls_start(plain.near, context, "localhost"), ==, -ETIMEDOUT);
    CHECK(strstr(green_explain(-ETIMEDOUT), "not done within") == NULL);
    for (int64_t begun = green_now(); green_now() <= begun + limit;)
        CHECK(green_yield(), ==, 0);
    CHECK(green_read(plain.near, &byte, 1), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "not done within 20 ms");
    CHECK(green_write(plain.near, "x", 1), ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(-ETIMEDOUT), "not done within 20 ms");
    release_pair(&plain);
    green_tls_context_release(context);
}

static int read_one(void *socket) {
    char byte;
    return (int)green_read(socket, &byte, 1);
}

TEST(closed, "a close ends a reader, a handshake and the threads that wait for it, with -EBADF") {
    struct tls_pair pair = tls_pair(0);
    green_thread *reader = start(read_one, pair.client);
    let_run();
    CHECK(green_close(pair.client), ==, 0);
    CHECK(finish(reader), ==, -EBADF);
    release_tls_pair(&pair);

    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *context = client_context();
    struct side side = {plain.near, context, "localhost", {0}};
    green_thread *shaking = start(start_side, &side);
    let_run();
    green_thread *waiting = start(read_one, plain.near);
    let_run();
    CHECK(green_close(plain.near), ==, 0);
    finish(shaking);
    CHECK(side.outcome.result, ==, -EBADF);
    CHECK(finish(waiting), ==, -EBADF);
    green_tls_context_release(context);
    release_pair(&plain);
}

static int close_it(void *socket) {
    return green_close(socket);
}

TEST(closed_behind, "a write that finished before a close reports its success, small or large") {
    static char bytes[16384];
    for (size_t size = 1; size <= sizeof bytes; size *= 128) {
        struct tls_pair pair = tls_pair(0);
        green_thread *closing = start(close_it, pair.server);
        CHECK(green_write(pair.server, bytes, size), ==, size);
        CHECK(finish(closing), ==, 0);
        CHECK(green_write(pair.server, bytes, size), ==, -EBADF);
        CHECK(green_read_exactly(pair.client, bytes, size), ==, size);
        release_tls_pair(&pair);
    }
}

/* Flips one bit of the stream. */
struct flaw {
    green_socket *from, *to;
    uint64_t at;
};

static int hand_on_flawed(void *argument) {
    struct flaw *flaw = argument;
    char bytes[4096];
    uint64_t position = 0;
    for (ssize_t count; (count = green_read(flaw->from, bytes, sizeof bytes)) > 0; position += (uint64_t)count) {
        if (flaw->at >= position && flaw->at < position + (uint64_t)count)
            bytes[flaw->at - position] ^= 1;
        if ((count = green_write(flaw->to, bytes, (size_t)count)) < 0)
            return 0;
    }
    green_shutdown(flaw->to, SHUT_WR);
    return 0;
}

enum { DATA = 2000 };

/* Data arrives as it was sent, or not at all. Returns whether it did not. */
static bool is_refused(const struct tls_pair *pair) {
    static char bytes[DATA];
    pattern_fill(bytes, sizeof bytes, 0);
    ssize_t result = green_write(pair->client, bytes, sizeof bytes);
    memset(bytes, 0, sizeof bytes);
    if (result > 0)
        result = green_read_exactly(pair->server, bytes, sizeof bytes);
    if (result > 0) {
        pattern_check(bytes, sizeof bytes, 0);
        return false;
    }
    CHECK(result, ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_CORRUPT);
    return true;
}

/* The timeout of a handshake that may wait for bytes that never arrive. */
static const int64_t DAMAGED_HANDSHAKE = (SLOW ? 1000 : 200) * GREEN_MILLISECOND;

/* A client whose bytes are damaged at one place. Returns whether the damage was detected in
 * the data. */
static bool damage(uint64_t at) {
    green_socket *client, *near, *far, *server;
    CHECK(green_socket_pair(&client, &near), ==, 0);
    CHECK(green_socket_pair(&far, &server), ==, 0);
    struct flaw ways[] = {{near, far, at}, {far, near, UINT64_MAX}};
    green_thread *relays[] = {start(hand_on_flawed, &ways[0]), start(hand_on_flawed, &ways[1])};
    /* With a damaged length both ends wait for bytes that no one sends. */
    green_tls_identity own = identity(localhost());
    green_tls_context *client_tls = client_context(),
                      *server_tls = context_of((green_tls_options){.role = GREEN_TLS_SERVER,
                                                                   .identities = &own,
                                                                   .identity_count = 1,
                                                                   .handshake_timeout = DAMAGED_HANDSHAKE});
    struct tls_pair pair = tls_meet_on(client, server, client_tls, server_tls, "localhost");
    bool refused = pair.client_outcome.result == 0 && pair.server_outcome.result == 0 && is_refused(&pair);
    release_tls_pair(&pair);
    for (int i = 0; i < 2; i++)
        finish(relays[i]);
    green_socket_release(near);
    green_socket_release(far);
    green_tls_context_release(client_tls);
    green_tls_context_release(server_tls);
    return refused;
}

BIG_TEST(damaged, "if a single bit is flipped anywhere, no damaged data is returned") {
    enum { STEP = SLOW ? 61 : 5 }; /* 5: one byte of each record header */
    int refused = 0;
    for (uint64_t at = 0; at < DATA + 600; at += STEP)
        refused += damage(at);
    CHECK(refused, >=, (DATA - 200) / STEP);
}

/* OS threads ---------------------------------------------------------------- */

static green_tls_context *shared_client, *shared_server;

static void *meet_often(void *unused) {
    (void)unused;
    for (int i = 0; i < SCALED(100); i++) {
        struct tls_pair pair = tls_connected(shared_client, shared_server);
        release_tls_pair(&pair);
    }
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

TEST(os_threads, "several OS threads share one context") {
    pthread_t threads[3];
    shared_client = client_context();
    shared_server = server_context(localhost());
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, meet_often, NULL), ==, 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    green_tls_context_release(shared_client);
    green_tls_context_release(shared_server);
}

struct start_tls {
    green_socket *socket;
    green_tls_context *context;
};

static int start_tls(void *argument) {
    struct start_tls *side = argument;
    return green_tls_start(side->socket, side->context, NULL);
}

/* Closes without reading the server's tickets. */
static void write_and_go(green_tls_version version) {
    enum { SIZE = 256 * 1024 };
    green_tls_context *client, *server;
    tls_contexts(version, &client, &server);
    struct pair plain = connected(TCP4);
    int room = SIZE;
    CHECK(setsockopt(green_socket_fd(plain.near), SOL_SOCKET, SO_SNDBUF, &room, sizeof room), ==, 0);
    struct start_tls far = {plain.far, server};
    green_thread *accepting = start(start_tls, &far);
    CHECK(green_tls_start(plain.near, client, "localhost"), ==, 0);
    CHECK(finish(accepting), ==, 0);
    char *bytes = calloc(1, SIZE);
    CHECK(green_write(plain.near, bytes, SIZE), ==, SIZE);
    green_socket_release(plain.near);
    /* The sender still has some of it. */
    CHECK(green_read_exactly(plain.far, bytes, SIZE), ==, SIZE);
    CHECK(green_read(plain.far, bytes, 1), ==, 0);
    free(bytes);
    green_socket_release(plain.far);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

TEST(unread_tickets, "data that a client wrote before its close arrives, although it has not read its tickets") {
    with_each_version(write_and_go);
}
