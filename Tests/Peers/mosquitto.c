/* Mosquitto by libmosquitto: by its blocking loop, and by its loop in a thread of its own. */
#include "servers.h"

#include <mosquitto.h>

/* A client that subscribes to a topic. */
struct client {
    struct mosquitto *handle;
    char topic[32];
    bool is_connected, is_subscribed;
    char message[32]; /* the last one */
};

static void connected_to(struct mosquitto *handle, void *context, int code) {
    struct client *client = context;
    CHECK(code, ==, 0);
    client->is_connected = true;
    CHECK(mosquitto_subscribe(handle, NULL, client->topic, 1), ==, MOSQ_ERR_SUCCESS);
}

static void subscribed(struct mosquitto *handle, void *context, int id, int count, const int *qualities) {
    (void)handle, (void)id, (void)count, (void)qualities;
    struct client *client = context;
    client->is_subscribed = true;
}

static void received(struct mosquitto *handle, void *context, const struct mosquitto_message *message) {
    (void)handle;
    struct client *client = context;
    snprintf(client->message, sizeof client->message, "%.*s", message->payloadlen, (const char *)message->payload);
}

static void begin_client(struct client *client, const char *topic) {
    *client = (struct client){.handle = mosquitto_new(NULL, true, client)};
    CHECK(client->handle != NULL);
    snprintf(client->topic, sizeof client->topic, "%s-%d", topic, (int)getpid());
    mosquitto_connect_callback_set(client->handle, connected_to);
    mosquitto_subscribe_callback_set(client->handle, subscribed);
    mosquitto_message_callback_set(client->handle, received);
    /* A server that a test has killed takes a moment to restart. */
    UNTIL(mosquitto_connect(client->handle, "127.0.0.1", port_of("MOSQUITTO"), 3600) == MOSQ_ERR_SUCCESS);
}

static void end_client(struct client *client) {
    mosquitto_disconnect(client->handle);
    mosquitto_destroy(client->handle);
}

static int receive(void *argument) {
    struct client *client = argument;
    int result = MOSQ_ERR_SUCCESS;
    while (result == MOSQ_ERR_SUCCESS && !client->message[0])
        result = mosquitto_loop(client->handle, 3600 * 1000, 1);
    return result;
}

/* Sends a message by a client of its own. */
static void publish(const char *topic) {
    struct client sender;
    char name[32];
    begin_client(&sender, "answers");
    while (!sender.is_connected)
        CHECK(mosquitto_loop(sender.handle, 3600 * 1000, 1), ==, MOSQ_ERR_SUCCESS);
    snprintf(name, sizeof name, "%s-%d", topic, (int)getpid());
    CHECK(mosquitto_publish(sender.handle, NULL, name, 5, "hello", 0, false), ==, MOSQ_ERR_SUCCESS);
    end_client(&sender);
}

/* Shows that a new connection works. */
static void expect_service(void) {
    struct client client;
    struct call call = {.make = receive, .argument = &client};
    begin_client(&client, "service");
    green_thread *thread = start(run_call, &call);
    UNTIL(client.is_subscribed);
    publish("service");
    CHECK(finish(thread), ==, 0);
    CHECK(call.result, ==, MOSQ_ERR_SUCCESS);
    CHECK_TEXT(client.message, "hello");
    end_client(&client);
}

static green_patch *begin(unsigned families) {
    green_patch *patch = import_families("libmosquitto.so.1", families, NULL);
    CHECK(mosquitto_lib_init(), ==, MOSQ_ERR_SUCCESS);
    return patch;
}

static void end(green_patch *patch) {
    CHECK(mosquitto_lib_cleanup(), ==, MOSQ_ERR_SUCCESS);
    CHECK(green_unpatch(patch), ==, 0);
}

static bool all_subscribed(const struct client *clients, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!clients[i].is_subscribed)
            return false;
    return true;
}

static bool all_received(const struct client *clients, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(clients[i].message, "hello") != 0)
            return false;
    return true;
}

enum { COUNT = 100 };
static struct client clients[COUNT];

TEST(hundred, "a hundred threads wait in their loops for one message") {
    struct call calls[COUNT];
    green_thread *threads[COUNT];
    green_patch *patch = begin(0);
    for (int i = 0; i < COUNT; i++) {
        begin_client(&clients[i], "crowd");
        calls[i] = (struct call){.make = receive, .argument = &clients[i]};
        threads[i] = start(run_call, &calls[i]);
    }
    UNTIL(all_subscribed(clients, COUNT));
    int64_t begin = green_now();
    publish("crowd");
    for (int i = 0; i < COUNT; i++) {
        CHECK(finish(threads[i]), ==, 0);
        CHECK(calls[i].result, ==, MOSQ_ERR_SUCCESS);
        end_client(&clients[i]);
    }
    figure("libmosquitto: %d receive one message: %.3f s", COUNT, seconds_since(begin));
    CHECK(all_received(clients, COUNT));
    end(patch);
}

