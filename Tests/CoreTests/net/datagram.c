/* Datagrams: complete or truncated, with their sender's address. */
#include "helpers.h"

static green_socket *open_at(const char *text, green_address *address) {
    green_socket *socket = NULL;
    CHECK(green_address_parse(address, text), ==, 0);
    CHECK(green_datagram_open(&socket, address), ==, 0);
    CHECK(green_socket_local_address(socket, address), ==, 0);
    return socket;
}

static void exchange(const char *first_text, const char *second_text) {
    green_address first, second, from;
    char bytes[100];
    green_socket *a = open_at(first_text, &first), *b = open_at(second_text, &second);
    CHECK(green_send_to(a, "question", 8, &second), ==, 8);
    memset(&from, 0xff, sizeof from);
    CHECK(green_receive_from(b, bytes, sizeof bytes, &from), ==, 8);
    CHECK(memcmp(bytes, "question", 8), ==, 0);
    CHECK(green_address_equal(&from, &first));
    CHECK(green_send_to(b, "answer", 6, &from), ==, 6);
    CHECK(green_receive_from(a, bytes, sizeof bytes, NULL), ==, 6);
    CHECK(memcmp(bytes, "answer", 6), ==, 0);
    green_socket_release(a);
    green_socket_release(b);
}

TEST(udp, "datagrams are sent and received, with the sender's address") {
    exchange("127.0.0.1:0", "127.0.0.1:0");
}

TEST(udp6, "datagrams over IPv6 are sent and received, with the sender's address") {
    green_listener *listener = listen_any(TCP6);
    if (!listener)
        skip("this machine has no IPv6");
    green_listener_release(listener);
    exchange("[::1]:0", "[::1]:0");
}

TEST(unix_datagrams, "datagrams over unix sockets are sent and received, with the sender's address") {
    exchange("unix:@green-test-datagram-1", "unix:@green-test-datagram-2");
}

TEST(boundaries, "each receive takes one datagram, in order, also an empty one") {
    green_address at, from;
    char bytes[100];
    green_socket *a = open_at("127.0.0.1:0", &at), *b = open_at("127.0.0.1:0", &from);
    CHECK(green_send_to(b, "1", 1, &at), ==, 1);
    CHECK(green_send_to(b, "", 0, &at), ==, 0);
    CHECK(green_send_to(b, "333", 3, &at), ==, 3);
    CHECK(green_receive_from(a, bytes, sizeof bytes, NULL), ==, 1);
    CHECK(green_receive_from(a, bytes, sizeof bytes, &from), ==, 0);
    CHECK(green_address_port(&from), >, 0);
    CHECK(green_receive_from(a, bytes, sizeof bytes, NULL), ==, 3);
    green_socket_release(a);
    green_socket_release(b);
}

static int receive_byte(void *socket) {
    char byte;
    return (int)green_receive_from(socket, &byte, 1, NULL);
}

/* Sent without Green, so that nothing else makes the hub check the socket. */
static void send_from_outside(const green_address *to) {
    int fd = socket_of_type(SOCK_DGRAM);
    CHECK(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to->storage, to->length), ==, 1);
    close(fd);
}

/* The caller is always ready, so the hub never waits. */
static void yield_until_finished(const green_thread *thread) {
    int64_t deadline = green_now() + PATIENTLY(30 * GREEN_SECOND);
    while (!green_thread_is_finished(thread)) {
        CHECK(green_now(), <, deadline);
        CHECK(green_yield(), ==, 0);
    }
}

TEST(one_after_the_other, "a datagram of one socket does not delay a later one of another socket") {
    green_address first, second;
    green_socket *a = open_at("127.0.0.1:0", &first), *b = open_at("127.0.0.1:0", &second);
    green_thread *at_a = start(receive_byte, a), *at_b = start(receive_byte, b);
    let_run();
    send_from_outside(&first);
    yield_until_finished(at_a);
    send_from_outside(&second);
    yield_until_finished(at_b);
    CHECK(finish(at_a), ==, 1);
    CHECK(finish(at_b), ==, 1);
    green_socket_release(a);
    green_socket_release(b);
}

