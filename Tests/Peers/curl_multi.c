/* The multi interface of libcurl: several transfers in each of several green threads. */
#include "transfers.h"

/* Several transfers of one green thread. */
enum { MULTIPLE = 4 };
struct batch {
    struct web_server *server;
    const char *path;
    CURLM *multi;
    int done; /* without an error */
};

static size_t drop(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes, (void)context;
    return size * count;
}

static CURL *added_to(struct batch *batch) {
    char url[GREEN_ADDRESS_TEXT_MAX + 32];
    CURL *handle = curl_easy_init();
    CHECK(handle != NULL);
    snprintf(url, sizeof url, "http://%s%s", batch->server->address, batch->path);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, drop);
    CHECK(curl_multi_add_handle(batch->multi, handle), ==, CURLM_OK);
    return handle;
}

static void count_done(struct batch *batch) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(batch->multi, &left));)
        batch->done += message->msg == CURLMSG_DONE && message->data.result == CURLE_OK;
}

/* Makes the transfers. Returns the code of the first call that fails. */
static int make_batch(void *argument) {
    struct batch *batch = argument;
    CURL *handles[MULTIPLE];
    int running = MULTIPLE;
    CURLMcode code = CURLM_OK;
    batch->done = 0;
    batch->multi = curl_multi_init();
    CHECK(batch->multi != NULL);
    for (int i = 0; i < MULTIPLE; i++)
        handles[i] = added_to(batch);
    while (code == CURLM_OK && running > 0) {
        code = curl_multi_perform(batch->multi, &running);
        if (code == CURLM_OK && running > 0)
            code = curl_multi_poll(batch->multi, NULL, 0, 3600 * 1000, NULL);
    }
    count_done(batch);
    for (int i = 0; i < MULTIPLE; i++) {
        CHECK(curl_multi_remove_handle(batch->multi, handles[i]), ==, CURLM_OK);
        curl_easy_cleanup(handles[i]);
    }
    CHECK(curl_multi_cleanup(batch->multi), ==, CURLM_OK);
    return (int)code;
}

static struct web_server server;

static green_patch *begin(size_t crowd) {
    CHECK(curl_global_init(CURL_GLOBAL_ALL), ==, CURLE_OK);
    green_patch *patch = import("libcurl.so.4");
    begin_web_server(&server, crowd);
    let_run();
    return patch;
}

static void end(green_patch *patch) {
    end_web_server(&server);
    CHECK(green_unpatch(patch), ==, 0);
    curl_global_cleanup();
}

TEST(many, "four transfers in each of fifty threads wait for a server at the same time") {
    enum { COUNT = 50 };
    struct batch batches[COUNT];
    green_thread *threads[COUNT];
    green_patch *patch = begin((size_t)COUNT * MULTIPLE);
    for (int i = 0; i < COUNT; i++) {
        batches[i] = (struct batch){.server = &server, .path = "/"};
        threads[i] = start(make_batch, &batches[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK(finish(threads[i]), ==, CURLM_OK);
        CHECK(batches[i].done, ==, MULTIPLE);
    }
    CHECK(server.most, ==, COUNT * MULTIPLE);
    end(patch);
}

TEST(faults, "faults of a server are errors of each transfer") {
    green_patch *patch = begin(0);
    struct batch batch = {.server = &server, .path = "/cut"};
    CHECK(make_batch(&batch), ==, CURLM_OK);
    CHECK(batch.done, ==, 0);
    struct web_server none = {.crowd = 0};
    snprintf(none.address, sizeof none.address, "127.0.0.1:%d", refusing_port());
    batch = (struct batch){.server = &none, .path = "/"};
    CHECK(make_batch(&batch), ==, CURLM_OK);
    CHECK(batch.done, ==, 0);
    snprintf(none.address, sizeof none.address, "127.0.0.1:port");
    CHECK(make_batch(&batch), ==, CURLM_OK);
    CHECK(batch.done, ==, 0);
    end(patch);
}

static int poll_multi(void *argument) {
    return (int)curl_multi_poll(argument, NULL, 0, 3600 * 1000, NULL);
}

TEST(wake, "curl_multi_wakeup() of a green thread ends curl_multi_poll() of another one") {
    green_patch *patch = begin(0);
    CURLM *multi = curl_multi_init();
    struct call call = {.make = poll_multi, .argument = multi};
    green_thread *thread = start(run_call, &call);
    UNTIL(call.is_inside);
    CHECK(curl_multi_wakeup(multi), ==, CURLM_OK);
    CHECK(finish(thread), ==, 0);
    CHECK(call.result, ==, CURLM_OK);
    CHECK(curl_multi_cleanup(multi), ==, CURLM_OK);
    end(patch);
}

TEST(interrupted, "a green timeout and a kill end curl_multi_poll() as its error") {
    green_patch *patch = begin(0);
    struct batch batch = {.server = &server, .path = "/silent"};
    struct call call = {.make = make_batch, .argument = &batch, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, CURLM_UNRECOVERABLE_POLL);
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, CURLM_UNRECOVERABLE_POLL);
    batch.path = "/after";
    CHECK(make_batch(&batch), ==, CURLM_OK);
    CHECK(batch.done, ==, MULTIPLE);
    end(patch);
}
