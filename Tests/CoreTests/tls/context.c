/* Contexts: identities, names, protocols, versions, invalid options, and reload. */
#include "tls_helpers.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* A server with several identities and other options. */
static green_tls_context *server_of(const struct certificate *certificates, size_t count, green_tls_options options) {
    green_tls_identity identities[4];
    CHECK(count, <=, 4);
    for (size_t i = 0; i < count; i++)
        identities[i] = identity(&certificates[i]);
    options.role = GREEN_TLS_SERVER;
    options.identities = identities;
    options.identity_count = count;
    return context_of(options);
}

static green_tls_context *trusting(green_tls_options options) {
    options.authorities = pem(authority()->chain);
    return context_of(options);
}

/* Releases both contexts. */
static struct tls_pair meet_once(green_tls_context *client, green_tls_context *server, const char *host) {
    struct tls_pair pair = tls_meet(client, server, host);
    green_tls_context_release(client);
    green_tls_context_release(server);
    return pair;
}

static void both_fail(struct tls_pair *pair, green_tls_problem problem) {
    CHECK(pair->client_outcome.result, ==, -EPROTO);
    CHECK(pair->client_outcome.problem, ==, problem);
    CHECK(pair->server_outcome.result, ==, -EPROTO);
    CHECK(pair->server_outcome.problem, ==, problem);
    release_tls_pair(pair);
}

static void both_succeed(const struct tls_pair *pair) {
    CHECK_TEXT(pair->client_outcome.text, "");
    CHECK_TEXT(pair->server_outcome.text, "");
}

/* Reload -------------------------------------------------------------------- */

static struct certificate renewed_certificate(void) {
    return make_certificate(&(struct certificate_options){.names = "DNS:localhost", .issuer = authority()});
}

static int reload(green_tls_context *context, const struct certificate *certificate) {
    green_tls_identity own = identity(certificate);
    green_tls_options options = {.role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1};
    return green_tls_context_reload(context, &options);
}

/* Performs the handshake of an accepted connection and of its client. */
static struct tls_pair meet_accepted(green_socket *client_end, green_socket *accepted, green_tls_context *client) {
    struct side side = {client_end, client, "localhost", {0}};
    green_thread *thread = start(start_side, &side);
    CHECK(green_write(accepted, "x", 1), ==, 1);
    CHECK(finish(thread), ==, 0);
    return (struct tls_pair){.client = client_end, .server = accepted};
}

TEST(reload, "after a reload new connections use the new certificate, and existing ones continue") {
    struct certificate renewed = renewed_certificate();
    green_tls_context *client = client_context(), *other = client_context(), *server = server_context(localhost());
    green_listener *listener = listen_any(TCP4);
    CHECK(green_tls_listen(listener, server), ==, 0);
    struct tls_pair old = tls_connected(client, server);
    green_socket *early = connect_to(listener), *accepted = accept_from(listener);
    CHECK(reload(server, &renewed), ==, 0);
    struct tls_pair fresh = tls_connected(client, server);
    struct tls_pair before_handshake = meet_accepted(early, accepted, other);
    green_socket *late = connect_to(listener), *accepted_late = accept_from(listener);
    struct tls_pair listened = meet_accepted(late, accepted_late, other);
    CHECK(shows(old.client, localhost()));
    CHECK(shows(fresh.client, &renewed));
    CHECK(shows(before_handshake.client, localhost()));
    CHECK(shows(listened.client, &renewed));
    struct tls_pair *pairs[] = {&old, &fresh, &before_handshake, &listened};
    for (int i = 0; i < 4; i++) {
        talk_both_ways(pairs[i]);
        release_tls_pair(pairs[i]);
    }
    green_listener_release(listener);
    green_tls_context_release(client);
    green_tls_context_release(other);
    green_tls_context_release(server);
    free_certificate(&renewed);
}

