/* Writes: complete, gathered, partial, and to a peer that never reads. */
#include "helpers.h"

static int write_much(void *argument) {
    static char bytes[16 << 20];
    return (int)green_write(argument, bytes, sizeof bytes);
}

TEST(size_zero, "a write of 0 bytes returns 0") {
    struct pair pair = connected(UNIX_PAIR);
    CHECK(green_write(pair.near, "", 0), ==, 0);
    CHECK(green_writev(pair.near, &(struct iovec){NULL, 0}, 0), ==, 0);
    struct iovec empty[2] = {{"", 0}, {"", 0}};
    CHECK(green_writev(pair.near, empty, 2), ==, 0);
    send_text(pair.near, "x");
    expect_text(pair.far, "x");
    release_pair(&pair);
}

TEST(never_reads, "a write to a peer that never reads waits, and ends when killed") {
    struct pair pair = connected(TCP4);
    green_thread *thread = start(write_much, pair.near);
    CHECK(green_thread_wait(thread, NULL, 20 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    release_pair(&pair);
}

TEST(never_reads_timeout, "a write to a peer that never reads ends with its timeout") {
    struct pair pair = connected(UNIX_PAIR);
    green_socket_set_timeouts(pair.near, GREEN_FOREVER, 20 * GREEN_MILLISECOND);
    int64_t before = green_now();
    CHECK(write_much(pair.near), ==, -ETIMEDOUT);
    CHECK(green_now() - before, >=, 20 * GREEN_MILLISECOND);
    release_pair(&pair);
}

TEST(never_reads_closed, "a write to a peer that never reads ends when either side closes") {
    struct pair pair = connected(TCP4);
    green_thread *thread = start(write_much, pair.near);
    let_run();
    CHECK(green_close(pair.near), ==, 0);
    CHECK(finish(thread), ==, -EBADF);
    release_pair(&pair);
    pair = connected(TCP4);
    thread = start(write_much, pair.near);
    let_run();
    CHECK(green_close(pair.far), ==, 0);
    int error = finish(thread);
    CHECK(error == -EPIPE || error == -ECONNRESET);
    release_pair(&pair);
}

TEST(reader_comes_late, "a write that waits continues when the peer reads") {
    struct pair pair = connected(TCP4);
    struct transfer send = {pair.near, 8 << 20, 0}, receive = {pair.far, 8 << 20, 0};
    green_thread *sender = start(send_pattern, &send);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    green_thread *receiver = start(receive_pattern, &receive);
    CHECK(finish(sender), ==, 0);
    CHECK(finish(receiver), ==, 0);
    CHECK(receive.position, ==, receive.size);
    release_pair(&pair);
}

static void to_closed_peer(struct pair *pair) {
    CHECK(green_close(pair->far), ==, 0);
    ssize_t result = 0;
    for (int i = 0; i < 100 && result >= 0; i++) /* TCP detects it by the first answer */
        result = green_write(pair->near, "x", 1);
    CHECK(result == -EPIPE || result == -ECONNRESET);
    CHECK(green_write(pair->near, "x", 1), ==, -EPIPE);
    CHECK(*green_explain(-EPIPE) != 0);
    CHECK(green_write_some(pair->near, "x", 1), ==, -EPIPE);
    struct iovec piece = {"x", 1};
    CHECK(green_writev(pair->near, &piece, 1), ==, -EPIPE);
}

TEST(peer_gone, "a write to a closed connection is -EPIPE, without SIGPIPE") {
    with_each_transport(to_closed_peer);
}

/* Gathered ----------------------------------------------------------------- */

struct gathered {
    green_socket *socket;
    struct iovec *pieces;
    int count;
    size_t size;
};

static int write_pieces(void *argument) {
    struct gathered *gathered = argument;
    CHECK(green_writev(gathered->socket, gathered->pieces, gathered->count), ==, gathered->size);
    return 0;
}

/* Writes count pieces, the i-th of them size_of(i) bytes long, and reads them. */
static void gather(green_socket *from, green_socket *to, int count, size_t (*size_of)(int)) {
    struct iovec *pieces = malloc((size_t)count * sizeof *pieces);
    struct gathered gathered = {from, pieces, count, 0};
    for (int i = 0; i < count; i++)
        gathered.size += size_of(i);
    char *bytes = malloc(gathered.size + 1), *next = bytes;
    pattern_fill(bytes, gathered.size, 0);
    for (int i = 0; i < count; next += size_of(i), i++)
        pieces[i] = (struct iovec){next, size_of(i)};
    green_thread *thread = start(write_pieces, &gathered);
    struct transfer receive = {to, gathered.size, 0};
    CHECK(receive_pattern(&receive), ==, 0);
    CHECK(receive.position, ==, gathered.size);
    CHECK(finish(thread), ==, 0);
    free(pieces);
    free(bytes);
}

static size_t small(int i) {
    return (size_t)i % 7; /* empty ones among them */
}

static size_t large(int i) {
    return (size_t)(i * 7919) % 100000;
}

static void gather_all(struct pair *pair) {
    gather(pair->near, pair->far, 1, large);
    gather(pair->near, pair->far, 2, large);
    gather(pair->near, pair->far, 100, small);
    gather(pair->near, pair->far, 100, large); /* far more than the kernel takes at once */
    gather(pair->near, pair->far, IOV_MAX, small);
    gather(pair->near, pair->far, IOV_MAX + 1, small);
    gather(pair->near, pair->far, 5000, small);
}

TEST(gathered, "any number of pieces of any size is written as one stream") {
    with_each_transport(gather_all);
}

TEST(gathered_bad_count, "a negative number of pieces is -EINVAL") {
    struct pair pair = connected(UNIX_PAIR);
    struct iovec piece = {"x", 1};
    CHECK(green_writev(pair.near, &piece, -1), ==, -EINVAL);
    release_pair(&pair);
}

/* Partial ------------------------------------------------------------------ */

static int read_until_end(void *argument) {
    struct transfer *transfer = argument;
    return receive_pattern(transfer);
}

static void some(struct pair *pair) {
    enum { SIZE = 8 << 20 };
    char *bytes = malloc(SIZE);
    struct transfer receive = {pair->far, UINT64_MAX, 0};
    green_thread *reader = start(read_until_end, &receive);
    pattern_fill(bytes, SIZE, 0);
    size_t written = 0;
    bool was_partial = false;
    while (written < SIZE) {
        ssize_t count = green_write_some(pair->near, bytes + written, SIZE - written);
        CHECK(count, >=, 1);
        CHECK(count, <=, SIZE - written);
        was_partial = was_partial || (size_t)count < SIZE - written;
        written += (size_t)count;
    }
    CHECK(was_partial);
    CHECK(green_shutdown(pair->near, SHUT_WR), ==, 0);
    CHECK(finish(reader), ==, 0);
    CHECK(receive.position, ==, SIZE);
    free(bytes);
}

TEST(some, "write_some writes the bytes that the kernel takes, and returns their number") {
    with_each_transport(some);
}

static int write_some_more(void *argument) {
    struct transfer *transfer = argument;
    char bytes[1000];
    for (;;) {
        pattern_fill(bytes, sizeof bytes, transfer->position);
        ssize_t count = green_write_some(transfer->socket, bytes, sizeof bytes);
        if (count < 0)
            return (int)count;
        transfer->position += (uint64_t)count;
    }
}

TEST(some_killed, "the peer gets exactly the bytes that a killed write_some has written") {
    struct pair pair = connected(TCP4);
    struct transfer send = {pair.near, UINT64_MAX, 0}, receive = {pair.far, UINT64_MAX, 0};
    green_thread *reader = start(receive_pattern, &receive);
    for (int i = 0; i < SCALED(2000); i++) {
        green_thread *writer = start(write_some_more, &send);
        for (int yields = i % 9; yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        CHECK(kill_and_finish(writer), ==, -ECANCELED);
    }
    CHECK(green_close(pair.near), ==, 0);
    CHECK(finish(reader), ==, 0);
    CHECK(receive.position, ==, send.position);
    release_pair(&pair);
}
