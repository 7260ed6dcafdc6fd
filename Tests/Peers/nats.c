/* NATS by its C client, whose own threads read, write and deliver. They are green threads. */
#include "servers.h"

#include <nats/nats.h>

enum { HOUR = 3600 * 1000 };

static natsStatus connect_at(natsConnection **connection, const char *url, bool reconnects) {
    natsOptions *options = NULL;
    *connection = NULL;
    CHECK(natsOptions_Create(&options), ==, NATS_OK);
    CHECK(natsOptions_SetTimeout(options, HOUR), ==, NATS_OK);
    CHECK(natsOptions_SetAllowReconnect(options, reconnects), ==, NATS_OK);
    CHECK(natsOptions_SetReconnectWait(options, 50), ==, NATS_OK);
    natsStatus status = natsOptions_SetURL(options, url);
    if (status == NATS_OK)
        status = natsConnection_Connect(connection, options);
    natsOptions_Destroy(options);
    return status;
}

static void url_of(char url[64], int port) {
    snprintf(url, 64, "nats://127.0.0.1:%d", port);
}

/* A server that a test has killed takes a moment to restart. */
static natsConnection *connection(bool reconnects) {
    char url[64];
    natsConnection *connection;
    url_of(url, port_of("NATS"));
    UNTIL(connect_at(&connection, url, reconnects) == NATS_OK);
    return connection;
}

/* Waits for a message of a subject. */
struct receiver {
    natsConnection *connection;
    natsSubscription *subscription;
};

static struct receiver receiver_of(const char *subject, bool reconnects) {
    struct receiver receiver = {.connection = connection(reconnects)};
    CHECK(natsConnection_SubscribeSync(&receiver.subscription, receiver.connection, subject), ==, NATS_OK);
    CHECK(natsConnection_Flush(receiver.connection), ==, NATS_OK);
    return receiver;
}

static void end_receiver(struct receiver *receiver) {
    natsSubscription_Destroy(receiver->subscription);
    natsConnection_Destroy(receiver->connection);
}

static int receive(void *argument) {
    struct receiver *receiver = argument;
    natsMsg *message = NULL;
    natsStatus status = natsSubscription_NextMsg(&message, receiver->subscription, HOUR);
    if (status == NATS_OK)
        CHECK_TEXT(natsMsg_GetData(message), "hello");
    natsMsg_Destroy(message);
    return (int)status;
}

static void publish(const char *subject) {
    natsConnection *sender = connection(false);
    CHECK(natsConnection_PublishString(sender, subject, "hello"), ==, NATS_OK);
    CHECK(natsConnection_Flush(sender), ==, NATS_OK);
    natsConnection_Destroy(sender);
}

/* Shows that new connections work. */
static void expect_service(void) {
    struct receiver receiver = receiver_of("service", false);
    publish("service");
    CHECK(receive(&receiver), ==, NATS_OK);
    end_receiver(&receiver);
}

static green_patch *begin(void) {
    return import_families("libnats.so.3.4", GREEN_PATCH_ALL | GREEN_PATCH_THREAD, NULL);
}

static void end(green_patch *patch) {
    CHECK(nats_CloseAndWait(0), ==, NATS_OK);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(hundred, "a hundred threads wait for one message on connections of their own") {
    enum { COUNT = 100 };
    struct receiver receivers[COUNT];
    struct call calls[COUNT];
    green_patch *patch = begin();
    size_t threads = os_threads();
    for (int i = 0; i < COUNT; i++) {
        receivers[i] = receiver_of("crowd", false);
        calls[i] = (struct call){.make = receive, .argument = &receivers[i]};
    }
    CHECK(os_threads(), ==, threads);
    int64_t begin = green_now();
    call_together(calls, COUNT, publish, "crowd");
    figure("libnats: %d receive one message: %.3f s", COUNT, seconds_since(begin));
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, NATS_OK);
        end_receiver(&receivers[i]);
    }
    end(patch);
}

enum { REQUESTS = 100 };
static natsMsg *requests[REQUESTS];
static int asked;

/* Answers all requests as soon as there are a hundred. */
static void serve(natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *context) {
    (void)subscription, (void)context;
    requests[asked++] = message;
    for (int i = 0; asked == REQUESTS && i < REQUESTS; i++) {
        CHECK(natsConnection_PublishString(connection, natsMsg_GetReply(requests[i]), natsMsg_GetData(requests[i])), ==,
              NATS_OK);
        natsMsg_Destroy(requests[i]);
    }
}

struct request {
    natsConnection *connection;
    char text[16];
};

static int make_request(void *argument) {
    struct request *request = argument;
    natsMsg *reply = NULL;
    natsStatus status = natsConnection_RequestString(&reply, request->connection, "service", request->text, HOUR);
    if (status == NATS_OK)
        CHECK_TEXT(natsMsg_GetData(reply), request->text);
    natsMsg_Destroy(reply);
    return (int)status;
}

