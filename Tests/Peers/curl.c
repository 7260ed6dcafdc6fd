/* A hundred easy handles of libcurl on one OS thread. */
#include "transfers.h"

TEST(hundred, "a hundred transfers wait for a server on the same OS thread") {
    CHECK(curl_global_init(CURL_GLOBAL_ALL), ==, CURLE_OK);
    green_patch *patch = import("libcurl.so.4");
    struct web_server server;
    begin_web_server(&server, TRANSFERS);
    double seconds = transfer_together(&server, "http", NULL);
    CHECK(server.most, ==, TRANSFERS);
    figure("libcurl: %d transfers at one time from a server on the same OS thread: %.2f s", TRANSFERS, seconds);
    end_web_server(&server);
    CHECK(green_unpatch(patch), ==, 0);
    curl_global_cleanup();
}

TEST(names, "libcurl's own OS threads look up names, and green threads wait for them") {
    CHECK(curl_global_init(CURL_GLOBAL_ALL), ==, CURLE_OK);
    green_patch *patch = import("libcurl.so.4");
    struct web_server server;
    begin_web_server(&server, TRANSFERS);
    char port[16];
    snprintf(port, sizeof port, "%s", strchr(server.address, ':') + 1);
    snprintf(server.address, sizeof server.address, "localhost:%s", port);
    transfer_together(&server, "http", NULL);
    end_web_server(&server);
    CHECK(green_unpatch(patch), ==, 0);
    curl_global_cleanup();
}

TEST(report, "a patch says that libcurl polls and connects") {
    green_patch *patch = import("libcurl.so.4");
    green_patch_line line;
    bool polls = false, connects = false;
    for (size_t i = 0; green_patch_report(patch, i, &line); i++) {
        bool is_curl = strstr(line.object, "libcurl.so.4") != NULL;
        polls |= is_curl && strcmp(line.symbol, "poll") == 0;
        connects |= is_curl && strcmp(line.symbol, "connect") == 0;
    }
    CHECK(polls && connects);
    CHECK(green_unpatch(patch), ==, 0);
}
