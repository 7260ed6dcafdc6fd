/* Less receive memory than unread bytes: no byte is lost, and sockets with unread bytes do
 * not stop others from receiving. */
#include "helpers.h"
#include "readers.h"

enum { HOLDERS = 100, HELD = 16 << 10 };

static struct pair holders[HOLDERS];

static void open_small_hub(void) {
    green_hub_options options = {.receive_memory = 64 << 10};
    CHECK(green_hub_open(&options), ==, 0);
}

/* Sockets with 16 KiB of unread bytes each: together 25 times the receive memory. */
static void make_holders(void) {
    char bytes[HELD];
    for (int i = 0; i < HOLDERS; i++) {
        holders[i] = connected(i % 2 ? TCP4 : UNIX_PAIR);
        pattern_fill(bytes, HELD, (uint64_t)i);
        CHECK(green_write(holders[i].far, bytes, HELD), ==, HELD);
    }
}

static void read_held(int i, uint64_t already) {
    struct transfer receive = {holders[i].near, (uint64_t)i + HELD, (uint64_t)i + already};
    CHECK(receive_pattern(&receive), ==, 0);
    CHECK(receive.position, ==, receive.size);
    release_pair(&holders[i]);
}

static int echo(void *argument) {
    char bytes[1024];
    ssize_t count;
    while ((count = green_read(argument, bytes, sizeof bytes)) > 0)
        CHECK(green_write(argument, bytes, (size_t)count), ==, count);
    return (int)count;
}

/* Other sockets can be served, with bytes that are read at once. */
static void serve_another(void) {
    struct pair pair = connected(TCP4);
    green_thread *thread = start(echo, pair.far);
    for (int i = 0; i < 100; i++) {
        send_text(pair.near, "ping");
        expect_text(pair.near, "ping");
    }
    CHECK(green_close(pair.near), ==, 0);
    CHECK(finish(thread), ==, 0);
    release_pair(&pair);
}

TEST(partly_read, "sockets that were partly read keep the rest, and all bytes arrive") {
    open_small_hub();
    make_holders();
    for (int i = 0; i < HOLDERS; i++) {
        char byte;
        CHECK(green_read(holders[i].near, &byte, 1), ==, 1);
        pattern_check(&byte, 1, (uint64_t)i);
    }
    serve_another();
    for (int i = HOLDERS - 1; i >= 0; i--)
        read_held(i, 1);
}

TEST(in_place, "sockets whose bytes were received in place and not consumed keep them, and all bytes arrive") {
    static const void *received[HOLDERS];
    static ssize_t counts[HOLDERS];
    open_small_hub();
    make_holders();
    for (int i = 0; i < HOLDERS; i++) {
        counts[i] = green_receive(holders[i].near, &received[i]);
        CHECK(counts[i], >, 0);
    }
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.buffers, ==, 4); /* of 16 KiB */
    serve_another();
    for (int i = 0; i < HOLDERS; i++) /* received bytes stay valid */
        pattern_check(received[i], (size_t)counts[i], (uint64_t)i);
    for (int i = 0; i < HOLDERS; i++) {
        green_consume(holders[i].near, 1);
        read_held(i, 1);
    }
}

static int read_long_line(void *argument) {
    char line[8192];
    return (int)green_read_line(argument, line, sizeof line);
}

TEST(waiting_for_more, "sockets that wait for the rest of a message keep their part while others are served") {
    green_thread *threads[HOLDERS];
    char part[4096];
    open_small_hub();
    memset(part, 'x', sizeof part);
    for (int i = 0; i < HOLDERS; i++) {
        holders[i] = connected(TCP4);
        CHECK(green_write(holders[i].far, part, sizeof part), ==, sizeof part);
        threads[i] = start(read_long_line, holders[i].near);
    }
    serve_another();
    for (int i = 0; i < HOLDERS; i++) {
        CHECK(!green_thread_is_finished(threads[i]));
        send_text(holders[i].far, "\n");
    }
    for (int i = 0; i < HOLDERS; i++) {
        CHECK(finish(threads[i]), ==, sizeof part + 1);
        release_pair(&holders[i]);
    }
}

