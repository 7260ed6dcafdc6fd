/* Reads: exact, by line, in place, and mixed. */
#include "helpers.h"

#define LINE(socket, bytes) green_read_line(socket, bytes, sizeof bytes)

TEST(size_zero, "a read of 0 bytes returns 0 and does not wait") {
    struct pair pair = connected(UNIX_PAIR);
    char byte = 'x';
    CHECK(green_read(pair.near, &byte, 0), ==, 0);
    CHECK(green_read_exactly(pair.near, &byte, 0), ==, 0);
    CHECK(byte, ==, 'x');
    release_pair(&pair);
}

TEST(available_bytes, "a read returns the available bytes") {
    struct pair pair = connected(UNIX_PAIR);
    char bytes[100];
    send_text(pair.far, "abc");
    CHECK(green_read(pair.near, bytes, 1), ==, 1);
    CHECK(bytes[0], ==, 'a');
    CHECK(green_read(pair.near, bytes, sizeof bytes), ==, 2);
    CHECK(memcmp(bytes, "bc", 2), ==, 0);
    release_pair(&pair);
}

static void lines(struct pair *pair) {
    char line[16];
    send_text(pair->far, "one\n\ntwo\r\nlast");
    CHECK(green_shutdown(pair->far, SHUT_WR), ==, 0);
    CHECK(LINE(pair->near, line), ==, 4);
    CHECK_TEXT(line, "one\n");
    CHECK(LINE(pair->near, line), ==, 1);
    CHECK_TEXT(line, "\n");
    CHECK(LINE(pair->near, line), ==, 5);
    CHECK_TEXT(line, "two\r\n");
    CHECK(LINE(pair->near, line), ==, 4);
    CHECK_TEXT(line, "last");
    CHECK(LINE(pair->near, line), ==, 0);
    CHECK(LINE(pair->near, line), ==, 0);
}

TEST(lines, "lines include their '\n', the last one may lack it, and then a read returns 0") {
    with_each_transport(lines);
}

struct parts {
    green_socket *socket;
    const char *text;
    size_t first; /* bytes in the first part */
};

static int send_parts(void *argument) {
    struct parts *parts = argument;
    CHECK(green_write(parts->socket, parts->text, parts->first), ==, parts->first);
    let_run();
    send_text(parts->socket, parts->text + parts->first);
    return 0;
}

TEST(split_anywhere, "a line may arrive in any number of parts") {
    static const char text[] = "first\nsecond\n";
    struct pair pair = connected(TCP4);
    for (size_t first = 0; first < sizeof text; first++) {
        struct parts parts = {pair.far, text, first};
        green_thread *thread = start(send_parts, &parts);
        char line[16];
        CHECK(LINE(pair.near, line), ==, 6);
        CHECK_TEXT(line, "first\n");
        CHECK(LINE(pair.near, line), ==, 7);
        CHECK_TEXT(line, "second\n");
        CHECK(finish(thread), ==, 0);
    }
    release_pair(&pair);
}

TEST(line_just_fits, "a line that fits with its NUL is read, and a longer one is -EMSGSIZE and stays unread") {
    struct pair pair = connected(TCP4);
    char line[8];
    send_text(pair.far, "abcdef\n1234567\n");
    CHECK(LINE(pair.near, line), ==, 7);
    CHECK_TEXT(line, "abcdef\n");
    CHECK(LINE(pair.near, line), ==, -EMSGSIZE);
    CHECK(LINE(pair.near, line), ==, -EMSGSIZE);
    char larger[9];
    CHECK(LINE(pair.near, larger), ==, 8);
    CHECK_TEXT(larger, "1234567\n");
    release_pair(&pair);
}

TEST(line_without_end, "bytes that fill the limit without a line end are -EMSGSIZE at once") {
    struct pair pair = connected(UNIX_PAIR);
    char line[8];
    green_socket_set_timeouts(pair.near, 0, GREEN_FOREVER);
    send_text(pair.far, "123456");
    CHECK(LINE(pair.near, line), ==, -ETIMEDOUT);
    send_text(pair.far, "7");
    CHECK(LINE(pair.near, line), ==, -EMSGSIZE);
    expect_text(pair.near, "1234567");
    release_pair(&pair);
}

TEST(line_too_long, "a line that is too long is -EMSGSIZE before its end, and other reads return it") {
    struct pair pair = connected(TCP4);
    char line[100], bytes[5000];
    pattern_fill(bytes, sizeof bytes, 0);
    memset(bytes, 'x', 200);
    CHECK(green_write(pair.far, bytes, sizeof bytes), ==, sizeof bytes);
    CHECK(LINE(pair.near, line), ==, -EMSGSIZE);
    char got[5000];
    CHECK(green_read_exactly(pair.near, got, sizeof got), ==, sizeof got);
    CHECK(memcmp(got, bytes, sizeof got), ==, 0);
    release_pair(&pair);
}

