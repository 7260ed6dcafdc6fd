/* librdkafka and its own mock cluster. Its threads are C11 threads. */
#include "servers.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <sys/eventfd.h>

enum { COUNT = 10, HOUR = 3600 * 1000 };

static rd_kafka_t *client_of(rd_kafka_type_t type, const char *key, const char *value) {
    char error[256] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    CHECK(rd_kafka_conf_set(conf, key, value, error, sizeof error), ==, RD_KAFKA_CONF_OK);
    CHECK(rd_kafka_conf_set(conf, "group.id", "green", error, sizeof error), ==, RD_KAFKA_CONF_OK);
    CHECK(rd_kafka_conf_set(conf, "log_level", "0", error, sizeof error), ==, RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
    CHECK_TEXT(error, "");
    return client;
}

/* A producer, with a cluster of one broker in its own threads. */
static rd_kafka_t *producer;

static const char *cluster(void) {
    producer = client_of(RD_KAFKA_PRODUCER, "test.mock.num.brokers", "1");
    rd_kafka_mock_cluster_t *mock = rd_kafka_handle_mock_cluster(producer);
    CHECK(mock != NULL);
    CHECK(rd_kafka_mock_topic_create(mock, "topic", 1, 1), ==, RD_KAFKA_RESP_ERR_NO_ERROR);
    return rd_kafka_mock_cluster_bootstraps(mock);
}

static void produce(const char *topic) {
    CHECK(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_VALUE((void *)(uintptr_t) "hello", 5),
                            RD_KAFKA_V_END),
          ==, RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* A consumer of the topic, and a descriptor that is readable when it has something. */
struct consumer {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    int events;
};

static struct consumer consumer_at(const char *bootstraps) {
    static const uint64_t one = 1;
    struct consumer consumer = {.client = client_of(RD_KAFKA_CONSUMER, "bootstrap.servers", bootstraps)};
    consumer.events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(consumer.events, >=, 0);
    consumer.queue = rd_kafka_queue_get_consumer(consumer.client);
    rd_kafka_queue_io_event_enable(consumer.queue, consumer.events, &one, sizeof one);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "topic", 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    CHECK(rd_kafka_assign(consumer.client, list), ==, RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    return consumer;
}

static void end_consumer(struct consumer *consumer) {
    rd_kafka_queue_io_event_enable(consumer->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(consumer->queue);
    CHECK(rd_kafka_consumer_close(consumer->client), ==, RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(consumer->client);
    close(consumer->events);
}

/* Takes a message or an error. */
static int take(struct consumer *consumer, int milliseconds, bool *has_message) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->client, milliseconds);
    int error = message ? (int)message->err : 0;
    *has_message = message != NULL;
    if (message && !error) {
        CHECK(message->len, ==, 5);
        CHECK(memcmp(message->payload, "hello", 5), ==, 0);
    }
    if (message)
        rd_kafka_message_destroy(message);
    return error;
}

/* Waits for a message by the descriptor. Returns 0, the error of librdkafka or of the wait. */
static int receive(void *argument) {
    struct consumer *consumer = argument;
    for (;;) {
        bool has_message;
        uint64_t count;
        int error = take(consumer, 0, &has_message);
        if (has_message)
            return error;
        error = green_wait_fd(consumer->events, POLLIN, GREEN_FOREVER);
        if (error < 0)
            return error;
        CHECK(read(consumer->events, &count, sizeof count), ==, sizeof count);
    }
}

/* Waits in librdkafka itself. */
static int receive_green(void *argument) {
    bool has_message = false;
    int error = 0;
    while (error == 0 && !has_message)
        error = take(argument, HOUR, &has_message);
    return error;
}

TEST(green, "patched, consumers, the producer and the cluster are green threads of one OS thread") {
    struct consumer consumers[COUNT];
    struct call calls[COUNT];
    green_patch *patch = import_families("librdkafka.so.1", GREEN_PATCH_ALL | GREEN_PATCH_THREAD, NULL);
    size_t threads = os_threads();
    const char *bootstraps = cluster();
    for (int i = 0; i < COUNT; i++) {
        consumers[i] = consumer_at(bootstraps);
        calls[i] = (struct call){.make = receive_green, .argument = &consumers[i]};
    }
    CHECK(os_threads(), ==, threads);
    int64_t began = green_now();
    call_together(calls, COUNT, produce, "topic");
    figure("librdkafka, patched: %d receive one message: %.3f s", COUNT, seconds_since(began));
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, 0);
        end_consumer(&consumers[i]);
    }
    rd_kafka_destroy(producer);
    CHECK(rd_kafka_wait_destroyed(30000), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(descriptors, "ten consumers with OS threads of their own wait by descriptors") {
    struct consumer consumers[COUNT];
    struct call calls[COUNT];
    CHECK(green_yield(), ==, 0);
    const char *bootstraps = cluster();
    for (int i = 0; i < COUNT; i++) {
        consumers[i] = consumer_at(bootstraps);
        calls[i] = (struct call){.make = receive, .argument = &consumers[i]};
    }
    call_together(calls, COUNT, produce, "topic");
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, 0);
        end_consumer(&consumers[i]);
    }
    rd_kafka_destroy(producer);
}

/* Waits for a message, and ignores that brokers are down. */
static int receive_in_the_end(void *argument) {
    int error;
    do
        error = receive(argument);
    while (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__TRANSPORT);
    return error;
}

static void restart_broker(const char *topic) {
    rd_kafka_mock_cluster_t *mock = rd_kafka_handle_mock_cluster(producer);
    CHECK(rd_kafka_mock_broker_set_down(mock, 1), ==, RD_KAFKA_RESP_ERR_NO_ERROR);
    CHECK(green_sleep(50 * GREEN_MILLISECOND), ==, 0);
    CHECK(rd_kafka_mock_broker_set_up(mock, 1), ==, RD_KAFKA_RESP_ERR_NO_ERROR);
    produce(topic);
}

TEST(down, "consumers receive a message from a broker that was down") {
    struct consumer consumers[COUNT];
    struct call calls[COUNT];
    CHECK(green_yield(), ==, 0);
    const char *bootstraps = cluster();
    for (int i = 0; i < COUNT; i++) {
        consumers[i] = consumer_at(bootstraps);
        calls[i] = (struct call){.make = receive_in_the_end, .argument = &consumers[i]};
    }
    call_together(calls, COUNT, restart_broker, "topic");
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, 0);
        end_consumer(&consumers[i]);
    }
    rd_kafka_destroy(producer);
}

TEST(interrupted, "a green timeout and a kill end a wait by a descriptor") {
    CHECK(green_yield(), ==, 0);
    struct consumer consumer = consumer_at(cluster());
    struct call call = {.make = receive, .argument = &consumer, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, -ETIME);
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, -ECANCELED);
    produce("topic");
    CHECK(receive(&consumer), ==, 0);
    end_consumer(&consumer);
    rd_kafka_destroy(producer);
}

TEST(refused, "refusals of the cluster are errors of librdkafka") {
    char address[32];
    CHECK(green_yield(), ==, 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", refusing_port());
    rd_kafka_t *client = client_of(RD_KAFKA_PRODUCER, "bootstrap.servers", address);
    const struct rd_kafka_metadata *metadata;
    CHECK(rd_kafka_metadata(client, 0, NULL, &metadata, 200), ==, RD_KAFKA_RESP_ERR__TRANSPORT);
    rd_kafka_destroy(client);
}