static void do_nothing(const char *argument) {
    (void)argument;
}

TEST(requests, "a hundred requests on one connection wait for a service of the same OS thread") {
    struct request asks[REQUESTS];
    struct call calls[REQUESTS];
    natsSubscription *subscription = NULL;
    green_patch *patch = begin();
    natsConnection *server = connection(false), *client = connection(false);
    CHECK(natsConnection_Subscribe(&subscription, server, "service", serve, NULL), ==, NATS_OK);
    CHECK(natsConnection_Flush(server), ==, NATS_OK);
    for (int i = 0; i < REQUESTS; i++) {
        asks[i].connection = client;
        snprintf(asks[i].text, sizeof asks[i].text, "request %d", i);
        calls[i] = (struct call){.make = make_request, .argument = &asks[i]};
    }
    call_together(calls, REQUESTS, do_nothing, NULL);
    for (int i = 0; i < REQUESTS; i++)
        CHECK(calls[i].result, ==, NATS_OK);
    natsSubscription_Destroy(subscription);
    natsConnection_Destroy(client);
    natsConnection_Destroy(server);
    end(patch);
}

TEST(refused, "refusals of the server are errors of libnats") {
    char url[64];
    natsConnection *none;
    green_patch *patch = begin();
    expect_service();
    url_of(url, refusing_port());
    CHECK(connect_at(&none, url, false), ==, NATS_NO_SERVER);
    CHECK(connect_at(&none, "nats://a..b:4222", false), ==, NATS_NO_SERVER);
    CHECK(connect_at(&none, "nats://127.0.0.1:port", false), !=, NATS_OK);
    natsConnection *client = connection(false);
    natsSubscription *subscription;
    CHECK(natsConnection_SubscribeSync(&subscription, client, "a subject"), ==, NATS_INVALID_SUBJECT);
    natsMsg *reply = NULL;
    CHECK(natsConnection_RequestString(&reply, client, "nobody", "hello", HOUR), ==, NATS_NO_RESPONDERS);
    natsConnection_Destroy(client);
    end(patch);
}

TEST(killed, "a server that is killed is an error of each that waits") {
    enum { COUNT = 10 };
    struct receiver receivers[COUNT];
    struct call calls[COUNT];
    green_patch *patch = begin();
    for (int i = 0; i < COUNT; i++) {
        receivers[i] = receiver_of("nothing", false);
        calls[i] = (struct call){.make = receive, .argument = &receivers[i]};
    }
    call_together(calls, COUNT, kill_server, "NATS");
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, NATS_CONNECTION_CLOSED);
        end_receiver(&receivers[i]);
    }
    expect_service();
    end(patch);
}

TEST(reconnect, "a connection of libnats connects again after a kill of the server") {
    green_patch *patch = begin();
    natsStatistics *statistics = NULL;
    uint64_t reconnects = 0;
    CHECK(natsStatistics_Create(&statistics), ==, NATS_OK);
    struct receiver receiver = receiver_of("again", true);
    struct call call = {.make = receive, .argument = &receiver};
    green_thread *thread = start(run_call, &call);
    UNTIL(call.is_inside);
    kill_server("NATS");
    UNTIL(natsConnection_GetStats(receiver.connection, statistics) == NATS_OK &&
          natsStatistics_GetCounts(statistics, NULL, NULL, NULL, NULL, &reconnects) == NATS_OK && reconnects == 1);
    CHECK(natsConnection_Flush(receiver.connection), ==, NATS_OK);
    publish("again");
    CHECK(finish(thread), ==, 0);
    CHECK(call.result, ==, NATS_OK);
    end_receiver(&receiver);
    natsStatistics_Destroy(statistics);
    end(patch);
}

TEST(interrupted, "a green timeout and a kill end a wait for a message as a timeout of libnats") {
    green_patch *patch = begin();
    struct receiver receiver = receiver_of("late", false);
    struct call call = {.make = receive, .argument = &receiver, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, NATS_TIMEOUT);
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, NATS_TIMEOUT);
    publish("late");
    CHECK(receive(&receiver), ==, NATS_OK);
    end_receiver(&receiver);
    end(patch);
}

static int connect_to_stopped(void *argument) {
    natsConnection *none;
    return (int)connect_at(&none, argument, false);
}

TEST(connect, "a green timeout and a kill end a connect to a stopped server") {
    char url[64];
    green_patch *patch = begin();
    expect_service();
    url_of(url, port_of("NATS"));
    stop_server("NATS");
    struct call call = {.make = connect_to_stopped, .argument = url, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, !=, NATS_OK);
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, !=, NATS_OK);
    continue_server("NATS");
    expect_service();
    end(patch);
}