TEST(line_very_long, "a line of 200 000 bytes is read") {
    enum { SIZE = 200000 };
    struct pair pair = connected(TCP4);
    char *text = malloc(SIZE + 1), *line = malloc(SIZE + 1);
    memset(text, 'x', SIZE);
    strcpy(text + SIZE - 1, "\n");
    struct parts parts = {pair.far, text, SIZE / 3};
    green_thread *thread = start(send_parts, &parts);
    CHECK(green_read_line(pair.near, line, SIZE + 1), ==, SIZE);
    CHECK(memcmp(line, text, SIZE + 1), ==, 0);
    CHECK(finish(thread), ==, 0);
    free(text);
    free(line);
    release_pair(&pair);
}

static void in_place_lines(struct pair *pair) {
    const void *line;
    send_text(pair->far, "one\nlonger\nlast");
    CHECK(green_shutdown(pair->far, SHUT_WR), ==, 0);
    CHECK(green_receive_line(pair->near, 0, &line), ==, -EINVAL);
    CHECK(green_receive_line(pair->near, SIZE_MAX, &line), ==, 4);
    CHECK(memcmp(line, "one\n", 4), ==, 0);
    green_consume(pair->near, 4);
    CHECK(green_receive_line(pair->near, 6, &line), ==, -EMSGSIZE);
    CHECK(green_receive_line(pair->near, 7, &line), ==, 7);
    CHECK(memcmp(line, "longer\n", 7), ==, 0);
    green_consume(pair->near, 7);
    CHECK(green_receive_line(pair->near, 3, &line), ==, -EMSGSIZE);
    CHECK(green_receive_line(pair->near, SIZE_MAX, &line), ==, 4);
    CHECK(memcmp(line, "last", 4), ==, 0);
    green_consume(pair->near, 4);
    CHECK(green_receive_line(pair->near, SIZE_MAX, &line), ==, 0);
}

TEST(in_place_lines, "receive_line returns a line in place, whatever the limit") {
    with_each_transport(in_place_lines);
}

static void in_place_bytes(struct pair *pair) {
    const void *bytes;
    CHECK(green_receive_exactly(pair->near, 0, &bytes), ==, -EINVAL);
    CHECK(green_receive_exactly(pair->near, SIZE_MAX, &bytes), ==, -EINVAL);
    send_text(pair->far, "abcdef");
    CHECK(green_receive_exactly(pair->near, 2, &bytes), ==, 2);
    CHECK(memcmp(bytes, "ab", 2), ==, 0);
    green_consume(pair->near, 2);
    CHECK(green_receive_exactly(pair->near, 4, &bytes), ==, 4);
    CHECK(memcmp(bytes, "cdef", 4), ==, 0);
    green_consume(pair->near, 1);
    CHECK(green_shutdown(pair->far, SHUT_WR), ==, 0);
    CHECK(green_receive_exactly(pair->near, SSIZE_MAX, &bytes), ==, -ENODATA);
    CHECK_CONTAINS(green_explain(-ENODATA), "ended after 3 of ");
    CHECK(green_receive_exactly(pair->near, 1, &bytes), ==, -ENODATA);
}

TEST(in_place_bytes, "receive_exactly returns bytes in place and uses no memory before they arrive") {
    with_each_transport(in_place_bytes);
}

static int receive_six(void *socket) {
    const void *bytes;
    return (int)green_receive_exactly(socket, 6, &bytes);
}

TEST(in_place_bytes_killed, "a killed receive_exactly loses no bytes") {
    struct pair pair = connected(TCP4);
    const void *bytes;
    green_thread *thread = start(receive_six, pair.near);
    send_text(pair.far, "abc");
    let_run();
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(finish(thread), ==, -ECANCELED);
    send_text(pair.far, "def");
    CHECK(green_receive_exactly(pair.near, 6, &bytes), ==, 6);
    CHECK(memcmp(bytes, "abcdef", 6), ==, 0);
    green_consume(pair.near, 6);
    release_pair(&pair);
}

TEST(line_with_nul, "a line may contain a NUL") {
    struct pair pair = connected(UNIX_PAIR);
    char line[16];
    CHECK(green_write(pair.far, "a\0b\n", 4), ==, 4);
    CHECK(LINE(pair.near, line), ==, 4);
    CHECK(memcmp(line, "a\0b\n\0", 5), ==, 0);
    release_pair(&pair);
}