TEST(bad_reload, "a failed reload changes nothing, not even the sessions") {
    struct certificate renewed = renewed_certificate(), misfit = {renewed.chain, localhost()->key, {0}},
                       garbage = {"not a certificate", "not a key", {0}};
    green_tls_context *client = client_context(), *server = server_context(localhost());
    struct tls_pair pair = tls_connected(client, server);
    CHECK(reload(server, &misfit), ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_BAD_SETUP);
    CHECK(reload(server, &garbage), ==, -EPROTO);
    CHECK(green_tls_context_reload(server, &(green_tls_options){.role = GREEN_TLS_SERVER}), ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_BAD_SETUP);
    CHECK(green_tls_context_reload(server, &(green_tls_options){0}), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "cannot reload a context with another role");
    talk_both_ways(&pair);
    release_tls_pair(&pair);
    pair = tls_connected(client, server);
    CHECK(shows(pair.client, localhost()));
    CHECK(info_of(pair.client).resumed);
    release_tls_pair(&pair);
    green_tls_context_release(client);
    green_tls_context_release(server);
    free_certificate(&renewed);
}

TEST(client_reload, "a client's reload applies to its next connection") {
    green_tls_context *client = context_of((green_tls_options){.verification = GREEN_TLS_VERIFY_NONE_INSECURE}),
                      *server = server_context(localhost());
    struct tls_pair first = tls_meet(client, server, "localhost");
    both_succeed(&first);
    struct certificate stranger =
        make_certificate(&(struct certificate_options){.authority = true, .subject = "a stranger"});
    green_tls_options strict = {.authorities = pem(stranger.chain)};
    CHECK(green_tls_context_reload(client, &strict), ==, 0);
    struct tls_pair second = tls_meet(client, server, "localhost");
    CHECK(second.client_outcome.problem, ==, GREEN_TLS_UNTRUSTED);
    talk_both_ways(&first);
    release_tls_pair(&first);
    release_tls_pair(&second);
    green_tls_context_release(client);
    green_tls_context_release(server);
    free_certificate(&stranger);
}

struct reloader {
    green_tls_context *context;
    const struct certificate *one, *other;
    atomic_bool ends;
    int count;
};

static void *reload_often(void *argument) {
    struct reloader *reloader = argument;
    for (; !atomic_load(&reloader->ends) || reloader->count < 2; reloader->count++)
        CHECK(reload(reloader->context, reloader->count % 2 ? reloader->one : reloader->other), ==, 0);
    return NULL;
}

TEST(reload_elsewhere, "another OS thread may reload a context while connections are made") {
    struct certificate renewed = renewed_certificate();
    green_tls_context *server = server_context(localhost());
    struct reloader reloader = {.context = server, .one = localhost(), .other = &renewed};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, reload_often, &reloader), ==, 0);
    for (int i = 0; i < SCALED(200); i++) {
        green_tls_context *client = client_context();
        struct tls_pair pair = tls_connected(client, server);
        CHECK(shows(pair.client, localhost()) || shows(pair.client, &renewed));
        talk_both_ways(&pair);
        release_tls_pair(&pair);
        green_tls_context_release(client);
    }
    atomic_store(&reloader.ends, true);
    pthread_join(thread, NULL);
    green_tls_context_release(server);
    free_certificate(&renewed);
}

/* Several identities -------------------------------------------------------- */

static struct certificate for_names(const char *names) {
    return make_certificate(&(struct certificate_options){.names = names, .issuer = authority()});
}

static const struct {
    const char *host, *asked;
    int shown;
} choices[] = {
    {"first.example", "first.example", 0},
    {"other.example", "other.example", 1},
    {"OTHER.example", "other.example", 1},
    {"www.some.example", "www.some.example", 2},
    {"exact.some.example", "exact.some.example", 2}, /* the first match, not the closest */
    {"some.example", "some.example", 0},             /* no match */
    {"a.b.some.example", "a.b.some.example", 0},
    {"nobody.example", "nobody.example", 0},
    {"127.0.0.1", "", 0}, /* SNI does not send an address */
};

