/* The verification of certificates, and the results on both sides. */
#include "tls_helpers.h"

#include <openssl/x509_vfy.h>

/* One connection: what the client trusts and requests, and what the server presents. */
struct meeting {
    const char *host; /* default: "localhost" */
    struct certificate_options shows;
    green_tls_options client;
};

/* The server's certificate is signed by the authority unless shows says more. */
static struct tls_pair hold(const struct meeting *meeting, bool self_signed) {
    struct certificate_options shows = meeting->shows;
    green_tls_options options = meeting->client;
    if (!shows.issuer && !self_signed)
        shows.issuer = authority();
    if (!options.authorities.bytes)
        options.authorities = pem(authority()->chain);
    struct certificate certificate = make_certificate(&shows);
    green_tls_context *client = context_of(options), *server = server_context(&certificate);
    struct tls_pair pair = tls_meet(client, server, meeting->host ? meeting->host : "localhost");
    green_tls_context_release(client);
    green_tls_context_release(server);
    free_certificate(&certificate);
    return pair;
}

static void accepted(struct meeting meeting) {
    struct tls_pair pair = hold(&meeting, false);
    CHECK_TEXT(pair.client_outcome.text, "");
    CHECK_TEXT(pair.server_outcome.text, "");
    release_tls_pair(&pair);
}

/* The client rejects the server with a message that contains words; the server gets an alert. */
static void refused(struct meeting meeting, bool self_signed, green_tls_problem problem, long verify,
                    const char *words) {
    struct tls_pair pair = hold(&meeting, self_signed);
    CHECK(pair.client_outcome.result, ==, -EPROTO);
    CHECK_CONTAINS(pair.client_outcome.text, words);
    CHECK_CONTAINS(pair.client_outcome.text, meeting.host ? meeting.host : "localhost");
    CHECK(pair.client_outcome.problem, ==, problem);
    CHECK(pair.client_outcome.verify, ==, verify);
    CHECK(pair.server_outcome.result, ==, -EPROTO);
    CHECK_CONTAINS(pair.server_outcome.text, "alert");
    CHECK(pair.server_outcome.problem, ==, GREEN_TLS_REFUSED);
    CHECK(pair.server_outcome.verify, ==, 0);
    release_tls_pair(&pair);
}

TEST(trusted, "a certificate of a trusted authority for the requested name is accepted") {
    accepted((struct meeting){.shows.names = "DNS:localhost"});
    accepted((struct meeting){.shows.names = "DNS:other.example,DNS:LOCALHOST"});
}

TEST(self_signed, "a self-signed certificate is GREEN_TLS_UNTRUSTED") {
    refused((struct meeting){.shows.names = "DNS:localhost"}, true, GREEN_TLS_UNTRUSTED,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            "the certificate of localhost was rejected: self-signed certificate");
}

