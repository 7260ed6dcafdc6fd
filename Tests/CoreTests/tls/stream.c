/* Bytes over TLS: in order, complete, in both directions, in pieces of any size. */
#include "tls_helpers.h"

#include <sys/socket.h>

static void exchange(green_tls_version version) {
    struct tls_pair pair = tls_pair(version);
    CHECK(info_of(pair.client).version, ==, version);
    send_text(pair.client, "one\ntwo\n");
    char line[16];
    CHECK(green_read_line(pair.server, line, sizeof line), ==, 4);
    CHECK_TEXT(line, "one\n");
    const void *bytes;
    CHECK(green_receive(pair.server, &bytes), ==, 4);
    CHECK(memcmp(bytes, "two\n", 4), ==, 0);
    green_consume(pair.server, 4);
    send_text(pair.server, "back");
    expect_text(pair.client, "back");
    release_tls_pair(&pair);
}

TEST(exchange, "lines, received bytes and exact reads work over TLS 1.2 and 1.3") {
    with_each_version(exchange);
}

static void close_notify(green_tls_version version) {
    struct tls_pair pair = tls_pair(version);
    send_text(pair.client, "last");
    CHECK(green_shutdown(pair.client, SHUT_WR), ==, 0);
    expect_text(pair.server, "last");
    expect_end(pair.server);
    send_text(pair.server, "answer");
    expect_text(pair.client, "answer");
    CHECK(green_write(pair.client, "x", 1), ==, -EPIPE);
    CHECK(green_close(pair.server), ==, 0);
    expect_end(pair.client);
    release_tls_pair(&pair);
}

TEST(close_notify, "close_notify ends one direction, and the other continues") {
    with_each_version(close_notify);
}

static void cut(green_tls_version version) {
    struct tls_pair pair = tls_pair(version);
    send_text(pair.client, "half");
    expect_text(pair.server, "half");
    /* The descriptor below ends without close_notify. */
    CHECK(shutdown(green_socket_fd(pair.client), SHUT_WR), ==, 0);
    char byte;
    CHECK(green_read(pair.server, &byte, 1), ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_TRUNCATED);
    CHECK_CONTAINS(green_explain(-EPROTO), "without close_notify");
    CHECK(green_read(pair.server, &byte, 1), ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_TRUNCATED);
    release_tls_pair(&pair);
}

static int write_much(void *socket) {
    static char bytes[1 << 20];
    return (int)green_write(socket, bytes, sizeof bytes);
}

static int end_stream(void *socket) {
    return green_shutdown(socket, SHUT_WR);
}