static void choose(green_tls_version version) {
    struct certificate certificates[] = {for_names("DNS:first.example"), for_names("DNS:other.example"),
                                         for_names("DNS:*.some.example"), for_names("DNS:exact.some.example")};
    green_tls_context *server = server_of(certificates, 4, (green_tls_options){.maximum = version});
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        printf("%s\n", choices[i].host);
        green_tls_context *client = context_of((green_tls_options){.verification = GREEN_TLS_VERIFY_NONE_INSECURE});
        struct tls_pair pair = tls_meet(client, server, choices[i].host);
        both_succeed(&pair);
        CHECK(shows(pair.client, &certificates[choices[i].shown]));
        CHECK_TEXT(info_of(pair.server).host, choices[i].asked);
        CHECK_TEXT(info_of(pair.client).host, choices[i].asked);
        release_tls_pair(&pair);
        green_tls_context_release(client);
    }
    green_tls_context_release(server);
    for (int i = 0; i < 4; i++)
        free_certificate(&certificates[i]);
}

TEST(names, "a server presents the first certificate for the requested name, else the first in the list") {
    with_each_version(choose);
}

static void choose_strictly(green_tls_version version) {
    struct certificate certificates[] = {for_names("DNS:first.example"), for_names("DNS:other.example")};
    static const char *const protocols[] = {"one", "two"};
    green_tls_options strict = {.verification = GREEN_TLS_VERIFY_REQUIRED,
                                .authorities = pem(authority()->chain),
                                .protocols = protocols,
                                .protocol_count = 2,
                                .maximum = version};
    for (int i = 0; i < 2; i++) {
        const char *host = i == 0 ? "first.example" : "other.example";
        struct tls_pair pair = meet_once(trusting((green_tls_options){0}), server_of(certificates, 2, strict), host);
        CHECK(pair.server_outcome.problem, ==, GREEN_TLS_NO_CERTIFICATE);
        release_tls_pair(&pair);
        green_tls_identity own = identity(localhost());
        green_tls_options known = {
            .identities = &own, .identity_count = 1, .protocols = protocols + 1, .protocol_count = 1};
        pair = meet_once(trusting(known), server_of(certificates, 2, strict), host);
        both_succeed(&pair);
        CHECK(shows(pair.client, &certificates[i]));
        CHECK(shows(pair.server, localhost()));
        CHECK_TEXT(info_of(pair.server).protocol, "two");
        release_tls_pair(&pair);
    }
    free_certificate(&certificates[0]);
    free_certificate(&certificates[1]);
}

TEST(strict_names, "a server requires the same of its clients whichever certificate it presents") {
    with_each_version(choose_strictly);
}

/* ALPN ---------------------------------------------------------------------- */

enum { PROTOCOLS_MAX = 3 };

static size_t count_of(const char *const *protocols) {
    size_t count = 0;
    while (count < PROTOCOLS_MAX && protocols[count])
        count++;
    return count;
}

static struct tls_pair meet_by(const char *const *client, const char *const *server, green_tls_version version) {
    return meet_once(
        trusting((green_tls_options){.protocols = client, .protocol_count = count_of(client)}),
        server_of(localhost(), 1,
                  (green_tls_options){.protocols = server, .protocol_count = count_of(server), .maximum = version}),
        "localhost");
}

static void agree(green_tls_version version) {
    static const struct {
        const char *client[PROTOCOLS_MAX], *server[PROTOCOLS_MAX], *chosen;
    } meetings[] = {
        {{"h2", "http/1.1"}, {"h2", "http/1.1"}, "h2"},
        {{"h2", "http/1.1"}, {"http/1.1", "h2"}, "http/1.1"}, /* as the server prefers */
        {{"h2", "http/1.1", "x"}, {"y", "x"}, "x"},
        {{"h2"}, {NULL}, ""},
        {{NULL}, {"h2"}, ""},
        {{NULL}, {NULL}, ""},
    };
    for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++) {
        struct tls_pair pair = meet_by(meetings[i].client, meetings[i].server, version);
        both_succeed(&pair);
        CHECK_TEXT(info_of(pair.client).protocol, meetings[i].chosen);
        CHECK_TEXT(info_of(pair.server).protocol, meetings[i].chosen);
        release_tls_pair(&pair);
    }
}

TEST(protocols, "both sides report the common protocol that the server prefers, or none") {
    with_each_version(agree);
}