TEST(truncated, "a truncated datagram returns its whole size, and the rest is lost") {
    green_address at;
    char bytes[9] = "........";
    green_socket *a = open_at("127.0.0.1:0", &at);
    CHECK(green_send_to(a, "0123456789", 10, &at), ==, 10);
    CHECK(green_send_to(a, "next", 4, &at), ==, 4);
    CHECK(green_receive_from(a, bytes, 4, NULL), ==, 10);
    CHECK(memcmp(bytes, "0123....", 8), ==, 0);
    CHECK(green_receive_from(a, bytes, 4, NULL), ==, 4);
    CHECK(memcmp(bytes, "next", 4), ==, 0);
    green_socket_release(a);
}

TEST(largest, "the largest datagram is sent, and a larger one is -EMSGSIZE") {
    static char out[70000], in[70000];
    green_address at;
    green_socket *a = open_at("127.0.0.1:0", &at);
    pattern_fill(out, sizeof out, 0);
    CHECK(green_send_to(a, out, 65507, &at), ==, 65507);
    CHECK(green_receive_from(a, in, sizeof in, NULL), ==, 65507);
    pattern_check(in, 65507, 0);
    CHECK(green_send_to(a, out, sizeof out, &at), ==, -EMSGSIZE);
    green_socket_release(a);
}

static int receive_one(void *argument) {
    char bytes[16];
    return (int)green_receive_from(argument, bytes, sizeof bytes, NULL);
}

TEST(interrupts, "a receive ends with a kill, its timeout or a close, and a second one is -EBUSY") {
    green_address at;
    green_socket *a = open_at("127.0.0.1:0", &at);
    green_thread *thread = start(receive_one, a);
    let_run();
    CHECK(receive_one(a), ==, -EBUSY);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    green_socket_set_timeouts(a, GREEN_MILLISECOND, GREEN_FOREVER);
    CHECK(receive_one(a), ==, -ETIMEDOUT);
    green_socket_set_timeouts(a, GREEN_FOREVER, GREEN_FOREVER);
    thread = start(receive_one, a);
    let_run();
    CHECK(green_close(a), ==, 0);
    CHECK(finish(thread), ==, -EBADF);
    green_socket_release(a);
}

TEST(kill_loses_nothing, "killed receivers lose no datagram") {
    green_address at;
    green_socket *a = open_at("127.0.0.1:0", &at);
    int received = 0, rounds = SCALED(2000);
    for (int i = 0; i < rounds; i++) {
        green_thread *thread = start(receive_one, a);
        for (uint32_t yields = random_below(4); yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        CHECK(green_send_to(a, "x", 1, &at), ==, 1);
        for (uint32_t yields = random_below(3); yields > 0; yields--)
            CHECK(green_yield(), ==, 0);
        int result = kill_and_finish(thread);
        CHECK(result == 1 || result == -ECANCELED);
        received += result == 1;
        while (i % 16 == 15 && received <= i) { /* fetch the others before the kernel's queue is full */
            CHECK(receive_one(a), ==, 1);
            received++;
        }
    }
    while (received < rounds) {
        CHECK(receive_one(a), ==, 1);
        received++;
    }
    green_socket_set_timeouts(a, GREEN_MILLISECOND, GREEN_FOREVER);
    CHECK(receive_one(a), ==, -ETIMEDOUT);
    green_socket_release(a);
}

TEST(unused_port, "a datagram to an unused port does not end the socket") {
    green_address at, unused;
    green_socket *gone = open_at("127.0.0.1:0", &unused), *a = open_at("127.0.0.1:0", &at);
    green_socket_release(gone);
    CHECK(green_send_to(a, "x", 1, &unused), ==, 1);
    CHECK(green_send_to(a, "y", 1, &at), ==, 1);
    CHECK(receive_one(a), ==, 1);
    green_socket_release(a);
}

TEST(taken, "a port in use is -EADDRINUSE, and the message names the address") {
    green_address at;
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_socket *a = open_at("127.0.0.1:0", &at), *b = NULL;
    green_address_print(&at, text, sizeof text);
    CHECK(green_datagram_open(&b, &at), ==, -EADDRINUSE);
    CHECK_CONTAINS(green_explain(-EADDRINUSE), text);
    CHECK(b == NULL);
    green_socket_release(a);
}
