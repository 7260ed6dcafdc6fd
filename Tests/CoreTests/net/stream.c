/* A stream between two threads: echo, end of stream, resets, large transfers. */
#include "helpers.h"
#include "readers.h"

static int echo(void *argument) {
    char bytes[4096];
    ssize_t count;
    while ((count = green_read(argument, bytes, sizeof bytes)) > 0)
        if ((count = green_write(argument, bytes, (size_t)count)) < 0)
            break;
    return (int)count;
}

static void echo_sizes(struct pair *pair) {
    static const size_t sizes[] = {1, 2, 63, 4095, 4096, 4097, 65536, 100000};
    static char out[100000], in[100000];
    green_thread *thread = start(echo, pair->far);
    uint64_t position = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++, position += 1000) {
        pattern_fill(out, sizes[i], position);
        struct transfer receive = {pair->near, position + sizes[i], position};
        green_thread *reader = start(receive_pattern, &receive);
        CHECK(green_write(pair->near, out, sizes[i]), ==, sizes[i]);
        CHECK(finish(reader), ==, 0);
        CHECK(receive.position, ==, receive.size);
    }
    pattern_fill(out, 1, 0);
    CHECK(green_write(pair->near, out, 1), ==, 1);
    CHECK(green_read_exactly(pair->near, in, 1), ==, 1);
    CHECK(green_close(pair->near), ==, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(echo, "written bytes are echoed over every transport") {
    with_each_transport(echo_sizes);
}

static void half_close(struct pair *pair) {
    green_thread *thread = start(echo, pair->far);
    send_text(pair->near, "last words");
    CHECK(green_shutdown(pair->near, SHUT_WR), ==, 0);
    CHECK(finish(thread), ==, 0);
    expect_text(pair->near, "last words"); /* this direction is still open */
    send_text(pair->far, "reply");
    expect_text(pair->near, "reply");
    CHECK(green_write(pair->near, "x", 1), ==, -EPIPE);
    CHECK(green_close(pair->far), ==, 0);
    expect_end(pair->near);
    expect_end(pair->near); /* a read after the end returns 0 again */
}

TEST(half_close, "after a half-close the other direction continues") {
    with_each_transport(half_close);
}

static void shut_down(struct pair *pair) {
    green_thread *thread = start(read_byte, pair->near);
    let_run();
    CHECK(green_shutdown(pair->near, SHUT_RD), ==, 0);
    CHECK(finish(thread), ==, 0); /* an end of stream, as for read(2) */
    CHECK(green_shutdown(pair->near, SHUT_RDWR), ==, 0);
    CHECK(green_close(pair->near), ==, 0);
    CHECK(green_shutdown(pair->near, SHUT_WR), ==, -EBADF);
}

TEST(shutdown, "a shutdown for reading wakes the reader with the end of the stream") {
    with_each_transport(shut_down);
}

TEST(shutdown_unconnected, "a shutdown of an unconnected socket is -ENOTCONN, and of an invalid direction -EINVAL") {
    green_socket *socket = NULL;
    int fd = socket_of_type(SOCK_STREAM);
    CHECK(green_socket_adopt(&socket, fd), ==, 0);
    CHECK(green_shutdown(socket, SHUT_WR), ==, -ENOTCONN);
    green_socket_release(socket);
    struct pair pair = connected(UNIX_PAIR);
    CHECK(green_shutdown(pair.near, 77), ==, -EINVAL);
    release_pair(&pair);
}

TEST(end_wakes_reader, "a blocked reader gets 0 when the peer closes") {
    struct pair pair = connected(TCP4);
    green_thread *thread = start(read_byte, pair.near);
    let_run();
    CHECK(green_close(pair.far), ==, 0);
    CHECK(finish(thread), ==, 0);
    release_pair(&pair);
}

TEST(reset_wakes_reader, "a blocked reader gets -ECONNRESET when the peer resets") {
    struct pair pair = connected(TCP4);
    green_thread *thread = start(read_byte, pair.near);
    let_run();
    reset_and_release(pair.far);
    int error = finish(thread);
    CHECK(error, ==, -ECONNRESET);
    CHECK(*green_explain(error) != 0);
    green_socket_release(pair.near);
}

TEST(reset_before_read, "a read after a reset is -ECONNRESET, then the end") {
    struct pair pair = connected(TCP4);
    char byte;
    reset_and_release(pair.far);
    CHECK(green_read(pair.near, &byte, 1), ==, -ECONNRESET);
    CHECK(green_read(pair.near, &byte, 1), <=, 0);
    green_socket_release(pair.near);
}

static int write_much(void *argument) {
    static char bytes[16 << 20];
    return (int)green_write(argument, bytes, sizeof bytes);
}

TEST(reset_wakes_writer, "a blocked writer gets -ECONNRESET or -EPIPE when the peer resets, and no SIGPIPE") {
    struct pair pair = connected(TCP4);
    green_thread *thread = start(write_much, pair.near);
    let_run();
    reset_and_release(pair.far);
    int error = finish(thread);
    CHECK(error == -ECONNRESET || error == -EPIPE);
    CHECK(green_write(pair.near, "x", 1), ==, -EPIPE);
    green_socket_release(pair.near);
}

static void vanish(struct pair *pair) {
    char bytes[11] = "..........";
    send_text(pair->far, "abc");
    CHECK(green_close(pair->far), ==, 0);
    CHECK(green_read_exactly(pair->near, bytes, 10), ==, -ENODATA);
    CHECK_CONTAINS(green_explain(-ENODATA), "3");
    CHECK_TEXT(bytes, "abc.......");
    expect_end(pair->near);
}

TEST(vanish, "a peer that disconnects within a message is -ENODATA, and the received bytes are in place") {
    with_each_transport(vanish);
}

static int drip(void *argument) {
    struct transfer *transfer = argument;
    for (; transfer->position < transfer->size; transfer->position++) {
        char byte;
        pattern_fill(&byte, 1, transfer->position);
        CHECK(green_write(transfer->socket, &byte, 1), ==, 1);
        CHECK(green_yield(), ==, 0);
    }
    return 0;
}

static void byte_by_byte(struct pair *pair) {
    char bytes[3000];
    struct transfer send = {pair->far, sizeof bytes, 0};
    green_thread *thread = start(drip, &send);
    CHECK(green_read_exactly(pair->near, bytes, sizeof bytes), ==, sizeof bytes);
    pattern_check(bytes, sizeof bytes, 0);
    CHECK(finish(thread), ==, 0);
}

TEST(byte_by_byte, "a message that arrives one byte at a time is complete") {
    with_each_transport(byte_by_byte);
}

static void both_ways(struct pair *pair) {
    uint64_t size = (uint64_t)SCALED(64) << 20;
    struct transfer sends[2] = {{pair->near, size, 0}, {pair->far, size, 0}};
    struct transfer receives[2] = {{pair->near, size, 0}, {pair->far, size, 0}};
    green_thread *threads[4];
    for (int i = 0; i < 2; i++) {
        threads[2 * i] = start(send_pattern, &sends[i]);
        threads[2 * i + 1] = start(receive_pattern, &receives[i]);
    }
    for (int i = 0; i < 4; i++)
        CHECK(finish(threads[i]), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(receives[i].position, ==, size);
}

BIG_TEST(large_tcp, "64 MiB in both directions arrive unchanged over TCP") {
    struct pair pair = connected(TCP4);
    both_ways(&pair);
    release_pair(&pair);
}

BIG_TEST(large_unix, "64 MiB in both directions arrive unchanged over a unix socket") {
    struct pair pair = connected(UNIX_PAIR);
    both_ways(&pair);
    release_pair(&pair);
}

TEST(exact_large, "one exact read and one write transfer 32 MiB") {
    size_t size = (size_t)SCALED(32) << 20;
    char *bytes = malloc(size);
    struct pair pair = connected(TCP4);
    struct transfer send = {pair.near, size, 0};
    green_thread *thread = start(send_pattern, &send);
    CHECK(green_read_exactly(pair.far, bytes, size), ==, size);
    pattern_check(bytes, size, 0);
    CHECK(finish(thread), ==, 0);
    struct transfer receive = {pair.near, size, 0};
    thread = start(receive_pattern, &receive);
    CHECK(green_write(pair.far, bytes, size), ==, size);
    CHECK(finish(thread), ==, 0);
    CHECK(receive.position, ==, size);
    free(bytes);
    release_pair(&pair);
}

TEST(many_streams, "two hundred streams at the same time each get their own bytes") {
    enum { STREAMS = 200, SIZE = 50000 };
    static struct pair pairs[STREAMS];
    static struct transfer sends[STREAMS], receives[STREAMS];
    static green_thread *threads[2 * STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        pairs[i] = connected(i % 2 ? TCP4 : UNIX_PAIR);
        uint64_t position = (uint64_t)i * 977;
        sends[i] = (struct transfer){pairs[i].near, position + SIZE, position};
        receives[i] = (struct transfer){pairs[i].far, position + SIZE, position};
        threads[2 * i] = start(receive_pattern, &receives[i]);
        threads[2 * i + 1] = start(send_pattern, &sends[i]);
    }
    for (int i = 0; i < 2 * STREAMS; i++)
        CHECK(finish(threads[i]), ==, 0);
    for (int i = 0; i < STREAMS; i++) {
        CHECK(receives[i].position, ==, receives[i].size);
        release_pair(&pairs[i]);
    }
}