static void disagree(green_tls_version version) {
    static const char *const one[PROTOCOLS_MAX] = {"h2", "http/1.1"}, *const other[PROTOCOLS_MAX] = {"h2c", "h"};
    struct tls_pair pair = meet_by(one, other, version);
    CHECK_CONTAINS(pair.client_outcome.text, "no application protocol");
    CHECK_CONTAINS(pair.server_outcome.text, "no application protocol");
    both_fail(&pair, GREEN_TLS_WRONG_ALPN);
}

TEST(no_protocol, "without a common application protocol both sides report GREEN_TLS_WRONG_ALPN") {
    with_each_version(disagree);
}

/* Versions and ciphers ------------------------------------------------------ */

TEST(versions, "both sides use the newest common version, or report GREEN_TLS_NO_COMMON") {
    static const struct {
        green_tls_version client_minimum, client_maximum, server_minimum, server_maximum, agreed;
    } meetings[] = {
        {0, 0, 0, 0, GREEN_TLS_1_3},
        {0, GREEN_TLS_1_2, 0, 0, GREEN_TLS_1_2},
        {0, 0, 0, GREEN_TLS_1_2, GREEN_TLS_1_2},
        {GREEN_TLS_1_3, 0, GREEN_TLS_1_2, GREEN_TLS_1_3, GREEN_TLS_1_3},
        {0, GREEN_TLS_1_2, GREEN_TLS_1_3, 0, 0},
        {GREEN_TLS_1_3, 0, 0, GREEN_TLS_1_2, 0},
    };
    for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++) {
        struct tls_pair pair = meet_once(
            trusting((green_tls_options){.minimum = meetings[i].client_minimum, .maximum = meetings[i].client_maximum}),
            server_of(
                localhost(), 1,
                (green_tls_options){.minimum = meetings[i].server_minimum, .maximum = meetings[i].server_maximum}),
            "localhost");
        printf("%zu\n", i);
        if (!meetings[i].agreed) {
            CHECK_CONTAINS(pair.server_outcome.text, "protocol");
            both_fail(&pair, GREEN_TLS_NO_COMMON);
            continue;
        }
        both_succeed(&pair);
        CHECK(info_of(pair.client).version, ==, meetings[i].agreed);
        CHECK(info_of(pair.server).version, ==, meetings[i].agreed);
        release_tls_pair(&pair);
    }
}

/* The ClientHello of OpenSSL limited to TLS 1.1. */
static int old_hello(char *bytes, int size) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    SSL *ssl = SSL_new(context);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    CHECK(SSL_connect(ssl), ==, -1);
    int count = BIO_read(SSL_get_wbio(ssl), bytes, size);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return count;
}

TEST(old_version, "a client that supports TLS 1.1 at most is rejected") {
    char bytes[2048];
    int count = old_hello(bytes, sizeof bytes);
    CHECK(count, >, 40);
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *server = server_context(localhost());
    CHECK(green_write(plain.near, bytes, (size_t)count), ==, count);
    struct outcome outcome = outcome_of(green_tls_start(plain.far, server, NULL));
    CHECK(outcome.problem, ==, GREEN_TLS_NO_COMMON);
    CHECK_CONTAINS(outcome.text, "unsupported protocol");
    release_pair(&plain);
    green_tls_context_release(server);
}

static struct tls_pair meet_with_cipher(green_tls_version version, const char *client, const char *server) {
    bool old = version == GREEN_TLS_1_2;
    green_tls_options asks = {.maximum = version, .ciphers = old ? client : NULL, .suites = old ? NULL : client},
                      has = {.ciphers = old ? server : NULL, .suites = old ? NULL : server};
    return meet_once(trusting(asks), server_of(localhost(), 1, has), "localhost");
}

static void cipher(green_tls_version version, const char *cipher, const char *other) {
    char both[200];
    snprintf(both, sizeof both, "%s:%s", other, cipher);
    struct tls_pair pair = meet_with_cipher(version, both, cipher);
    both_succeed(&pair);
    CHECK_TEXT(info_of(pair.client).cipher, cipher);
    CHECK_TEXT(info_of(pair.server).cipher, cipher);
    release_tls_pair(&pair);
    pair = meet_with_cipher(version, other, cipher);
    CHECK_CONTAINS(pair.server_outcome.text, "no shared cipher");
    both_fail(&pair, GREEN_TLS_NO_COMMON);
}

