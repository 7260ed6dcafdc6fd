/* All forms of a host are the same host for SNI, verification and sessions. */
#include "tls_helpers.h"

/* The first form of a row is the name sent to the server; "": none. */
static const struct {
    const char *names, *asked, *forms[6];
} hosts[] = {
    {"DNS:localhost", "localhost", {"localhost", "localhost.", "LOCALHOST", "LocalHost."}},
    {"DNS:*.some.example", "www.some.example", {"www.some.example", "www.some.example.", "WWW.Some.Example."}},
    {"IP:127.0.0.1", "", {"127.0.0.1", "127.0.0.1."}},
    {"IP:::1", "", {"::1", "[::1]", "0:0:0:0:0:0:0:1", "[0::0:1]", "::0001"}},
    {"IP:fe80::1", "", {"fe80::1", "fe80::1%lo", "[fe80::1%lo]", "[FE80::1%25]", "fe80:0::1%no-such-interface"}},
};
enum { HOSTS = sizeof hosts / sizeof *hosts, FORMS = sizeof hosts->forms / sizeof *hosts->forms };

static struct tls_pair meet(green_tls_context *client, green_tls_context *server, const char *host) {
    struct tls_pair pair = tls_meet(client, server, host);
    printf("%s\n", host);
    CHECK_TEXT(pair.client_outcome.text, "");
    CHECK_TEXT(pair.server_outcome.text, "");
    return pair;
}

/* Each form resumes the session of the previous form. */
static void one_host(green_tls_version version) {
    for (int i = 0; i < HOSTS; i++) {
        struct certificate own =
            make_certificate(&(struct certificate_options){.names = hosts[i].names, .issuer = authority()});
        green_tls_context *server = server_context(&own);
        green_tls_context *client =
            context_of((green_tls_options){.authorities = pem(authority()->chain), .maximum = version});
        for (int form = 0; form < FORMS && hosts[i].forms[form]; form++) {
            struct tls_pair pair = meet(client, server, hosts[i].forms[form]);
            CHECK_TEXT(info_of(pair.server).host, hosts[i].asked);
            CHECK(info_of(pair.client).resumed, ==, form > 0);
            talk_both_ways(&pair);
            release_tls_pair(&pair);
        }
        green_tls_context_release(client);
        green_tls_context_release(server);
        free_certificate(&own);
    }
}

TEST(forms, "case, final dots, brackets and zones give the same host for SNI, verification and sessions") {
    with_each_version(one_host);
}

TEST(other_hosts, "a host that only looks similar is refused in every form") {
    static const char *const others[] = {"localhosts.", "127.0.0.2.", "[::2]", "[fe80::2%lo]"};
    struct certificate own = make_certificate(
        &(struct certificate_options){.names = "DNS:localhost,IP:127.0.0.1,IP:::1,IP:fe80::1", .issuer = authority()});
    green_tls_context *server = server_context(&own), *client = client_context();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct tls_pair pair = tls_meet(client, server, others[i]);
        CHECK(pair.client_outcome.problem, ==, GREEN_TLS_WRONG_HOST);
        release_tls_pair(&pair);
    }
    green_tls_context_release(client);
    green_tls_context_release(server);
    free_certificate(&own);
}

TEST(no_hosts, "a text that is not a host is -EINVAL, and the message names it") {
    static char long_name[400];
    memset(long_name, 'x', sizeof long_name - 1);
    static const char *const texts[] = {"",   ".",           "..",          "localhost..", ".example",
                                        "[]", "[localhost]", "[127.0.0.1]", "[::1]x",      long_name};
    struct pair pair = connected(UNIX_PAIR);
    green_tls_context *client = client_context();
    for (size_t i = 0; i + 2 < sizeof texts / sizeof *texts; i++) {
        CHECK(green_tls_start(pair.near, client, texts[i]), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), texts[i]);
        CHECK(!green_tls_is_on(pair.near));
    }
    CHECK(green_tls_start(pair.near, client, long_name), ==, -EINVAL);
    green_tls_context_release(client);
    release_pair(&pair);
}

struct dial {
    green_listener *listener;
    green_tls_context *context;
    const char *host;
};

static int dial(void *argument) {
    const struct dial *dial = argument;
    char to[GREEN_ADDRESS_TEXT_MAX];
    green_address address;
    green_socket *socket;
    CHECK(green_listener_address(dial->listener, &address), ==, 0);
    snprintf(to, sizeof to, "%s:%d", dial->host, green_address_port(&address));
    int error = green_tls_connect(&socket, to, NULL, dial->context, NULL);
    if (error == 0)
        green_socket_release(socket);
    return error;
}

TEST(connects, "an address in brackets is verified without the brackets") {
    green_listener *listener = listen_any(TCP6);
    if (!listener)
        skip("this machine has no IPv6");
    struct certificate own = make_certificate(&(struct certificate_options){.names = "IP:::1", .issuer = authority()});
    green_tls_context *server = server_context(&own), *client = client_context();
    CHECK(green_tls_listen(listener, server), ==, 0);
    green_thread *dialler = start(dial, &(struct dial){listener, client, "[::1]"});
    green_socket *accepted = accept_from(listener);
    CHECK(green_tls_handshake(accepted), ==, 0);
    CHECK(finish(dialler), ==, 0);
    green_socket_release(accepted);
    green_listener_release(listener);
    green_tls_context_release(client);
    green_tls_context_release(server);
    free_certificate(&own);
}
