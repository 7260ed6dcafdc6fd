#include "transfers.h"

/* Reads a request and its path. Returns false at the end of the connection. */
static bool read_request(green_socket *client, char path[32]) {
    char line[1024] = "";
    ssize_t count = green_read_line(client, line, sizeof line);
    if (count <= 0)
        return false;
    CHECK(sscanf(line, "GET %31s", path), ==, 1);
    while (count > 0 && strcmp(line, "\r\n") != 0)
        count = green_read_line(client, line, sizeof line);
    return count > 0;
}

static int answer(green_socket *client, void *context) {
    struct web_server *server = context;
    char path[32] = "", text[256], body[64];
    bool asked = read_request(client, path);
    server->inside++;
    server->most = server->inside > server->most ? server->inside : server->most;
    while (server->most < server->crowd)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    if (strcmp(path, "/silent") == 0)
        asked = read_request(client, path); /* until libcurl gives up */
    snprintf(body, sizeof body, "answer to %s", path);
    size_t promised = strlen(body) * (strcmp(path, "/cut") == 0 ? 2 : 1);
    int size = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        promised, body);
    if (asked)
        green_write(client, text, (size_t)size);
    server->inside--;
    return 0;
}

static int serve(void *argument) {
    struct web_server *server = argument;
    return green_serve(server->listener, NULL, answer, server);
}

void begin_web_server(struct web_server *server, size_t crowd) {
    *server = (struct web_server){.listener = listen_any(TCP4), .crowd = crowd};
    snprintf(server->address, sizeof server->address, "%s", address_of(server->listener));
    server->thread = start(serve, server);
}

void end_web_server(struct web_server *server) {
    CHECK(green_listener_stop(server->listener, 10 * GREEN_SECOND), ==, 0);
    CHECK(finish(server->thread), ==, 0);
    green_listener_release(server->listener);
}

static size_t take(char *bytes, size_t size, size_t count, void *context) {
    struct transfer_by_curl *transfer = context;
    CHECK(transfer->size + size * count, <, sizeof transfer->body);
    memcpy(transfer->body + transfer->size, bytes, size * count);
    transfer->size += size * count;
    return size * count;
}

int make_transfer(void *argument) {
    struct transfer_by_curl *transfer = argument;
    char url[256];
    snprintf(url, sizeof url, "%s://%s%s", transfer->scheme, transfer->address, transfer->path);
    transfer->size = 0;
    memset(transfer->body, 0, sizeof transfer->body);
    CURL *handle = curl_easy_init();
    CHECK(handle != NULL);
    /* Signals belong to the process, not to one of many green threads. */
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, transfer->timeout);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    if (transfer->authorities)
        curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, transfer->authorities);
    transfer->code = curl_easy_perform(handle);
    curl_easy_cleanup(handle);
    return (int)transfer->code;
}

double transfer_together(struct web_server *server, const char *scheme, const struct curl_blob *authorities) {
    green_thread *threads[TRANSFERS];
    struct transfer_by_curl transfers[TRANSFERS];
    char paths[TRANSFERS][16], expected[32];
    int64_t begin = green_now();
    for (int i = 0; i < TRANSFERS; i++) {
        snprintf(paths[i], sizeof paths[i], "/%d", i);
        transfers[i] = (struct transfer_by_curl){
            .address = server->address, .scheme = scheme, .path = paths[i], .authorities = authorities};
        threads[i] = start(make_transfer, &transfers[i]);
    }
    for (int i = 0; i < TRANSFERS; i++) {
        CHECK(finish(threads[i]), ==, CURLE_OK);
        snprintf(expected, sizeof expected, "answer to /%d", i);
        CHECK_TEXT(transfers[i].body, expected);
    }
    return seconds_since(begin);
}