TEST(ciphers, "both sides report the common cipher, or report GREEN_TLS_NO_COMMON") {
    cipher(GREEN_TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384");
    cipher(GREEN_TLS_1_3, "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384");
}

static void unsound(const char *cipher) {
    struct tls_pair pair = meet_with_cipher(GREEN_TLS_1_2, cipher, NULL);
    both_fail(&pair, GREEN_TLS_NO_COMMON);
    pair = meet_with_cipher(GREEN_TLS_1_2, NULL, cipher);
    both_fail(&pair, GREEN_TLS_NO_COMMON);
    pair = meet_with_cipher(GREEN_TLS_1_2, cipher, cipher);
    both_succeed(&pair);
    CHECK_TEXT(info_of(pair.client).cipher, cipher);
    release_tls_pair(&pair);
}

TEST(unsound, "ciphers with CBC must be named in the options") {
    unsound("ECDHE-ECDSA-AES128-SHA256");
    unsound("ECDHE-ECDSA-AES256-SHA");
}

/* The ciphers that a Green client offers up to TLS 1.2, as OpenSSL reports them. */
static void check_offer(const unsigned char *hello) {
    enum { BEFORE_SESSION = 5 + 4 + 2 + 32 };
    const unsigned char *list = hello + BEFORE_SESSION + 1 + hello[BEFORE_SESSION];
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(context);
    int size = list[0] << 8 | list[1], count = 0;
    for (int i = 0; i < size; i += 2) {
        const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, list + 2 + i);
        if (!cipher || SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any)
            continue; /* of TLS 1.3, or a signal */
        printf("%s\n", SSL_CIPHER_get_name(cipher));
        CHECK(SSL_CIPHER_is_aead(cipher));
        CHECK(SSL_CIPHER_get_kx_nid(cipher), !=, NID_kx_rsa);
        count++;
    }
    CHECK(count, >=, 6);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

TEST(offer, "a client offers only ciphers with forward secrecy and without CBC") {
    unsigned char hello[4096];
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *context = client_context();
    struct side side = {plain.near, context, "localhost", {0}};
    green_thread *thread = start(start_side, &side);
    let_run();
    CHECK(recv(green_socket_fd(plain.far), hello, sizeof hello, MSG_DONTWAIT), >, 100);
    check_offer(hello);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    green_tls_context_release(context);
    release_pair(&plain);
}

/* Keys with a passphrase ---------------------------------------------------- */

struct asked {
    const char *answer; /* NULL: gives up */
    int length;         /* 0: of the answer */
    int count;
};

static int tell(char *bytes, int size, void *context) {
    struct asked *asked = context;
    asked->count++;
    if (!asked->answer)
        return -1;
    int length = (int)strlen(asked->answer);
    CHECK(length, <=, size);
    memcpy(bytes, asked->answer, (size_t)length);
    return asked->length ? asked->length : length;
}

static int make_with_passphrase(green_tls_identity own, green_tls_context **context) {
    green_tls_options options = {.role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1};
    return green_tls_context_make(context, &options);
}

static void wrong_passphrase(const struct certificate *locked, struct asked asked) {
    green_tls_identity own = identity(locked);
    green_tls_context *context = NULL;
    own.passphrase = tell;
    own.passphrase_context = &asked;
    CHECK(make_with_passphrase(own, &context), ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_BAD_SETUP);
    CHECK_CONTAINS(green_explain(-EPROTO), "the key in memory is invalid, or its passphrase is wrong");
    CHECK(asked.count, >=, 1);
    CHECK(context == NULL);
}

TEST(passphrase, "an encrypted key needs its passphrase, which is never read from the terminal") {
    struct certificate locked = make_certificate(
        &(struct certificate_options){.names = "DNS:localhost", .issuer = authority(), .passphrase = "open sesame"});
    CHECK_CONTAINS(locked.key, "ENCRYPTED");
    struct asked right = {.answer = "open sesame"};
    green_tls_identity own = identity(&locked);
    green_tls_context *context = NULL;
    own.passphrase = tell;
    own.passphrase_context = &right;
    CHECK(make_with_passphrase(own, &context), ==, 0);
    CHECK(right.count, ==, 1);
    struct tls_pair pair = meet_once(client_context(), context, "localhost");
    both_succeed(&pair);
    CHECK(shows(pair.client, &locked));
    release_tls_pair(&pair);

    wrong_passphrase(&locked, (struct asked){.answer = "open barley"});
    wrong_passphrase(&locked, (struct asked){.answer = ""});
    wrong_passphrase(&locked, (struct asked){.answer = NULL});
    wrong_passphrase(&locked, (struct asked){.answer = "open sesame", .length = 1 << 20});
    context = NULL;
    CHECK(make_with_passphrase(identity(&locked), &context), ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_BAD_SETUP);
    CHECK(context == NULL);
    free_certificate(&locked);
}

TEST(needless_passphrase, "the passphrase callback is not called for a key without a passphrase") {
    struct asked asked = {.answer = "x"};
    green_tls_identity own = identity(localhost());
    green_tls_context *context = NULL;
    own.passphrase = tell;
    own.passphrase_context = &asked;
    CHECK(make_with_passphrase(own, &context), ==, 0);
    CHECK(asked.count, ==, 0);
    green_tls_context_release(context);
}

/* Invalid options ----------------------------------------------------------- */

static void refuse(green_tls_options options, const char *words) {
    green_tls_context *context = NULL;
    CHECK(green_tls_context_make(&context, &options), ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_BAD_SETUP);
    CHECK(green_tls_last_verify(), ==, 0);
    CHECK_CONTAINS(green_explain(-EPROTO), words);
    CHECK(context == NULL);
}

/* In both roles. */
static void refuse_identity(green_tls_pem chain, green_tls_pem key, const char *words) {
    green_tls_identity own = {.chain = chain, .key = key};
    refuse((green_tls_options){.role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1}, words);
    refuse((green_tls_options){.identities = &own, .identity_count = 1}, words);
}

static green_tls_pem in_file(const char *path) {
    return (green_tls_pem){.path = path};
}

/* Without its last lines. */
static char *cut_off(const char *text) {
    return strndup(text, strlen(text) / 2);
}

TEST(misfit, "a key that does not match the certificate is an error, and so is a key as a certificate") {
    green_tls_pem chain = pem(localhost()->chain), key = pem(localhost()->key);
    refuse_identity(chain, pem(authority()->key), "the key in memory does not match the certificate");
    refuse_identity(key, chain, "the certificate in memory is invalid");
    refuse_identity(chain, chain, "the key in memory is invalid");
}

TEST(missing, "a missing certificate or key is an error with its path and the system's text") {
    green_tls_pem chain = pem(localhost()->chain), key = pem(localhost()->key);
    refuse_identity(in_file("/none/own.pem"), key, "the certificate in /none/own.pem cannot be read: No such file");
    refuse_identity(chain, in_file("/none/own.key"), "the key in /none/own.key cannot be read: No such file");
    refuse_identity((green_tls_pem){0}, key, "no certificate is given");
    refuse_identity(chain, (green_tls_pem){0}, "no key is given");
    refuse((green_tls_options){.role = GREEN_TLS_SERVER}, "a TLS server needs a certificate and its key");
    refuse((green_tls_options){.authorities = in_file("/none/ca.pem")},
           "the list of authorities in /none/ca.pem cannot be read: No such file");
}

TEST(garbage, "garbage, an empty or truncated file or a directory is an error as certificate, key or authorities") {
    const char *directory = make_directory();
    char *half = cut_off(localhost()->chain), *half_key = cut_off(localhost()->key);
    char *worse = joined(localhost()->chain, half), *empty = file_with(directory, "empty.pem", "");
    green_tls_pem chain = pem(localhost()->chain), key = pem(localhost()->key);
    const green_tls_pem bad[] = {pem("garbage"), pem(half),          pem(worse), {.bytes = "", .size = 0},
                                 in_file(empty), in_file(directory), key};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        printf("%zu\n", i);
        refuse_identity(bad[i], key, "the certificate in ");
        refuse((green_tls_options){.authorities = bad[i]}, "the list of authorities in ");
    }
    const green_tls_pem bad_keys[] = {pem("garbage"), pem(half_key),      {.bytes = "", .size = 0},
                                      in_file(empty), in_file(directory), chain};
    for (size_t i = 0; i < sizeof bad_keys / sizeof *bad_keys; i++)
        refuse_identity(chain, bad_keys[i], "the key in ");
    free(half);
    free(half_key);
    free(worse);
    free(empty);
    remove_directory();
}