TEST(forced, "a forced stop cancels the green thread of a loop that waits") {
    green_patch *patch = begin(GREEN_PATCH_ALL | GREEN_PATCH_THREAD);
    begin_client(&clients[0], "forced");
    CHECK(mosquitto_loop_start(clients[0].handle), ==, MOSQ_ERR_SUCCESS);
    UNTIL(clients[0].is_subscribed);
    CHECK(mosquitto_loop_stop(clients[0].handle, true), ==, MOSQ_ERR_SUCCESS);
    mosquitto_destroy(clients[0].handle);
    end(patch);
}

TEST(threaded, "a hundred threaded loops of libmosquitto are green threads") {
    green_patch *patch = begin(GREEN_PATCH_ALL | GREEN_PATCH_THREAD);
    size_t threads = os_threads();
    for (int i = 0; i < COUNT; i++) {
        begin_client(&clients[i], "threaded");
        CHECK(mosquitto_loop_start(clients[i].handle), ==, MOSQ_ERR_SUCCESS);
    }
    UNTIL(all_subscribed(clients, COUNT));
    CHECK(os_threads(), ==, threads);
    publish("threaded");
    UNTIL(all_received(clients, COUNT));
    for (int i = 0; i < COUNT; i++) {
        CHECK(mosquitto_disconnect(clients[i].handle), ==, MOSQ_ERR_SUCCESS);
        CHECK(mosquitto_loop_stop(clients[i].handle, false), ==, MOSQ_ERR_SUCCESS);
        mosquitto_destroy(clients[i].handle);
    }
    end(patch);
}

TEST(reconnect, "a threaded loop of libmosquitto connects again after a kill of the server") {
    green_patch *patch = begin(GREEN_PATCH_ALL | GREEN_PATCH_THREAD);
    begin_client(&clients[0], "again");
    CHECK(mosquitto_reconnect_delay_set(clients[0].handle, 1, 1, false), ==, MOSQ_ERR_SUCCESS);
    CHECK(mosquitto_loop_start(clients[0].handle), ==, MOSQ_ERR_SUCCESS);
    UNTIL(clients[0].is_subscribed);
    clients[0].is_subscribed = false;
    kill_server("MOSQUITTO");
    UNTIL(clients[0].is_subscribed);
    publish("again");
    UNTIL(all_received(clients, 1));
    mosquitto_disconnect(clients[0].handle);
    CHECK(mosquitto_loop_stop(clients[0].handle, false), ==, MOSQ_ERR_SUCCESS);
    mosquitto_destroy(clients[0].handle);
    end(patch);
}

TEST(refused, "refusals of the server are errors of libmosquitto") {
    green_patch *patch = begin(0);
    struct mosquitto *handle = mosquitto_new(NULL, true, NULL);
    CHECK(handle != NULL);
    CHECK(mosquitto_connect(handle, "127.0.0.1", refusing_port(), 60), ==, MOSQ_ERR_ERRNO);
    CHECK(errno, ==, ECONNREFUSED);
    CHECK(mosquitto_connect(handle, "a..b", 1883, 60), ==, MOSQ_ERR_EAI);
    CHECK(mosquitto_publish(handle, NULL, "a/#/b", 1, "a", 0, false), ==, MOSQ_ERR_INVAL);
    mosquitto_destroy(handle);
    end(patch);
}

TEST(killed, "a server that is killed is an error of each client") {
    enum { FEW = 10 };
    struct call calls[FEW];
    green_patch *patch = begin(0);
    for (int i = 0; i < FEW; i++) {
        begin_client(&clients[i], "nothing");
        calls[i] = (struct call){.make = receive, .argument = &clients[i]};
    }
    call_together(calls, FEW, kill_server, "MOSQUITTO");
    for (int i = 0; i < FEW; i++) {
        CHECK(calls[i].result, ==, MOSQ_ERR_CONN_LOST);
        end_client(&clients[i]);
    }
    expect_service();
    end(patch);
}

TEST(interrupted, "a green timeout and a kill end a loop as errors of libmosquitto") {
    green_patch *patch = begin(0);
    struct client client;
    struct call call = {.make = receive, .argument = &client, .limit = 100 * GREEN_MILLISECOND};
    begin_client(&client, "nothing");
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, MOSQ_ERR_ERRNO);
    end_client(&client);
    expect_service();

    begin_client(&client, "nothing");
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, MOSQ_ERR_ERRNO);
    end_client(&client);
    expect_service();
    end(patch);
}