TEST(close_notify_released, "a shutdown does not touch a socket that was released during the close_notify alert") {
    static char bytes[1 << 20];
    struct tls_pair pair = tls_pair(0);
    CHECK(green_socket_set_option(pair.client, SOL_SOCKET, SO_SNDBUF, 8192), ==, 0);
    green_thread *writer = start(write_much, pair.client);
    let_run();
    CHECK(kill_and_finish(writer), ==, -ECANCELED);
    green_thread *ending = start(end_stream, pair.client); /* sends the encrypted bytes of the write first */
    let_run();
    CHECK(green_socket_set_option(pair.client, SOL_SOCKET, SO_SNDBUF, sizeof bytes), ==,
          0); /* the kernel accepts the rest at once */
    while (recv(green_socket_fd(pair.server), bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    CHECK(finish(release_on_completion(pair.client)), ==, 0);
    CHECK(finish(ending), ==, 0);
    green_socket_release(pair.server);
}

TEST(truncated, "a truncated stream is an error, not an end of stream, in each later call too") {
    with_each_version(cut);
}

static int stop(void *socket) {
    return green_tls_stop(socket);
}

TEST(stopped, "after a stop on both ends, the connection carries plain bytes") {
    struct tls_pair pair = tls_pair(0);
    green_thread *other = start(stop, pair.server);
    CHECK(green_tls_stop(pair.client), ==, 0);
    CHECK(finish(other), ==, 0);
    CHECK(!green_tls_is_on(pair.client) && !green_tls_is_on(pair.server));
    send_text(pair.client, "plain");
    char bytes[8];
    CHECK(recv(green_socket_fd(pair.server), bytes, sizeof bytes, MSG_PEEK), ==, 5);
    expect_text(pair.server, "plain");
    CHECK(green_tls_stop(pair.client), ==, -ENOTCONN);
    release_tls_pair(&pair);
}

TEST(stopped_early, "a stop fails while data is unread") {
    struct tls_pair pair = tls_pair(0);
    send_text(pair.server, "unread");
    CHECK(green_tls_stop(pair.client), ==, -EPROTO);
    CHECK_CONTAINS(green_explain(-EPROTO), "unread application data remains");
    release_tls_pair(&pair);
}

TEST(early_bytes, "bytes that arrive before the handshake are an error") {
    struct pair plain = connected(UNIX_PAIR);
    green_tls_context *context = client_context();
    send_text(plain.far, "250 go ahead\nNOW");
    char line[32];
    CHECK(green_read_line(plain.near, line, sizeof line), ==, 13);
    CHECK(green_tls_start(plain.near, context, "localhost"), ==, -EPROTO);
    CHECK_CONTAINS(green_explain(-EPROTO), "3 bytes arrived before the handshake");
    CHECK(!green_tls_is_on(plain.near));
    green_tls_context_release(context);
    release_pair(&plain);
}

/* Full duplex --------------------------------------------------------------- */

static uint64_t bulk(void) {
    const char *asked = getenv("GREEN_TLS_BYTES");
    return asked ? strtoull(asked, NULL, 10) : SCALED(64ull << 20);
}

static void saturate(green_tls_version version) {
    struct tls_pair pair = tls_pair(version);
    struct transfer out[] = {{pair.client, bulk(), 0}, {pair.server, bulk(), 0}};
    struct transfer in[] = {{pair.server, bulk(), 0}, {pair.client, bulk(), 0}};
    green_thread *threads[] = {start(send_pattern, &out[0]), start(send_pattern, &out[1]),
                               start(receive_pattern, &in[0]), start(receive_pattern, &in[1])};
    for (int i = 0; i < 4; i++)
        CHECK(finish(threads[i]), ==, 0);
    for (int i = 0; i < 2; i++) {
        CHECK(in[i].position, ==, bulk());
        printf("%llu bytes\n", (unsigned long long)in[i].position);
    }
    release_tls_pair(&pair);
}

BIG_TEST(duplex, "data sent in both directions at once, without pause, arrives complete and in order") {
    with_each_version(saturate);
}

/* In pieces ----------------------------------------------------------------- */

/* Forwards bytes in pieces of this size; the first has another size. */
struct relay {
    green_socket *from, *to;
    size_t first, size;
};

static int relay(void *argument) {
    const struct relay *way = argument;
    char bytes[4096];
    size_t limit = way->first ? way->first : way->size;
    for (ssize_t count; (count = green_read(way->from, bytes, limit)) > 0; limit = way->size) {
        if ((count = green_write(way->to, bytes, (size_t)count)) < 0)
            return (int)count;
        green_yield();
    }
    return green_shutdown(way->to, SHUT_WR);
}

/* client - near | relays | far - server */
static void through_relays(size_t first, size_t size, void (*body)(struct tls_pair *pair)) {
    green_socket *client, *near, *far, *server;
    CHECK(green_socket_pair(&client, &near), ==, 0);
    CHECK(green_socket_pair(&far, &server), ==, 0);
    struct relay ways[] = {{near, far, first, size}, {far, near, first, size}};
    green_thread *relays[] = {start(relay, &ways[0]), start(relay, &ways[1])};
    green_tls_context *client_tls = client_context(), *server_tls = server_context(localhost());
    struct tls_pair pair = tls_meet_on(client, server, client_tls, server_tls, "localhost");
    CHECK_TEXT(pair.client_outcome.text, "");
    CHECK_TEXT(pair.server_outcome.text, "");
    body(&pair);
    release_tls_pair(&pair);
    CHECK(finish(relays[0]), ==, 0);
    CHECK(finish(relays[1]), ==, 0);
    green_socket_release(near);
    green_socket_release(far);
    green_tls_context_release(client_tls);
    green_tls_context_release(server_tls);
}

static void talk(struct tls_pair *pair) {
    static char bytes[3000];
    send_text(pair->client, "hello");
    expect_text(pair->server, "hello");
    pattern_fill(bytes, sizeof bytes, 0);
    CHECK(green_write(pair->server, bytes, sizeof bytes), ==, sizeof bytes);
    memset(bytes, 0, sizeof bytes);
    CHECK(green_read_exactly(pair->client, bytes, sizeof bytes), ==, sizeof bytes);
    pattern_check(bytes, sizeof bytes, 0);
    CHECK(green_shutdown(pair->client, SHUT_WR), ==, 0);
    expect_end(pair->server);
    CHECK(green_shutdown(pair->server, SHUT_WR), ==, 0);
    expect_end(pair->client);
}

TEST(bytewise, "a connection whose bytes arrive one at a time works") {
    through_relays(1, 1, talk);
}

BIG_TEST(split, "the bytes of a connection may be split at every offset") {
    for (size_t first = 1; first < 2400; first += SLOW ? 97 : 7)
        through_relays(first, 4096, talk);
    for (size_t size = 2; size < 64; size += SLOW ? 11 : 1)
        through_relays(0, size, talk);
}

/* One record, one send ------------------------------------------------------ */

static unsigned records_of(const unsigned char *bytes, size_t size) {
    unsigned records = 0;
    for (size_t at = 0; at + 5 <= size; at += 5u + (size_t)(bytes[at + 3] << 8 | bytes[at + 4]))
        records++;
    return records;
}

TEST(gathered, "three pieces of a small answer are sent as one record") {
    struct tls_pair pair = tls_pair(0);
    char first[20] = "HTTP", second[40] = "head", third[40] = "body";
    struct iovec pieces[] = {{first, sizeof first}, {second, sizeof second}, {third, sizeof third}};
    green_statistics before, after;
    CHECK(green_hub_statistics(&before), ==, 0);
    CHECK(green_writev(pair.server, pieces, 3), ==, 100);
    CHECK(green_hub_statistics(&after), ==, 0);
    unsigned char bytes[512];
    ssize_t count = recv(green_socket_fd(pair.client), bytes, sizeof bytes, MSG_PEEK);
    CHECK(records_of(bytes, (size_t)count), ==, 1);
    CHECK(after.system_calls - before.system_calls, <=, 2);
    char answer[100];
    CHECK(green_read_exactly(pair.client, answer, sizeof answer), ==, 100);
    CHECK(memcmp(answer + 60, "body", 4), ==, 0);
    release_tls_pair(&pair);
}

static int count_turns(void *argument) {
    int *turns = argument;
    while (*turns >= 0) {
        ++*turns;
        CHECK(green_yield(), ==, 0);
    }
    return 0;
}

/* On epoll one write may be done at once, and the next one not. */
TEST(fair, "two writes that do not wait, small or large, let other threads run") {
    struct tls_pair pair = tls_pair(0);
    static char bytes[16384], back[16384];
    int turns = 0;
    green_thread *other = start(count_turns, &turns);
    pattern_fill(bytes, sizeof bytes, 0);
    for (size_t size = 1; size <= sizeof bytes; size *= 2) {
        int before = turns;
        for (int i = 0; i < 2; i++)
            CHECK(green_write(pair.server, bytes, size), ==, size);
        CHECK(turns, >, before);
        for (int i = 0; i < 2; i++) {
            CHECK(green_read_exactly(pair.client, back, size), ==, size);
            pattern_check(back, size, 0);
        }
    }
    turns = -1;
    CHECK(finish(other), ==, 0);
    release_tls_pair(&pair);
}

/* The kernel accepts a part of a record, and the rest follows. */
TEST(full, "a large record that the kernel accepts only in part arrives complete") {
    struct tls_pair pair = tls_pair(0);
    struct transfer out = {pair.server, 4 << 20, 0}, in = {pair.client, 4 << 20, 0};
    static char bytes[16384];
    CHECK(green_socket_set_option(pair.server, SOL_SOCKET, SO_SNDBUF, 40000), ==, 0);
    green_thread *reader = start(receive_pattern, &in);
    for (; out.position < out.size; out.position += sizeof bytes) {
        pattern_fill(bytes, sizeof bytes, out.position);
        CHECK(green_write(pair.server, bytes, sizeof bytes), ==, sizeof bytes);
    }
    CHECK(finish(reader), ==, 0);
    CHECK(in.position, ==, out.size);
    release_tls_pair(&pair);
}

TEST(sizes, "writes of each size around that of a record arrive complete") {
    struct tls_pair pair = tls_pair(0);
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 40000, 131072, 300001};
    static char bytes[300001], back[300001];
    pattern_fill(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct transfer in = {pair.client, sizes[i], 0};
        green_thread *reader = start(receive_pattern, &in);
        CHECK(green_write(pair.server, bytes, sizes[i]), ==, sizes[i]);
        CHECK(finish(reader), ==, 0);
    }
    CHECK(green_write_some(pair.server, bytes, 20000), ==, 16384);
    CHECK(green_read_exactly(pair.client, back, 16384), ==, 16384);
    release_tls_pair(&pair);
}

static void selected(green_tls_version version) {
    struct tls_pair pair = tls_pair(version);
    green_case readable = green_case_readable(pair.server), writable = green_case_writable(pair.server);
    CHECK(green_select(&writable, 1, GREEN_FOREVER), ==, 0);
    send_text(pair.client, "one\ntwo");
    CHECK(green_select(&readable, 1, GREEN_FOREVER), ==, 0);
    expect_text(pair.server, "one\n");
    CHECK(green_select(&readable, 1, 0), ==, 0); /* OpenSSL has the rest of the record, not the descriptor */
    expect_text(pair.server, "two");
    CHECK(green_select(&readable, 1, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_shutdown(pair.client, SHUT_WR), ==, 0);
    CHECK(green_select(&readable, 1, GREEN_FOREVER), ==, 0);
    expect_end(pair.server);
    CHECK(green_select(&readable, 1, GREEN_FOREVER), ==, 0);
    release_tls_pair(&pair);
}

TEST(selected, "a select finds bytes that OpenSSL has decrypted") {
    with_each_version(selected);
}