TEST(closed_with_data, "sockets closed with unread bytes release their buffers") {
    green_statistics now;
    open_small_hub();
    for (int round = 0; round < 5; round++) {
        make_holders();
        for (int i = 0; i < HOLDERS; i++) {
            char byte;
            CHECK(green_read(holders[i].near, &byte, 1), ==, 1);
        }
        for (int i = 0; i < HOLDERS; i++)
            release_pair(&holders[i]);
    }
    serve_another();
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.buffers, ==, 0);
}

TEST(consumed_after_close, "the buffer of a closed socket is released when its first byte is consumed") {
    const void *bytes;
    green_statistics now;
    struct pair pair = connected(UNIX_PAIR);
    send_text(pair.far, "some bytes");
    CHECK(green_receive(pair.near, &bytes), ==, 10);
    CHECK(green_close(pair.near), ==, 0);
    CHECK(memcmp(bytes, "some", 4), ==, 0);
    green_consume(pair.near, 4);
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.buffers, ==, 0);
    release_pair(&pair);
}

TEST(large_message, "a message larger than all receive memory arrives by every kind of read") {
    enum { SIZE = 1 << 20 };
    char *bytes = malloc(SIZE);
    open_small_hub();
    struct pair pair = connected(TCP4);
    struct transfer send = {pair.far, 3 * SIZE, 0};
    green_thread *thread = start(send_pattern, &send);
    CHECK(green_read_exactly(pair.near, bytes, SIZE), ==, SIZE);
    pattern_check(bytes, SIZE, 0);
    struct transfer receive = {pair.near, 2 * SIZE, SIZE};
    CHECK(receive_pattern(&receive), ==, 0);
    for (uint64_t position = 2 * SIZE; position < 3 * SIZE;) {
        const void *received;
        ssize_t count = green_receive(pair.near, &received);
        CHECK(count, >, 0);
        pattern_check(received, (size_t)count, position);
        green_consume(pair.near, (size_t)count);
        position += (uint64_t)count;
    }
    CHECK(finish(thread), ==, 0);
    free(bytes);
    release_pair(&pair);
}

TEST(all_at_once, "a hundred streams share less receive memory than one of them sends") {
    static struct transfer sends[HOLDERS], receives[HOLDERS];
    green_thread *threads[2 * HOLDERS];
    open_small_hub();
    for (int i = 0; i < HOLDERS; i++) {
        holders[i] = connected(i % 2 ? TCP4 : UNIX_PAIR);
        uint64_t size = (uint64_t)SCALED(500) * 1000;
        sends[i] = (struct transfer){holders[i].far, size, 0};
        receives[i] = (struct transfer){holders[i].near, size, 0};
        threads[2 * i] = start(receive_pattern, &receives[i]);
        threads[2 * i + 1] = start(send_pattern, &sends[i]);
    }
    for (int i = 0; i < 2 * HOLDERS; i++)
        CHECK(finish(threads[i]), ==, 0);
    for (int i = 0; i < HOLDERS; i++) {
        CHECK(receives[i].position, ==, receives[i].size);
        release_pair(&holders[i]);
    }
}

TEST(idle_hold_nothing, "a thousand idle readers hold no buffer") {
    enum { READERS = SCALED(1000) };
    static struct pair pairs[READERS];
    static green_thread *threads[READERS];
    green_statistics now;
    open_small_hub();
    for (int i = 0; i < READERS; i++) {
        pairs[i] = connected(UNIX_PAIR);
        threads[i] = start(read_byte, pairs[i].near);
    }
    let_run();
    CHECK(green_hub_statistics(&now), ==, 0);
    CHECK(now.buffers, ==, 0);
    for (int i = 0; i < READERS; i++) /* all wake, although their bytes arrive at the same time */
        send_text(pairs[i].far, "x");
    for (int i = 0; i < READERS; i++) {
        CHECK(finish(threads[i]), ==, 1);
        release_pair(&pairs[i]);
    }
}
