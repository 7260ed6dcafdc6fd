/* Session resumption, and when it must not happen. */
#include "tls_helpers.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>

/* The contexts of a client and a server, for several connections. */
static struct pairing {
    green_tls_context *client, *server;
} pairing_of(green_tls_options client, green_tls_options server) {
    green_tls_identity own = identity(localhost());
    server.role = GREEN_TLS_SERVER;
    server.identities = &own;
    server.identity_count = 1;
    if (!client.authorities.bytes)
        client.authorities = pem(authority()->chain);
    return (struct pairing){context_of(client), context_of(server)};
}

static void release_pairing(struct pairing *pairing) {
    green_tls_context_release(pairing->client);
    green_tls_context_release(pairing->server);
}

/* Makes one connection with data in both directions. Returns whether it was resumed, on
 * which both sides must agree. */
static bool resumed_to(const struct pairing *pairing, const char *host) {
    struct tls_pair pair = tls_meet(pairing->client, pairing->server, host);
    CHECK_TEXT(pair.client_outcome.text, "");
    CHECK_TEXT(pair.server_outcome.text, "");
    bool resumed = info_of(pair.client).resumed;
    CHECK(info_of(pair.server).resumed, ==, resumed);
    talk_both_ways(&pair);
    release_tls_pair(&pair);
    return resumed;
}

static bool resumed(const struct pairing *pairing) {
    return resumed_to(pairing, "localhost");
}

static void resume(green_tls_version version) {
    struct pairing pairing = pairing_of((green_tls_options){.maximum = version}, (green_tls_options){0});
    CHECK(!resumed(&pairing));
    for (int i = 0; i < 5; i++)
        CHECK(resumed(&pairing));
    release_pairing(&pairing);
}

TEST(resumed, "a client resumes its session on each further connection") {
    with_each_version(resume);
}

static void resume_known(green_tls_version version) {
    green_tls_identity own = identity(localhost());
    struct pairing pairing = pairing_of(
        (green_tls_options){.identities = &own, .identity_count = 1, .maximum = version},
        (green_tls_options){.verification = GREEN_TLS_VERIFY_REQUIRED, .authorities = pem(authority()->chain)});
    for (int i = 0; i < 3; i++) {
        struct tls_pair pair = tls_connected(pairing.client, pairing.server);
        CHECK(info_of(pair.client).resumed, ==, i > 0);
        CHECK(shows(pair.client, localhost()));
        CHECK(shows(pair.server, localhost()));
        CHECK(info_of(pair.client).certificates, ==, 1);
        CHECK(info_of(pair.server).certificates, ==, 1);
        CHECK(info_of(pair.client).version, ==, version);
        release_tls_pair(&pair);
    }
    release_pairing(&pairing);
}

TEST(certificate_kept, "after a resumption both sides still know the peer's certificate") {
    with_each_version(resume_known);
}

static void never(green_tls_options client, green_tls_options server) {
    struct pairing pairing = pairing_of(client, server);
    for (int i = 0; i < 3; i++)
        CHECK(!resumed(&pairing));
    release_pairing(&pairing);
}

static void refuse_to_resume(green_tls_version version) {
    never((green_tls_options){.no_resumption = true, .maximum = version}, (green_tls_options){0});
    never((green_tls_options){.maximum = version}, (green_tls_options){.no_resumption = true});
}

TEST(no_resumption, "with no_resumption on either side no session is resumed") {
    with_each_version(refuse_to_resume);
}

/* Which server accepts a ticket --------------------------------------------- */

static void resume_by_host(green_tls_version version) {
    struct pairing pairing = pairing_of((green_tls_options){.maximum = version}, (green_tls_options){0});
    CHECK(!resumed_to(&pairing, "localhost"));
    CHECK(!resumed_to(&pairing, "127.0.0.1"));
    CHECK(resumed_to(&pairing, "localhost"));
    CHECK(resumed_to(&pairing, "127.0.0.1"));
    release_pairing(&pairing);
}

TEST(hosts, "the session of one host is not offered to another") {
    with_each_version(resume_by_host);
}