TEST(unknown_authority, "a certificate of an unknown authority is GREEN_TLS_UNTRUSTED") {
    struct certificate stranger = make_certificate(&(struct certificate_options){.authority = true, .subject = "X"});
    refused((struct meeting){.shows = {.names = "DNS:localhost", .issuer = &stranger}}, false, GREEN_TLS_UNTRUSTED,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unable to get local issuer certificate");
    free_certificate(&stranger);
}

TEST(itself_trusted, "a self-signed certificate is accepted by a client that trusts it as an authority") {
    struct certificate own = make_certificate(&(struct certificate_options){.names = "DNS:localhost"});
    green_tls_context *client = context_of((green_tls_options){.authorities = pem(own.chain)}),
                      *server = server_context(&own);
    struct tls_pair pair = tls_connected(client, server);
    release_tls_pair(&pair);
    green_tls_context_release(client);
    green_tls_context_release(server);
    free_certificate(&own);
}

TEST(system_store, "without own authorities the system's store is used") {
    green_tls_context *client = context_of((green_tls_options){0}), *server = server_context(localhost());
    struct tls_pair pair = tls_meet(client, server, "localhost");
    CHECK(pair.client_outcome.problem, ==, GREEN_TLS_UNTRUSTED);
    release_tls_pair(&pair);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

TEST(expired, "an expired certificate is GREEN_TLS_EXPIRED") {
    refused((struct meeting){.shows = {.names = "DNS:localhost", .begins = -7200, .ends = -3600}}, false,
            GREEN_TLS_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED,
            "the certificate of localhost was rejected: certificate has expired");
}

TEST(not_yet_valid, "a certificate that is not valid yet is GREEN_TLS_EXPIRED, with its own verify number") {
    refused((struct meeting){.shows = {.names = "DNS:localhost", .begins = 3600, .ends = 7200}}, false,
            GREEN_TLS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID, "certificate is not yet valid");
}

TEST(forged, "a certificate with a forged signature is GREEN_TLS_BAD_CERTIFICATE") {
    refused((struct meeting){.shows = {.names = "DNS:localhost", .forged = true}}, false, GREEN_TLS_BAD_CERTIFICATE,
            X509_V_ERR_CERT_SIGNATURE_FAILURE,
            "the certificate of localhost was rejected: certificate signature failure");
}

TEST(purpose, "a certificate for clients only is rejected from a server") {
    refused((struct meeting){.shows = {.names = "DNS:localhost", .purpose = "clientAuth"}}, false,
            GREEN_TLS_BAD_CERTIFICATE, X509_V_ERR_INVALID_PURPOSE, "unsuitable certificate purpose");
}

TEST(wrong_host, "a certificate for other names is GREEN_TLS_WRONG_HOST; the message has them and the requested name") {
    refused((struct meeting){.host = "mine.example", .shows.names = "DNS:a.example,DNS:b.example,IP:10.0.0.1,IP:::1"},
            false, GREEN_TLS_WRONG_HOST, X509_V_ERR_HOSTNAME_MISMATCH,
            "the certificate of a.example, b.example, 10.0.0.1, ::1 was rejected");
    refused((struct meeting){.host = "mine.example"}, false, GREEN_TLS_WRONG_HOST, X509_V_ERR_HOSTNAME_MISMATCH,
            "/CN=a peer");
}

TEST(unprintable, "the message has the names of a certificate in printable characters") {
    struct tls_pair pair =
        hold(&(struct meeting){.host = "mine.example", .shows.names = "DNS:a\x1b[31m.example,DNS:b\n.example"}, false);
    CHECK(pair.client_outcome.problem, ==, GREEN_TLS_WRONG_HOST);
    CHECK_CONTAINS(pair.client_outcome.text, "a?[31m.example");
    for (const char *c = pair.client_outcome.text; *c; c++)
        CHECK(*c >= ' ' && *c < 0x7f);
    release_tls_pair(&pair);
}

TEST(many_names, "the message for a certificate with very many names has as many as fit") {
    char names[4000] = "DNS:host000.example";
    for (int i = 1; i < 150; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), ",DNS:host%03d.example", i);
    struct tls_pair pair = hold(&(struct meeting){.host = "mine.example", .shows.names = names}, false);
    CHECK(pair.client_outcome.problem, ==, GREEN_TLS_WRONG_HOST);
    CHECK_CONTAINS(pair.client_outcome.text, "host000.example, host001.example");
    CHECK_CONTAINS(pair.client_outcome.text, "was rejected");
    CHECK_CONTAINS(pair.client_outcome.text, "mine.example");
    release_tls_pair(&pair);
}

TEST(addresses, "an address must be in the certificate as an address, not as a name") {
    accepted((struct meeting){.host = "127.0.0.1", .shows.names = "IP:127.0.0.1"});
    accepted((struct meeting){.host = "::1", .shows.names = "DNS:localhost,IP:::1"});
    refused((struct meeting){.host = "127.0.0.2", .shows.names = "DNS:localhost,IP:127.0.0.1"}, false,
            GREEN_TLS_WRONG_HOST, X509_V_ERR_IP_ADDRESS_MISMATCH,
            "the certificate of localhost, 127.0.0.1 was rejected");
    refused((struct meeting){.host = "127.0.0.1", .shows.names = "DNS:127.0.0.1"}, false, GREEN_TLS_WRONG_HOST,
            X509_V_ERR_IP_ADDRESS_MISMATCH, "127.0.0.1");
}

TEST(wildcards, "a wildcard matches one label, and only a whole one") {
    accepted((struct meeting){.host = "www.some.example", .shows.names = "DNS:*.some.example"});
    static const struct {
        const char *host, *names;
    } wrong[] = {
        {"a.b.some.example", "DNS:*.some.example"},   {"some.example", "DNS:*.some.example"},
        {"www.some.example", "DNS:w*.some.example"},  {"www.some.example", "DNS:*w.some.example"},
        {"www.some.example", "DNS:www.*.example"},    {"www.some.example", "DNS:*"},
        {"some.example.other", "DNS:some.example.*"}, {"127.0.0.1", "DNS:*.0.0.1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tls_pair pair = hold(&(struct meeting){.host = wrong[i].host, .shows.names = wrong[i].names}, false);
        printf("%s, %s\n", wrong[i].host, wrong[i].names);
        CHECK(pair.client_outcome.problem, ==, GREEN_TLS_WRONG_HOST);
        CHECK_CONTAINS(pair.client_outcome.text, wrong[i].host);
        release_tls_pair(&pair);
    }
}

TEST(no_host, "a client without a host name fails before it sends a byte") {
    green_tls_context *client = client_context();
    for (int i = 0; i < 2; i++) {
        struct pair pair = connected(UNIX_PAIR);
        CHECK(green_tls_start(pair.near, client, i == 0 ? NULL : ""), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), "host");
        CHECK(!green_tls_is_on(pair.near));
        green_socket_release(pair.near);
        expect_end(pair.far);
        green_socket_release(pair.far);
    }
    green_tls_context_release(client);
}

/* No verification ----------------------------------------------------------- */

TEST(insecure, "GREEN_TLS_VERIFY_NONE_INSECURE accepts any peer") {
    struct meeting meeting = {.host = "mine.example",
                              .shows = {.names = "DNS:localhost", .begins = -7200, .ends = -3600},
                              .client.verification = GREEN_TLS_VERIFY_NONE_INSECURE};
    struct tls_pair pair = hold(&meeting, true);
    CHECK_TEXT(pair.client_outcome.text, "");
    CHECK_TEXT(pair.server_outcome.text, "");
    release_tls_pair(&pair);
}

/* Pins ---------------------------------------------------------------------- */

/* The result with two pins, one of them matching. */
static struct tls_pair meet_pinned(const unsigned char *pin, green_tls_options options) {
    unsigned char pins[2 * GREEN_TLS_PIN_SIZE];
    memset(pins, 7, GREEN_TLS_PIN_SIZE);
    memcpy(pins + GREEN_TLS_PIN_SIZE, pin, GREEN_TLS_PIN_SIZE);
    options.authorities = pem(authority()->chain);
    options.pins = pins;
    options.pin_count = 2;
    green_tls_context *client = context_of(options), *server = server_context(localhost());
    struct tls_pair pair = tls_meet(client, server, "localhost");
    green_tls_context_release(client);
    green_tls_context_release(server);
    return pair;
}

static void pinned(green_tls_verification verification) {
    struct tls_pair good = meet_pinned(localhost()->pin, (green_tls_options){.verification = verification});
    CHECK_TEXT(good.client_outcome.text, "");
    CHECK_TEXT(good.server_outcome.text, "");
    release_tls_pair(&good);
    struct tls_pair bad = meet_pinned(authority()->pin, (green_tls_options){.verification = verification});
    CHECK(bad.client_outcome.result, ==, -EPROTO);
    CHECK(bad.client_outcome.problem, ==, GREEN_TLS_WRONG_KEY);
    CHECK(bad.client_outcome.verify, ==, X509_V_ERR_CERT_REJECTED);
    CHECK_CONTAINS(bad.client_outcome.text,
                   "the certificate of localhost, 127.0.0.1 was rejected: its key does not match a pin");
    CHECK(bad.server_outcome.problem, ==, GREEN_TLS_REFUSED);
    release_tls_pair(&bad);
}

TEST(pins, "a certificate with a key that is not pinned is GREEN_TLS_WRONG_KEY") {
    pinned(GREEN_TLS_VERIFY_DEFAULT);
}

TEST(pins_insecure, "pins are checked without any other verification") {
    pinned(GREEN_TLS_VERIFY_NONE_INSECURE);
}

TEST(pin_is_not_trust, "the right key alone does not make a certificate trusted") {
    struct certificate own = make_certificate(&(struct certificate_options){.names = "DNS:localhost"});
    green_tls_context *client = context_of(
                          (green_tls_options){.authorities = pem(authority()->chain), .pins = own.pin, .pin_count = 1}),
                      *server = server_context(&own);
    struct tls_pair pair = tls_meet(client, server, "localhost");
    CHECK(pair.client_outcome.problem, ==, GREEN_TLS_UNTRUSTED);
    release_tls_pair(&pair);
    green_tls_context_release(client);
    green_tls_context_release(server);
    free_certificate(&own);
}

/* Certificates of clients --------------------------------------------------- */

/* A server that asks for a certificate, and a client that may have one. */
static struct tls_pair meet_asking(green_tls_options asks, const struct certificate *shown, green_tls_version version) {
    green_tls_identity own = identity(localhost()), its = shown ? identity(shown) : (green_tls_identity){0};
    asks.role = GREEN_TLS_SERVER;
    asks.identities = &own;
    asks.identity_count = 1;
    asks.maximum = version;
    if (!asks.authorities.bytes)
        asks.authorities = pem(authority()->chain);
    green_tls_context *server = context_of(asks), *client = context_of((green_tls_options){
                                                      .authorities = pem(authority()->chain),
                                                      .identities = shown ? &its : NULL,
                                                      .identity_count = shown != NULL,
                                                  });
    struct tls_pair pair = tls_meet(client, server, "localhost");
    green_tls_context_release(client);
    green_tls_context_release(server);
    return pair;
}

static void check_client_seen(struct tls_pair *pair, size_t certificates) {
    CHECK_TEXT(pair->client_outcome.text, "");
    CHECK_TEXT(pair->server_outcome.text, "");
    CHECK(info_of(pair->server).certificates, ==, certificates);
    release_tls_pair(pair);
}

static void client_refused(struct tls_pair *pair, green_tls_problem problem, long verify, const char *words) {
    CHECK(pair->server_outcome.result, ==, -EPROTO);
    CHECK_CONTAINS(pair->server_outcome.text, words);
    CHECK(pair->server_outcome.problem, ==, problem);
    CHECK(pair->server_outcome.verify, ==, verify);
    CHECK(pair->client_outcome.result, ==, -EPROTO);
    CHECK_CONTAINS(pair->client_outcome.text, "alert");
    release_tls_pair(pair);
}

static struct certificate client_certificate(bool trusted) {
    return make_certificate(
        &(struct certificate_options){.names = "DNS:client.example", .issuer = trusted ? authority() : NULL});
}

static void trusted_client(green_tls_version version) {
    struct certificate good = client_certificate(true);
    for (int asks = GREEN_TLS_VERIFY_OPTIONAL; asks <= GREEN_TLS_VERIFY_REQUIRED; asks++) {
        struct tls_pair pair = meet_asking((green_tls_options){.verification = asks}, &good, version);
        check_client_seen(&pair, 1);
    }
    free_certificate(&good);
}

TEST(trusted_client, "a trusted certificate of a client is accepted") {
    with_each_version(trusted_client);
}

static void untrusted_client(green_tls_version version) {
    struct certificate bad = client_certificate(false);
    for (int asks = GREEN_TLS_VERIFY_OPTIONAL; asks <= GREEN_TLS_VERIFY_REQUIRED; asks++) {
        struct tls_pair pair = meet_asking((green_tls_options){.verification = asks}, &bad, version);
        CHECK(pair.client_outcome.problem, ==, GREEN_TLS_REFUSED);
        client_refused(&pair, GREEN_TLS_UNTRUSTED, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                       "the certificate of client.example was rejected: self-signed certificate");
    }
    free_certificate(&bad);
}

TEST(untrusted_client, "an untrusted certificate of a client is rejected even if no certificate is required") {
    with_each_version(untrusted_client);
}

static void no_certificate(green_tls_version version) {
    struct tls_pair pair = meet_asking((green_tls_options){.verification = GREEN_TLS_VERIFY_OPTIONAL}, NULL, version);
    check_client_seen(&pair, 0);
    pair = meet_asking((green_tls_options){.verification = GREEN_TLS_VERIFY_REQUIRED}, NULL, version);
    client_refused(&pair, GREEN_TLS_NO_CERTIFICATE, 0, "peer did not return a certificate");
}

TEST(no_certificate, "a client without a required certificate is GREEN_TLS_NO_CERTIFICATE") {
    with_each_version(no_certificate);
}

TEST(unrequested, "a client sends its certificate only to a server that asks for it") {
    struct certificate good = client_certificate(true);
    struct tls_pair pair = meet_asking((green_tls_options){0}, &good, 0);
    check_client_seen(&pair, 0);
    free_certificate(&good);
}

TEST(pinned_client, "a server's pins apply to its clients, and require a certificate") {
    struct certificate good = client_certificate(true), own = client_certificate(false);
    green_tls_options asks = {.verification = GREEN_TLS_VERIFY_REQUIRED, .pins = good.pin, .pin_count = 1};
    struct tls_pair pair = meet_asking(asks, &good, 0);
    check_client_seen(&pair, 1);
    asks.pins = own.pin;
    pair = meet_asking(asks, &good, 0);
    client_refused(&pair, GREEN_TLS_WRONG_KEY, X509_V_ERR_CERT_REJECTED, "client.example");
    asks.verification = GREEN_TLS_VERIFY_NONE_INSECURE;
    pair = meet_asking(asks, &own, 0);
    check_client_seen(&pair, 1);
    pair = meet_asking(asks, NULL, 0);
    client_refused(&pair, GREEN_TLS_NO_CERTIFICATE, 0, "peer did not return a certificate");
    free_certificate(&good);
    free_certificate(&own);
}

TEST(pins_unasked, "pins of a server that asks for no certificate are -EINVAL") {
    green_tls_identity own = identity(localhost());
    green_tls_context *context = NULL;
    green_tls_options options = {
        .role = GREEN_TLS_SERVER, .identities = &own, .identity_count = 1, .pins = localhost()->pin, .pin_count = 1};
    CHECK(green_tls_context_make(&context, &options), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "pin");
}

/* Chains -------------------------------------------------------------------- */

TEST(chain, "a chain is trusted with its intermediate certificate, not without it, and both ends see its length") {
    struct certificate middle = make_certificate(
        &(struct certificate_options){.authority = true, .subject = "a middle", .issuer = authority()});
    struct certificate leaf =
        make_certificate(&(struct certificate_options){.names = "DNS:localhost", .issuer = &middle});
    green_tls_context *client = client_context(), *server = server_context(&leaf);
    struct tls_pair pair = tls_meet(client, server, "localhost");
    CHECK(pair.client_outcome.problem, ==, GREEN_TLS_UNTRUSTED);
    CHECK(pair.client_outcome.verify, ==, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    release_tls_pair(&pair);
    green_tls_context_release(server);

    char *both = joined(leaf.chain, middle.chain);
    struct certificate whole = {.chain = both, .key = leaf.key};
    server = server_context(&whole);
    pair = tls_connected(client, server);
    CHECK(info_of(pair.client).certificates, ==, 2);
    for (size_t i = 0; i < 2; i++) {
        void *der = NULL;
        ssize_t size = green_tls_peer_certificate(pair.client, i, &der);
        const unsigned char *bytes = der;
        X509 *certificate = d2i_X509(NULL, &bytes, size);
        CHECK(certificate != NULL);
        CHECK(X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)), !=, 0);
        X509_free(certificate);
        free(der);
    }
    void *der = NULL;
    CHECK(green_tls_peer_certificate(pair.client, 2, &der), ==, -ERANGE);
    CHECK(green_tls_peer_certificate(pair.client, (size_t)1 << 32, &der), ==, -ERANGE);
    CHECK(green_tls_peer_certificate(pair.client, SIZE_MAX, &der), ==, -ERANGE);
    CHECK(green_tls_peer_certificate(pair.server, 0, &der), ==, -ERANGE);
    CHECK(info_of(pair.server).certificates, ==, 0);
    release_tls_pair(&pair);
    green_tls_context_release(server);
    pair = meet_asking((green_tls_options){.verification = GREEN_TLS_VERIFY_REQUIRED}, &whole, 0);
    CHECK(info_of(pair.server).certificates, ==, 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK(green_tls_peer_certificate(pair.server, i, &der), >, 0);
        free(der);
    }
    CHECK(green_tls_peer_certificate(pair.server, 2, &der), ==, -ERANGE);
    release_tls_pair(&pair);
    green_tls_context_release(client);
    free(both);
    free_certificate(&leaf);
    free_certificate(&middle);
}
