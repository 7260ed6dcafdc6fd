/* The same by https: libcurl verifies a server that uses Green's TLS. */
#include "tls_helpers.h"
#include "transfers.h"

static struct curl_blob blob_of(const struct certificate *certificate) {
    return (struct curl_blob){.data = certificate->chain, .len = strlen(certificate->chain), .flags = CURL_BLOB_COPY};
}

static struct web_server server;
static green_tls_context *context;
static green_patch *patch;

static void begin(size_t crowd) {
    CHECK(curl_global_init(CURL_GLOBAL_ALL), ==, CURLE_OK);
    patch = import("libcurl.so.4");
    context = server_context(localhost());
    begin_web_server(&server, crowd);
    CHECK(green_tls_listen(server.listener, context), ==, 0);
}

static void end(void) {
    end_web_server(&server);
    green_tls_context_release(context);
    CHECK(green_unpatch(patch), ==, 0);
    curl_global_cleanup();
}

TEST(hundred, "a hundred transfers by https, with the server's certificate verified") {
    begin(TRANSFERS);
    struct curl_blob trusted = blob_of(authority());
    double seconds = transfer_together(&server, "https", &trusted);
    CHECK(server.most, ==, TRANSFERS);
    figure("libcurl: %d transfers at one time by https: %.2f s", TRANSFERS, seconds);
    end();
}

static size_t in_time, too_late;

/* Function of a thread: a transfer. Only each fifth has enough time. */
static int hurry(void *argument) {
    struct transfer_by_curl transfer = {
        .address = server.address, .scheme = "https", .path = "/x", .authorities = argument};
    struct call call = {.make = make_transfer, .argument = &transfer};
    if (random_below(5) > 0)
        call.limit = 1 + random_below(600) * GREEN_MILLISECOND;
    CHECK(run_call(&call), ==, 0);
    CHECK((call.result == CURLE_OK) == !call.is_late);
    if (call.is_late) {
        too_late++;
    } else {
        CHECK_TEXT(transfer.body, "answer to /x");
        in_time++;
    }
    return 0;
}

TEST(hurry, "libcurl reports a timeout at any point and leaves nothing behind") {
    enum { COUNT = 150 };
    green_thread *threads[COUNT];
    begin(0);
    struct curl_blob trusted = blob_of(authority());
    for (int i = 0; i < COUNT; i++)
        threads[i] = start(hurry, &trusted);
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    figure("libcurl: %zu transfers in time, %zu ended by a timeout", in_time, too_late);
    end();
}

TEST(untrusted, "a certificate that is not signed by a trusted issuer is rejected") {
    begin(0);
    struct certificate stranger =
        make_certificate(&(struct certificate_options){.authority = true, .subject = "a stranger"});
    struct curl_blob trusted = blob_of(&stranger);
    struct transfer_by_curl transfer = {
        .address = server.address, .scheme = "https", .path = "/", .authorities = &trusted};
    CHECK(make_transfer(&transfer), ==, CURLE_PEER_FAILED_VERIFICATION);
    CHECK_CONTAINS(transfer.error, "unable to get local issuer certificate");
    free_certificate(&stranger);
    end();
}