TEST(bad_choices, "unknown ciphers and suites are errors") {
    refuse((green_tls_options){.ciphers = "NO-SUCH-CIPHER"}, "no cipher in 'NO-SUCH-CIPHER'");
    refuse((green_tls_options){.suites = "TLS_NO_SUCH_SUITE"}, "no TLS 1.3 cipher suite in 'TLS_NO_SUCH_SUITE'");
    refuse((green_tls_options){.minimum = (green_tls_version)0x0399}, "this OpenSSL does not support the TLS version");
}

static void invalid(green_tls_options options, const char *words) {
    green_tls_context *context = NULL;
    CHECK(green_tls_context_make(&context, &options), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), words);
    CHECK(context == NULL);
}

TEST(contradictions, "options that contradict each other are -EINVAL") {
    static char long_name[257];
    memset(long_name, 'p', 256);
    const char *const names[] = {long_name, ""};
    green_tls_identity two[] = {identity(localhost()), identity(localhost())};
    invalid((green_tls_options){.identities = two, .identity_count = 2},
            "2 identities for a client: expected at most one");
    invalid((green_tls_options){.verification = GREEN_TLS_VERIFY_OPTIONAL}, "GREEN_TLS_VERIFY_OPTIONAL is for servers");
    invalid((green_tls_options){.minimum = GREEN_TLS_1_3, .maximum = GREEN_TLS_1_2}, "minimum");
    invalid((green_tls_options){.protocols = names, .protocol_count = 1}, "expected 1 to 255 bytes");
    invalid((green_tls_options){.protocols = names + 1, .protocol_count = 1}, "expected 1 to 255 bytes");
}

