/* If the peer resets a connection, errors name the peer. */
#include "helpers.h"

static const char *text_of(const green_address *address) {
    static char text[GREEN_ADDRESS_TEXT_MAX];
    green_address_print(address, text, sizeof text);
    return text;
}

/* Reads, then writes. Both errors name the peer. */
static void expect_reset_by(green_socket *socket, const green_address *peer) {
    char byte;
    green_address seen;
    CHECK(green_read(socket, &byte, 1), ==, -ECONNRESET);
    CHECK_CONTAINS(green_explain(-ECONNRESET), text_of(peer));
    CHECK(green_write(socket, "x", 1), ==, -EPIPE);
    CHECK_CONTAINS(green_explain(-EPIPE), text_of(peer));
    CHECK(green_socket_peer_address(socket, &seen), ==, 0);
    CHECK(green_address_equal(&seen, peer));
}

static void reset_near_end(struct pair *pair) {
    green_address near, far;
    CHECK(green_socket_local_address(pair->near, &near), ==, 0);
    CHECK(green_socket_local_address(pair->far, &far), ==, 0);
    if (near.storage.ss_family == AF_UNIX)
        return; /* this kind of socket cannot be reset */
    reset_and_release(green_socket_retain(pair->near));
    expect_reset_by(pair->far, &near);
    CHECK(green_socket_local_address(pair->far, &near), ==, 0);
    CHECK(green_address_equal(&near, &far));
}

static void reset_far_end(struct pair *pair) {
    struct pair turned = {pair->far, pair->near};
    reset_near_end(&turned);
}

TEST(accepted, "errors name a client that has reset its connection, and its address is known") {
    needs_kernel();
    with_each_transport(reset_near_end);
}

TEST(connected, "errors name a server that has reset its connection, and its address is known") {
    needs_kernel();
    with_each_transport(reset_far_end);
}

TEST(before_accept, "errors name a client that has reset its connection before the accept") {
    needs_kernel();
    for (enum transport transport = TCP4; transport <= TCP6; transport++) {
        green_listener *listener = listen_any(transport);
        green_address client;
        if (!listener)
            continue;
        green_socket *socket = connect_to(listener);
        CHECK(green_socket_local_address(socket, &client), ==, 0);
        reset_and_release(socket);
        socket = accept_from(listener);
        expect_reset_by(socket, &client);
        green_socket_release(socket);
        green_listener_release(listener);
    }
}

TEST(never_connected, "a socket that was never connected has no peer address: -ENOTCONN") {
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    for (size_t i = 0; i < 2; i++) {
        green_socket *socket = NULL;
        green_address address;
        CHECK(green_socket_adopt(&socket, socket_of_type(types[i])), ==, 0);
        CHECK(green_socket_peer_address(socket, &address), ==, -ENOTCONN);
        CHECK(address.length, ==, 0);
        green_socket_release(socket);
    }
}
