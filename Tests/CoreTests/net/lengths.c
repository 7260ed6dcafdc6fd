/* Lengths that do not fit in 31, 32 or 63 bits, in every call that takes a length. The
 * memory is address space without pages; no test transfers more than a few megabytes. */
#include "helpers.h"

#include <green/datagram.h>
#include <green/file.h>

#include <limits.h>
#include <sys/mman.h>

/* 2 GiB - 1 is the largest int; in 32 bits 4 GiB becomes 0, and 4 GiB + 1 becomes 1. */
static const size_t lengths[] = {(size_t)INT32_MAX, (size_t)1 << 31, ((size_t)1 << 32) - 1, (size_t)1 << 32,
                                 ((size_t)1 << 32) + 1};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static const size_t ROOM = ((size_t)1 << 32) + 4096;

static char *room;

static void map_room(void) {
    void *memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        skip("the system does not map 4 GiB without reserving them");
    room = memory;
}

struct write {
    green_socket *socket;
    size_t size;
    int pieces; /* 0: green_write() */
};

static int write_it(void *argument) {
    const struct write *write = argument;
    struct iovec pieces[2] = {{room, write->size / 2}, {room, write->size - write->size / 2}};
    if (write->pieces > 0)
        return (int)green_writev(write->socket, pieces, 2);
    return (int)green_write(write->socket, room, write->size);
}

/* More bytes arrive than the kernel's buffers hold, so the write continues after its
 * first part. It is killed before it has sent all of them. */
static void expect_write_continues(struct pair pair, size_t size, int pieces) {
    struct write write = {pair.near, size, pieces};
    green_thread *writer = start(write_it, &write);
    for (size_t received = 0; received < (size_t)8 << 20;) {
        ssize_t count = green_read(pair.far, room, (size_t)1 << 20);
        CHECK(count, >, 0);
        received += (size_t)count;
    }
    CHECK(kill_and_finish(writer), ==, -ECANCELED);
    release_pair(&pair);
}

static void write_on_each_engine(void) {
    for (int i = 0; i < LENGTHS; i++)
        for (int pieces = 0; pieces < 2; pieces++) {
            expect_write_continues(connected(UNIX_PAIR), lengths[i], pieces);
            expect_write_continues(connected(TCP4), lengths[i], pieces);
        }
}

TEST(long_writes, "a write of 2 GiB or 4 GiB succeeds and sends all bytes") {
    map_room();
    on_each_engine(write_on_each_engine);
}

static void write_some_on_each_engine(void) {
    for (int i = 0; i < LENGTHS; i++) {
        struct pair pair = connected(UNIX_PAIR);
        CHECK(green_write_some(pair.near, room, lengths[i]), >, 1);
        release_pair(&pair);
    }
}

TEST(long_write_some, "write_some of 2 GiB or 4 GiB writes as much as the kernel accepts") {
    map_room();
    on_each_engine(write_some_on_each_engine);
}

static void read_on_each_engine(void) {
    for (int i = 0; i < LENGTHS; i++) {
        struct pair pair = connected(TCP4);
        send_text(pair.far, "first");
        CHECK(green_read(pair.near, room, lengths[i]), ==, 5);
        CHECK(memcmp(room, "first", 5), ==, 0);
        send_text(pair.far, "second");
        CHECK(green_shutdown(pair.far, SHUT_WR), ==, 0);
        CHECK(green_read_exactly(pair.near, room, lengths[i]), ==, -ENODATA);
        CHECK_CONTAINS(green_explain(-ENODATA), "after 6 of ");
        CHECK(memcmp(room, "second", 6), ==, 0);
        release_pair(&pair);
    }
}

TEST(long_reads, "a read into 2 GiB or 4 GiB returns the available bytes, and no false end of stream") {
    map_room();
    on_each_engine(read_on_each_engine);
}

static struct pair datagrams(void) {
    green_address at, here;
    struct pair pair;
    CHECK(green_address_parse(&at, "127.0.0.1:0"), ==, 0);
    CHECK(green_datagram_open(&pair.near, &at), ==, 0);
    CHECK(green_datagram_open(&pair.far, &at), ==, 0);
    CHECK(green_socket_local_address(pair.near, &here), ==, 0);
    CHECK(connect(green_socket_fd(pair.far), (struct sockaddr *)&here.storage, here.length), ==, 0);
    return pair;
}

static void datagrams_on_each_engine(void) {
    struct pair pair = datagrams();
    green_address to;
    CHECK(green_socket_local_address(pair.near, &to), ==, 0);
    for (int i = 0; i < LENGTHS; i++) {
        struct iovec pieces[2] = {{room, lengths[i] / 2}, {room, lengths[i] - lengths[i] / 2}};
        CHECK(green_write(pair.far, room, lengths[i]), ==, -EMSGSIZE);
        CHECK(green_write_some(pair.far, room, lengths[i]), ==, -EMSGSIZE);
        CHECK(green_writev(pair.far, pieces, 2), ==, -EMSGSIZE);
        CHECK(green_send_to(pair.far, room, lengths[i], &to), ==, -EMSGSIZE);
        CHECK(green_write(pair.far, "small", 5), ==, 5);
        CHECK(green_receive_from(pair.near, room, lengths[i], NULL), ==, 5);
    }
    release_pair(&pair);
}