TEST(roles, "a client's context does not work for a server's connection, nor a server's for a client's") {
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *client = client_context(), *server = server_context(localhost());
    CHECK(green_tls_start(plain.near, client, NULL), ==, -EINVAL);
    CHECK(green_tls_start(plain.near, server, "localhost"), ==, -EINVAL);
    CHECK(!green_tls_is_on(plain.near));
    send_text(plain.near, "plain");
    expect_text(plain.far, "plain");
    green_tls_context_release(client);
    green_tls_context_release(server);
    release_pair(&plain);
}

/* Files --------------------------------------------------------------------- */

TEST(files, "certificates, keys and authorities may be in files") {
    const char *directory = make_directory();
    char *chain = file_with(directory, "own.pem", localhost()->chain);
    char *key = file_with(directory, "own.key", localhost()->key);
    char *authorities = file_with(directory, "ca.pem", authority()->chain);
    char *all = joined(localhost()->key, localhost()->chain), *both = file_with(directory, "both.pem", all);
    const green_tls_identity ways[] = {
        {.chain = in_file(chain), .key = in_file(key)},
        {.chain = in_file(both), .key = in_file(both)},
        {.chain = pem(all), .key = pem(all)},
        {.chain = in_file(chain), .key = pem(localhost()->key)},
        /* The path applies if both are set. */
        {.chain = {.path = chain, .bytes = "x", .size = 1}, .key = pem(localhost()->key)},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        green_tls_context *server =
            context_of((green_tls_options){.role = GREEN_TLS_SERVER, .identities = &ways[i], .identity_count = 1});
        struct tls_pair pair =
            meet_once(context_of((green_tls_options){.authorities = in_file(authorities)}), server, "localhost");
        both_succeed(&pair);
        CHECK(shows(pair.client, localhost()));
        release_tls_pair(&pair);
    }
    free(chain);
    free(key);
    free(authorities);
    free(all);
    free(both);
    remove_directory();
}
