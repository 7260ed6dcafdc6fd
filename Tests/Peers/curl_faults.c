/* Faults of a transfer, and interrupts, are ordinary errors of libcurl. */
#include "transfers.h"

static struct web_server server;
static green_patch *patch;

static void begin(void) {
    CHECK(curl_global_init(CURL_GLOBAL_ALL), ==, CURLE_OK);
    patch = import("libcurl.so.4");
    begin_web_server(&server, 0);
    let_run();
}

static void end(void) {
    end_web_server(&server);
    CHECK(green_unpatch(patch), ==, 0);
    curl_global_cleanup();
}

TEST(refused, "a refused connection is reported as such") {
    begin();
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", refusing_port());
    struct transfer_by_curl transfer = {.address = address, .scheme = "http", .path = "/"};
    CHECK(make_transfer(&transfer), ==, CURLE_COULDNT_CONNECT);
    end();
}

TEST(cut, "an answer that ends too early is reported as such") {
    begin();
    struct transfer_by_curl transfer = {.address = server.address, .scheme = "http", .path = "/cut"};
    CHECK(make_transfer(&transfer), ==, CURLE_PARTIAL_FILE);
    CHECK_TEXT(transfer.body, "answer to /cut");
    end();
}

TEST(own_timeout, "a timeout of libcurl ends a transfer") {
    begin();
    struct transfer_by_curl transfer = {.address = server.address, .scheme = "http", .path = "/silent", .timeout = 100};
    CHECK(make_transfer(&transfer), ==, CURLE_OPERATION_TIMEDOUT);
    end();
}

TEST(interrupted, "a green timeout and a kill end a transfer as errors of libcurl") {
    begin();
    struct transfer_by_curl transfer = {.address = server.address, .scheme = "http", .path = "/silent"};
    struct call call = {.make = make_transfer, .argument = &transfer, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, !=, CURLE_OK);
    figure("libcurl: a green timeout is \"%s\"", curl_easy_strerror(transfer.code));

    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, !=, CURLE_OK);
    figure("libcurl: a kill is \"%s\"", curl_easy_strerror(transfer.code));
    transfer.path = "/after";
    CHECK(make_transfer(&transfer), ==, CURLE_OK);
    CHECK_TEXT(transfer.body, "answer to /after");
    end();
}
