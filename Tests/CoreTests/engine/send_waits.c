/* Waits for room to send, and waits on sockets with queued errors or timeout options. On
 * both engines a wait uses no OS thread and no processor time, and does not end early. */
#include "helpers.h"
#include "readers.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Peers that do not read ----------------------------------------------------- */

enum { CROWD = 30, MUCH = 1 << 20 };

/* A connection whose peer has closed its half, and a writer of more than fits. */
struct writer {
    struct pair pair;
    struct transfer sent, received;
    green_thread *thread, *reader;
};

static void limit_buffers(const struct pair *pair) {
    int size = 64 * 1024;
    CHECK(setsockopt(green_socket_fd(pair->near), SOL_SOCKET, SO_SNDBUF, &size, sizeof size), ==, 0);
    CHECK(setsockopt(green_socket_fd(pair->far), SOL_SOCKET, SO_RCVBUF, &size, sizeof size), ==, 0);
}

static int send_pieces(void *argument) {
    struct writer *writer = argument;
    char *bytes = malloc(MUCH);
    pattern_fill(bytes, MUCH, 0);
    struct iovec pieces[] = {{bytes, 1000}, {bytes + 1000, MUCH - 1000}};
    ssize_t result = green_writev(writer->pair.near, pieces, 2);
    free(bytes);
    return result == MUCH ? 0 : (int)result;
}

static void begin_writers(struct writer *writers, enum transport transport) {
    for (size_t i = 0; i < CROWD; i++) {
        struct writer *writer = &writers[i];
        *writer = (struct writer){.pair = connected(transport)};
        limit_buffers(&writer->pair);
        CHECK(green_shutdown(writer->pair.far, SHUT_WR), ==, 0);
        writer->sent = (struct transfer){.socket = writer->pair.near, .size = MUCH};
        writer->received = (struct transfer){.socket = writer->pair.far, .size = MUCH};
        writer->thread = i % 2 ? start(send_pattern, &writer->sent) : start(send_pieces, writer);
    }
}

static void expect_idle(void) {
    green_statistics before, after;
    size_t threads = os_threads();
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    CHECK(green_hub_statistics(&before), ==, 0);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    CHECK(green_hub_statistics(&after), ==, 0);
    CHECK(after.system_calls - before.system_calls, <, 10 * CROWD);
    CHECK(os_threads(), <=, threads);
}

static void write_to_crowd(enum transport transport) {
    struct writer writers[CROWD];
    size_t threads = os_threads();
    begin_writers(writers, transport);
    let_run();
    expect_idle();
    CHECK(os_threads(), <=, threads);
    for (size_t i = 0; i < CROWD; i++) {
        struct writer *writer = &writers[i];
        CHECK(!green_thread_is_finished(writer->thread));
        if (i % 3 == 0) {
            CHECK(kill_and_finish(writer->thread), ==, -ECANCELED);
        } else if (i % 3 == 1) {
            CHECK(green_close(writer->pair.near), ==, 0);
            CHECK(finish(writer->thread), ==, -EBADF);
        } else {
            writer->reader = start(receive_pattern, &writer->received);
        }
    }
    for (size_t i = 0; i < CROWD; i++) {
        if (writers[i].reader) {
            CHECK(finish(writers[i].reader), ==, 0);
            CHECK(finish(writers[i].thread), ==, 0);
            CHECK(writers[i].received.position, ==, MUCH);
        }
        release_pair(&writers[i].pair);
    }
}

TEST(half_closed, "writers wait for half-closed peers without an OS thread or a system call") {
    write_to_crowd(TCP4);
    write_to_crowd(UNIX_PAIR);
}

TEST(urgent, "a reader waits after a byte of urgent data without an OS thread") {
    struct pair pairs[CROWD];
    green_thread *readers[CROWD];
    struct transfer transfers[CROWD];
    size_t threads = os_threads();
    for (size_t i = 0; i < CROWD; i++) {
        pairs[i] = connected(TCP4);
        transfers[i] = (struct transfer){.socket = pairs[i].near, .size = 10};
        readers[i] = start(receive_pattern, &transfers[i]);
        let_run();
        CHECK(send(green_socket_fd(pairs[i].far), "!", 1, MSG_OOB), ==, 1);
    }
    expect_idle();
    CHECK(os_threads(), <=, threads);
    for (size_t i = 0; i < CROWD; i++) {
        struct transfer sent = {.socket = pairs[i].far, .size = 10};
        CHECK(send_pattern(&sent), ==, 0);
        CHECK(finish(readers[i]), ==, 0);
        CHECK(transfers[i].position, ==, 10);
        release_pair(&pairs[i]);
    }
}

/* SO_SNDTIMEO and SO_RCVTIMEO ------------------------------------------------ */

static void limit_time(int fd) {
    struct timeval limit = {.tv_usec = 1000};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), ==, 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), ==, 0);
}

/* Whether a thread still waits long after those limits. */
static void expect_waiting(green_thread *thread) {
    for (int i = 0; i < 5; i++)
        CHECK(green_sleep(4 * GREEN_MILLISECOND), ==, 0);
    CHECK(!green_thread_is_finished(thread));
}

static void write_with_limit(struct pair *pair) {
    limit_buffers(pair);
    limit_time(green_socket_fd(pair->near));
    struct transfer sent = {.socket = pair->near, .size = MUCH}, received = {.socket = pair->far, .size = MUCH};
    CHECK(green_shutdown(pair->far, SHUT_WR), ==, 0);
    green_thread *writer = start(send_pattern, &sent);
    expect_waiting(writer);
    CHECK(receive_pattern(&received), ==, 0);
    CHECK(received.position, ==, MUCH);
    CHECK(finish(writer), ==, 0);
}