static void resume_by_context(green_tls_version version) {
    struct pairing trusting =
        pairing_of((green_tls_options){.verification = GREEN_TLS_VERIFY_NONE_INSECURE, .maximum = version},
                   (green_tls_options){0});
    CHECK(!resumed_to(&trusting, "mine.example"));
    CHECK(resumed_to(&trusting, "mine.example"));
    green_tls_context *strict = client_context();
    struct tls_pair pair = tls_meet(strict, trusting.server, "mine.example");
    CHECK(pair.client_outcome.problem, ==, GREEN_TLS_WRONG_HOST);
    release_tls_pair(&pair);
    /* The same context, reloaded with other options. */
    green_tls_options options = {.authorities = pem(authority()->chain), .maximum = version};
    CHECK(green_tls_context_reload(trusting.client, &options), ==, 0);
    pair = tls_meet(trusting.client, trusting.server, "mine.example");
    CHECK(pair.client_outcome.problem, ==, GREEN_TLS_WRONG_HOST);
    release_tls_pair(&pair);
    CHECK(!resumed_to(&trusting, "localhost"));
    green_tls_context_release(strict);
    release_pairing(&trusting);
}

TEST(contexts, "a session of an unverified context bypasses the verification of no other context and no reload") {
    with_each_version(resume_by_context);
}

static const unsigned char key[GREEN_TLS_TICKET_KEY_SIZE] = "a key for tickets that several servers share";

/* Connects to the lax server, then to the strict one. Both have the ticket key. */
static struct tls_pair meet_strict_after_lax(green_tls_options client, green_tls_options lax,
                                             green_tls_options strict) {
    lax.ticket_key = strict.ticket_key = key;
    struct pairing first = pairing_of(client, lax), second = pairing_of((green_tls_options){0}, strict);
    CHECK(!resumed(&first));
    CHECK(resumed(&first));
    struct tls_pair pair = tls_meet(first.client, second.server, "localhost");
    release_pairing(&first);
    release_pairing(&second);
    return pair;
}

static void come_from_elsewhere(green_tls_version version) {
    green_tls_options none = {.maximum = version};
    green_tls_options lax[] = {{0},
                               {.verification = GREEN_TLS_VERIFY_OPTIONAL, .authorities = pem(authority()->chain)}};
    green_tls_options strict = {.verification = GREEN_TLS_VERIFY_REQUIRED, .authorities = pem(authority()->chain)};
    for (int i = 0; i < 2; i++) {
        struct tls_pair pair = meet_strict_after_lax(none, lax[i], strict);
        CHECK(pair.server_outcome.problem, ==, GREEN_TLS_NO_CERTIFICATE);
        CHECK(pair.client_outcome.result, ==, -EPROTO);
        release_tls_pair(&pair);
    }
    struct certificate stranger =
        make_certificate(&(struct certificate_options){.authority = true, .subject = "a stranger"});
    green_tls_identity own = identity(localhost());
    green_tls_options known = {.identities = &own, .identity_count = 1, .maximum = version}, other = strict;
    other.authorities = pem(stranger.chain);
    struct tls_pair pair = meet_strict_after_lax(known, strict, other);
    CHECK(pair.server_outcome.problem, ==, GREEN_TLS_UNTRUSTED);
    release_tls_pair(&pair);
    other = strict;
    other.pins = authority()->pin;
    other.pin_count = 1;
    pair = meet_strict_after_lax(known, strict, other);
    CHECK(pair.server_outcome.problem, ==, GREEN_TLS_WRONG_KEY);
    release_tls_pair(&pair);
    pair = meet_strict_after_lax(known, strict, strict);
    CHECK_TEXT(pair.server_outcome.text, "");
    CHECK(info_of(pair.server).resumed);
    release_tls_pair(&pair);
    free_certificate(&stranger);
}

TEST(strict_server, "a ticket of a server with weaker verification is not accepted by a stricter server") {
    with_each_version(come_from_elsewhere);
}