TEST(long_datagrams, "a message that is too long is not sent in parts") {
    map_room();
    on_each_engine(datagrams_on_each_engine);
}

static void many_pieces_on_each_engine(void) {
    static struct iovec pieces[IOV_MAX + 1];
    struct pair pair = datagrams(), stream = connected(UNIX_PAIR);
    for (size_t i = 0; i <= IOV_MAX; i++)
        pieces[i] = (struct iovec){"x", 1};
    CHECK(green_writev(pair.far, pieces, IOV_MAX + 1), ==, -EMSGSIZE);
    CHECK(green_writev(stream.near, pieces, IOV_MAX + 1), ==, IOV_MAX + 1);
    CHECK(green_read_exactly(stream.far, room, IOV_MAX + 1), ==, IOV_MAX + 1);
    send_text(pair.far, "next");
    CHECK(green_receive_from(pair.near, room, 64, NULL), ==, 4);
    release_pair(&pair);
    release_pair(&stream);
}

TEST(many_pieces, "more than IOV_MAX pieces are sent on a stream and refused as a message") {
    map_room();
    on_each_engine(many_pieces_on_each_engine);
}

static void expect_refused(ssize_t result) {
    CHECK(result, ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "9223372036854775807");
}

/* A length of -1. Nothing is read or written. */
static void negative_on_each_engine(void) {
    struct pair pair = connected(UNIX_PAIR), messages = datagrams();
    green_address to = {0};
    green_file *file;
    const size_t negative = (size_t)-1, least = (size_t)SSIZE_MAX + 1;
    struct iovec pieces[2] = {{room, SSIZE_MAX}, {room, 1}};
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC), ==, 0);
    CHECK(green_file_adopt(&file, ends[0]), ==, 0);
    expect_refused(green_write(pair.near, room, negative));
    expect_refused(green_write(pair.near, room, least));
    expect_refused(green_write_some(pair.near, room, negative));
    expect_refused(green_writev(pair.near, pieces, 2));
    expect_refused(green_read(pair.near, room, negative));
    expect_refused(green_read_exactly(pair.near, room, least));
    expect_refused(green_receive_from(messages.near, room, negative, NULL));
    expect_refused(green_send_to(messages.near, room, negative, &to));
    expect_refused(green_file_read(file, room, negative));
    expect_refused(green_file_write(file, room, least));
    send_text(pair.near, "next");
    expect_text(pair.far, "next");
    green_file_free(file);
    close(ends[1]);
    CHECK(open("/dev/zero", O_RDWR | O_CLOEXEC), ==, ends[0]);
    CHECK(green_file_adopt(&file, ends[0]), ==, 0);
    expect_refused(green_file_read_at(file, room, negative, 0));
    expect_refused(green_file_write_at(file, room, least, 0));
    green_file_free(file);
    release_pair(&pair);
    release_pair(&messages);
}

TEST(negative, "a length above SSIZE_MAX is refused, and nothing is transferred") {
    map_room();
    on_each_engine(negative_on_each_engine);
}

static void empty_on_each_engine(void) {
    struct pair pair = datagrams(), stream = connected(UNIX_PAIR);
    green_address to;
    struct iovec empty[2] = {{room, 0}, {room, 0}};
    CHECK(green_socket_local_address(pair.near, &to), ==, 0);
    CHECK(green_write(pair.far, "", 0), ==, 0);
    CHECK(green_writev(pair.far, empty, 2), ==, 0);
    CHECK(green_writev(pair.far, NULL, 0), ==, 0);
    CHECK(green_write_some(pair.far, "", 0), ==, 0);
    CHECK(green_send_to(pair.far, "", 0, &to), ==, 0);
    CHECK(green_write(pair.far, "last", 4), ==, 4);
    for (int i = 0; i < 5; i++)
        CHECK(green_receive_from(pair.near, room, 64, NULL), ==, 0);
    CHECK(green_receive_from(pair.near, room, 64, NULL), ==, 4);
    CHECK(green_write(stream.near, "", 0), ==, 0);
    CHECK(green_writev(stream.near, empty, 2), ==, 0);
    send_text(stream.near, "last");
    expect_text(stream.far, "last");
    release_pair(&pair);
    release_pair(&stream);
}

TEST(empty, "a write of 0 bytes sends an empty message on a datagram socket and nothing on a stream") {
    needs_kernel();
    map_room();
    on_each_engine(empty_on_each_engine);
}