TEST(many_lines, "ten thousand lines of all lengths are read from packets of any size") {
    enum { LINES = 10000 };
    static char text[LINES * 60], line[64];
    size_t size = 0;
    for (int i = 0; i < LINES; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%d %.*s\n", i, i % 50,
                                 "..................................................");
    struct pair pair = connected(TCP4);
    struct parts parts = {pair.far, text, size / 7};
    green_thread *thread = start(send_parts, &parts);
    for (int i = 0; i < LINES; i++) {
        ssize_t length = LINE(pair.near, line);
        CHECK(length, >, 0);
        CHECK(line[length - 1], ==, '\n');
        CHECK(atoi(line), ==, i);
        CHECK(length, ==, snprintf(NULL, 0, "%d ", i) + i % 50 + 1);
    }
    CHECK(finish(thread), ==, 0);
    release_pair(&pair);
}

/* In place ----------------------------------------------------------------- */

static void receive_in_place(struct pair *pair) {
    const void *bytes = NULL, *again = NULL;
    send_text(pair->far, "abcdef");
    ssize_t count = green_receive(pair->near, &bytes);
    CHECK(count, ==, 6);
    CHECK(memcmp(bytes, "abcdef", 6), ==, 0);
    green_consume(pair->near, 2);
    CHECK(green_receive(pair->near, &again), ==, 4);
    CHECK(memcmp(again, "cdef", 4), ==, 0);
    CHECK(green_receive(pair->near, &again), ==, 4); /* nothing was consumed */
    CHECK(memcmp(again, "cdef", 4), ==, 0);
    green_consume(pair->near, 0);
    CHECK(green_receive(pair->near, &again), ==, 4);
    green_consume(pair->near, 4);
    CHECK(green_shutdown(pair->far, SHUT_WR), ==, 0);
    CHECK(green_receive(pair->near, &again), ==, 0);
}

TEST(receive, "received bytes are accessible in place and count as read once consumed") {
    with_each_transport(receive_in_place);
}

static int receive_all(void *argument) {
    struct transfer *transfer = argument;
    const void *bytes;
    ssize_t count;
    while ((count = green_receive(transfer->socket, &bytes)) > 0) {
        size_t part = 1 + random_below((uint32_t)count);
        pattern_check(bytes, (size_t)count, transfer->position);
        green_consume(transfer->socket, part);
        transfer->position += part;
    }
    return (int)count;
}

TEST(receive_much, "a stream is read in place in parts of any size") {
    struct pair pair = connected(TCP4);
    struct transfer send = {pair.far, (uint64_t)SCALED(8) << 20, 0}, receive = {pair.near, 0, 0};
    green_thread *sender = start(send_pattern, &send), *receiver = start(receive_all, &receive);
    CHECK(finish(sender), ==, 0);
    CHECK(green_close(pair.far), ==, 0);
    CHECK(finish(receiver), ==, 0);
    CHECK(receive.position, ==, send.size);
    release_pair(&pair);
}

/* Mixed -------------------------------------------------------------------- */

enum { PART = 2000 };

/* Reads from the pattern by a randomly chosen kind of read, and returns the number of bytes.
 * At least PART bytes must still arrive. "Lines" end at bytes of the pattern that happen to
 * be '\n'. */
static size_t read_some_way(green_socket *socket, uint64_t position) {
    char bytes[PART];
    const void *received = bytes;
    size_t size = 1 + random_below(PART);
    ssize_t count = -EMSGSIZE;
    switch (random_below(4)) {
    case 0:
        count = LINE(socket, bytes);
        if (count != -EMSGSIZE) {
            CHECK(count, >, 0);
            CHECK(memchr(bytes, '\n', (size_t)count) == bytes + count - 1);
            break;
        } /* no line is that short: use another kind */
        /* fall through */
    case 1:
        count = green_read(socket, bytes, size);
        break;
    case 2:
        count = green_read_exactly(socket, bytes, size);
        CHECK(count, ==, size);
        break;
    default:
        count = green_receive(socket, &received);
        break;
    }
    CHECK(count, >, 0);
    pattern_check(received, (size_t)count, position);
    if (received != bytes) {
        count = count < (ssize_t)size ? count : (ssize_t)size;
        green_consume(socket, (size_t)count);
    }
    return (size_t)count;
}

static void mix(struct pair *pair) {
    uint64_t size = (uint64_t)SCALED(2000) * 1000;
    struct transfer send = {pair->far, size, 0};
    green_thread *thread = start(send_pattern, &send);
    uint64_t position = 0;
    while (position + PART < size)
        position += read_some_way(pair->near, position);
    CHECK(finish(thread), ==, 0);
    CHECK(green_shutdown(pair->far, SHUT_WR), ==, 0);
    struct transfer rest = {pair->near, UINT64_MAX, position};
    CHECK(receive_pattern(&rest), ==, 0);
    CHECK(rest.position, ==, size);
}

TEST(mixed, "different kinds of reads leave no gap in the stream") {
    with_each_transport(mix);
}