TEST(reloaded_server, "a reloaded server accepts its tickets only if it keeps its ticket key") {
    green_tls_identity own = identity(localhost());
    green_tls_options options = {.role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1};
    struct pairing pairing = pairing_of((green_tls_options){0}, (green_tls_options){0});
    CHECK(!resumed(&pairing));
    CHECK(green_tls_context_reload(pairing.server, &options), ==, 0);
    CHECK(!resumed(&pairing));
    options.ticket_key = key;
    CHECK(green_tls_context_reload(pairing.server, &options), ==, 0);
    CHECK(!resumed(&pairing));
    CHECK(green_tls_context_reload(pairing.server, &options), ==, 0);
    CHECK(resumed(&pairing));
    /* And not after a reload that asks for certificates. */
    options.verification = GREEN_TLS_VERIFY_OPTIONAL;
    options.authorities = pem(authority()->chain);
    CHECK(green_tls_context_reload(pairing.server, &options), ==, 0);
    CHECK(!resumed(&pairing));
    CHECK(resumed(&pairing));
    release_pairing(&pairing);
}

TEST(many_hosts, "sessions of very many hosts replace each other, the oldest first") {
    struct pairing pairing =
        pairing_of((green_tls_options){.verification = GREEN_TLS_VERIFY_NONE_INSECURE}, (green_tls_options){0});
    char host[32];
    for (int i = 0; i < 300; i++) {
        snprintf(host, sizeof host, "host%d.example", i);
        CHECK(!resumed_to(&pairing, host));
    }
    CHECK(resumed_to(&pairing, host));
    CHECK(!resumed_to(&pairing, "host0.example"));
    release_pairing(&pairing);
}

/* Once ---------------------------------------------------------------------- */

/* The first bytes of a client whose peer does not answer. */
static size_t hello_of(green_tls_context *client, unsigned char *bytes, size_t size) {
    struct pair plain = connected(UNIX_PAIR);
    struct side side = {plain.near, client, "localhost", {0}};
    green_thread *thread = start(start_side, &side);
    ssize_t count = green_read(plain.far, bytes, size);
    CHECK(count, >, 100);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    release_pair(&plain);
    return (size_t)count;
}

static size_t number(const unsigned char *bytes) {
    return (size_t)(bytes[0] << 8 | bytes[1]);
}

/* An extension of a ClientHello in a record of its own, or NULL. */
static const unsigned char *extension_of(const unsigned char *hello, size_t count, size_t kind, size_t *size) {
    enum { RECORD = 5, HANDSHAKE = 4, VERSION = 2, RANDOM = 32 };
    size_t at = RECORD + HANDSHAKE + VERSION + RANDOM;
    at += 1 + (size_t)hello[at];  /* session id */
    at += 2 + number(hello + at); /* ciphers */
    at += 1 + (size_t)hello[at];  /* compression */
    for (at += 2; at + 4 <= count; at += 4 + number(hello + at + 2)) {
        *size = number(hello + at + 2);
        CHECK(at + 4 + *size, <=, count);
        if (number(hello + at) == kind)
            return hello + at + 4;
    }
    return NULL;
}

enum { SESSION_TICKET = 35, PRE_SHARED_KEY = 41, TICKETS_MAX = 8 };

/* The first identity of a pre-shared key, which is the ticket. Its age follows, then bytes
 * that differ each time. */
static const unsigned char *offered_ticket(const unsigned char *hello, size_t count, size_t *size) {
    const unsigned char *keys = extension_of(hello, count, PRE_SHARED_KEY, size);
    if (!keys)
        return NULL;
    *size = number(keys + 2);
    return keys + 4;
}

TEST(once, "a ticket of TLS 1.3 is offered once, whether or not the server accepts it") {
    struct pairing pairing = pairing_of((green_tls_options){0}, (green_tls_options){0});
    static unsigned char hellos[TICKETS_MAX][4096];
    const unsigned char *tickets[TICKETS_MAX];
    size_t sizes[TICKETS_MAX], count = 0;
    CHECK(!resumed(&pairing));
    for (;; count++) {
        CHECK(count, <, TICKETS_MAX);
        size_t size = hello_of(pairing.client, hellos[count], sizeof *hellos);
        tickets[count] = offered_ticket(hellos[count], size, &sizes[count]);
        if (!tickets[count])
            break;
        for (size_t i = 0; i < count; i++)
            CHECK(sizes[i] != sizes[count] || memcmp(tickets[i], tickets[count], sizes[i]) != 0);
    }
    CHECK(count, >=, 1);
    CHECK(!resumed(&pairing));
    CHECK(resumed(&pairing));
    release_pairing(&pairing);
}