TEST(write_limit, "SO_SNDTIMEO does not end a write") {
    with_each_transport(write_with_limit);
}

static int read_in_place(void *socket) {
    const void *bytes;
    ssize_t result = green_receive(socket, &bytes);
    if (result > 0)
        green_consume(socket, (size_t)result);
    return (int)result;
}

static int read_text(void *socket) {
    char bytes[4];
    return (int)green_read_exactly(socket, bytes, 4);
}

static void read_with_limit(struct pair *pair) {
    limit_time(green_socket_fd(pair->near));
    green_function *const reads[] = {read_text, read_in_place};
    for (size_t i = 0; i < 2; i++) {
        green_thread *reader = start(reads[i], pair->near);
        expect_waiting(reader);
        send_text(pair->far, "late");
        CHECK(finish(reader), ==, 4);
    }
}

TEST(read_limit, "SO_RCVTIMEO does not end a read") {
    with_each_transport(read_with_limit);
}

static int accept_one(void *listener) {
    green_socket_release(accept_from(listener));
    return 0;
}

TEST(accept_limit, "SO_RCVTIMEO does not end an accept") {
    for (enum transport transport = TCP4; transport <= UNIX_ABSTRACT; transport++) {
        green_listener *listener = listen_any(transport);
        if (!listener)
            continue;
        limit_time(green_listener_fd(listener));
        green_thread *acceptor = start(accept_one, listener);
        expect_waiting(acceptor);
        green_socket_release(connect_to(listener));
        CHECK(finish(acceptor), ==, 0);
        green_listener_release(listener);
    }
}

/* Error queues --------------------------------------------------------------- */

static green_socket *datagram_socket(const char *text, green_address *address) {
    green_socket *socket;
    CHECK(green_address_parse(address, text), ==, 0);
    CHECK(green_datagram_open(&socket, address), ==, 0);
    CHECK(green_socket_local_address(socket, address), ==, 0);
    return socket;
}

/* A socket with an unread error in its queue. */
static green_socket *with_error(green_address *address) {
    green_address dead;
    int yes = 1;
    char byte;
    green_socket_release(datagram_socket("127.0.0.1:0", &dead));
    green_socket *socket = datagram_socket("127.0.0.1:0", address);
    int fd = green_socket_fd(socket);
    CHECK(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof yes), ==, 0);
    CHECK(green_send_to(socket, "x", 1, &dead), ==, 1);
    struct pollfd error = {.fd = fd};
    while (poll(&error, 1, -1) != 1)
        ;
    CHECK(error.revents, ==, POLLERR);
    CHECK(green_receive_from(socket, &byte, 1, NULL), ==, -ECONNREFUSED);
    return socket;
}

static int receive_byte(void *socket) {
    char byte;
    return (int)green_receive_from(socket, &byte, 1, NULL);
}

TEST(error_queue, "a receive waits on a socket with a queued error without an OS thread, whatever SO_RCVTIMEO is") {
    green_address at, from;
    size_t threads = os_threads();
    green_socket *peer = datagram_socket("127.0.0.1:0", &from), *socket = with_error(&at);
    limit_time(green_socket_fd(socket));
    for (int i = 0; i < 3; i++) {
        green_thread *receiver = start(receive_byte, socket);
        expect_waiting(receiver);
        expect_idle();
        CHECK(os_threads(), <=, threads);
        CHECK(green_send_to(peer, "x", 1, &at), ==, 1);
        CHECK(finish(receiver), ==, 1);
    }
    green_thread *reader = start(read_byte, socket);
    expect_waiting(reader);
    CHECK(green_send_to(peer, "x", 1, &at), ==, 1);
    CHECK(finish(reader), ==, 1);
    reader = start(read_in_place, socket);
    expect_waiting(reader);
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    green_socket_release(socket);
    green_socket_release(peer);
}

/* Full receivers of datagrams ------------------------------------------------ */

struct letter {
    green_socket *socket;
    const green_address *to;
};

static int send_letter(void *argument) {
    struct letter *letter = argument;
    return (int)green_send_to(letter->socket, "x", 1, letter->to);
}

/* The queue is full of datagrams of another socket, so no event reaches the sender. */
TEST(full_receiver, "a datagram to a full unix socket waits for room, also with SO_SNDTIMEO") {
    green_address at, first, second;
    green_socket *receiver = datagram_socket("unix:@green-test-room-1", &at);
    green_socket *filler = datagram_socket("unix:@green-test-room-2", &first);
    green_socket *sender = datagram_socket("unix:@green-test-room-3", &second);
    limit_time(green_socket_fd(sender));
    int count = 0;
    while (sendto(green_socket_fd(filler), "x", 1, MSG_DONTWAIT, (struct sockaddr *)&at.storage, at.length) == 1)
        count++;
    struct letter letter = {sender, &at};
    green_thread *waiting = start(send_letter, &letter);
    expect_waiting(waiting);
    CHECK(kill_and_finish(waiting), ==, -ECANCELED);
    waiting = start(send_letter, &letter);
    expect_waiting(waiting);
    expect_idle();
    CHECK(receive_byte(receiver), ==, 1);
    CHECK(finish(waiting), ==, 1);
    while (count-- > 0)
        CHECK(receive_byte(receiver), ==, 1);
    green_socket_release(sender);
    green_socket_release(filler);
    green_socket_release(receiver);
}