TEST(again, "a session of TLS 1.2 can be offered any number of times") {
    struct pairing pairing = pairing_of((green_tls_options){.maximum = GREEN_TLS_1_2}, (green_tls_options){0});
    unsigned char hello[4096];
    CHECK(!resumed(&pairing));
    for (int i = 0; i < 3; i++) {
        size_t size = hello_of(pairing.client, hello, sizeof hello), length = 0;
        CHECK(extension_of(hello, size, SESSION_TICKET, &length) != NULL);
        CHECK(length, >, 0);
    }
    CHECK(resumed(&pairing));
    release_pairing(&pairing);
}

/* Two hubs ------------------------------------------------------------------ */

/* A server with its own hub, context and OS thread. */
struct outpost {
    pthread_t thread;
    sem_t ready;
    const unsigned char *ticket_key;
    int visits;
    char address[GREEN_ADDRESS_TEXT_MAX];
};

static void *man_outpost(void *argument) {
    struct outpost *outpost = argument;
    green_address address;
    struct pairing pairing = pairing_of((green_tls_options){0}, (green_tls_options){.ticket_key = outpost->ticket_key});
    green_listener *listener = listen_any(TCP4);
    CHECK(green_tls_listen(listener, pairing.server), ==, 0);
    CHECK(green_listener_address(listener, &address), ==, 0);
    green_address_print(&address, outpost->address, sizeof outpost->address);
    sem_post(&outpost->ready);
    for (int i = 0; i < outpost->visits; i++) {
        green_socket *socket = accept_from(listener);
        send_text(socket, "x");
        expect_end(socket);
        green_socket_release(socket);
    }
    green_listener_release(listener);
    release_pairing(&pairing);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static bool resumed_at(const struct outpost *outpost, green_tls_context *client) {
    green_socket *socket;
    CHECK(green_tls_connect(&socket, outpost->address, NULL, client, "localhost"), ==, 0);
    expect_text(socket, "x");
    bool resumed = info_of(socket).resumed;
    CHECK(green_shutdown(socket, SHUT_WR), ==, 0);
    green_socket_release(socket);
    return resumed;
}

enum { VISITS = 6 };

/* Connects to one after the other. Returns the number of resumed connections. */
static int visit_both(green_tls_version version, const unsigned char *first, const unsigned char *second) {
    struct outpost outposts[] = {{.ticket_key = first, .visits = VISITS / 2},
                                 {.ticket_key = second, .visits = VISITS / 2}};
    green_tls_context *client =
        context_of((green_tls_options){.authorities = pem(authority()->chain), .maximum = version});
    int count = 0;
    localhost(); /* before there are several OS threads */
    for (int i = 0; i < 2; i++) {
        sem_init(&outposts[i].ready, 0, 0);
        CHECK(pthread_create(&outposts[i].thread, NULL, man_outpost, &outposts[i]), ==, 0);
        sem_wait(&outposts[i].ready);
    }
    for (int i = 0; i < VISITS; i++)
        count += resumed_at(&outposts[i % 2], client);
    for (int i = 0; i < 2; i++) {
        pthread_join(outposts[i].thread, NULL);
        sem_destroy(&outposts[i].ready);
    }
    green_tls_context_release(client);
    return count;
}

static void share(green_tls_version version) {
    static const unsigned char other[GREEN_TLS_TICKET_KEY_SIZE] = "another key";
    CHECK(visit_both(version, key, key), ==, VISITS - 1);
    CHECK(visit_both(version, key, other), ==, 0);
    CHECK(visit_both(version, NULL, NULL), ==, 0);
}

TEST(shared_key, "servers with the same ticket key resume each other's sessions, and other servers do not") {
    with_each_version(share);
}
