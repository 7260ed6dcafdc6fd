/* Making sockets: connect, adopt and pairs. Also socket options. */
#include "helpers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static green_address loopback(int port) {
    green_address address;
    CHECK(green_address_parse(&address, "127.0.0.1:0"), ==, 0);
    green_address_set_port(&address, (uint16_t)port);
    return address;
}

/* An address on which no socket listens any more. */
static green_address unused_address(void) {
    green_listener *listener = listen_any(TCP4);
    green_address address;
    CHECK(green_listener_address(listener, &address), ==, 0);
    green_listener_release(listener);
    return address;
}

static void check_addresses(struct pair *pair) {
    green_address ours, theirs;
    CHECK(green_socket_local_address(pair->near, &ours), ==, 0);
    CHECK(green_socket_peer_address(pair->far, &theirs), ==, 0);
    CHECK(green_address_equal(&ours, &theirs));
    CHECK(green_socket_peer_address(pair->near, &ours), ==, 0);
    CHECK(green_socket_local_address(pair->far, &theirs), ==, 0);
    CHECK(green_address_equal(&ours, &theirs));
}

TEST(addresses, "the local address of one end is the peer address of the other") {
    with_each_transport(check_addresses);
}

TEST(by_text, "connect accepts an address as text") {
    for (enum transport transport = TCP4; transport <= UNIX_ABSTRACT; transport++) {
        green_listener *listener = listen_any(transport);
        if (!listener)
            continue;
        green_socket *client = NULL;
        CHECK(green_connect(&client, address_of(listener), NULL), ==, 0);
        green_socket *server = accept_from(listener);
        send_text(client, "hello");
        expect_text(server, "hello");
        green_socket_release(client);
        green_socket_release(server);
        green_listener_release(listener);
    }
}

TEST(by_name, "connect accepts a host name, and finds the address family that answers") {
    for (enum transport transport = TCP4; transport <= TCP6; transport++) {
        green_listener *listener = listen_any(transport);
        if (!listener)
            continue;
        green_address address;
        char text[64];
        CHECK(green_listener_address(listener, &address), ==, 0);
        snprintf(text, sizeof text, "localhost:%d", green_address_port(&address));
        green_socket *client = NULL;
        int error = green_connect(&client, text, NULL);
        if (transport == TCP6 && error == -ECONNREFUSED) { /* localhost has no IPv6 address here */
            green_listener_release(listener);
            break;
        }
        CHECK(error, ==, 0);
        green_socket_release(accept_from(listener));
        green_socket_release(client);
        green_listener_release(listener);
    }
}

TEST(refused, "a connect to an unused port is -ECONNREFUSED, and the message names the address") {
    green_address address = unused_address();
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_address_print(&address, text, sizeof text);
    green_socket *socket = NULL;
    CHECK(green_connect_address(&socket, &address, NULL), ==, -ECONNREFUSED);
    CHECK_CONTAINS(green_explain(-ECONNREFUSED), text);
    CHECK(green_connect(&socket, text, NULL), ==, -ECONNREFUSED);
    CHECK_CONTAINS(green_explain(-ECONNREFUSED), text);
    CHECK(green_connect(&socket, "unix:/nonexistent/socket", NULL), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "/nonexistent/socket");
    CHECK(green_connect(&socket, "unix:@green-test-unused", NULL), ==, -ECONNREFUSED);
    CHECK(socket == NULL);
}

TEST(bad_address, "a connect to an invalid address is -EINVAL, and the message names it") {
    static const char *const texts[] = {"", "127.0.0.1", "127.0.0.1:65536", "localhost", "unix:"};
    green_socket *socket = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(green_connect(&socket, texts[i], NULL), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), texts[i]);
    }
    CHECK(socket == NULL);
}

TEST(from, "a connect may set the local address") {
    green_listener *listener = listen_any(TCP4);
    green_address from, seen;
    CHECK(green_address_parse(&from, "127.0.0.2:0"), ==, 0);
    green_connect_options options = {.from = &from};
    green_socket *client = NULL;
    CHECK(green_connect(&client, address_of(listener), &options), ==, 0);
    green_socket *server = accept_from(listener);
    CHECK(green_socket_peer_address(server, &seen), ==, 0);
    CHECK(green_address_port(&seen), >, 0);
    green_address_set_port(&seen, 0);
    CHECK(green_address_equal(&seen, &from));
    green_socket_release(client);
    green_socket_release(server);
    CHECK(green_address_parse(&from, "192.0.2.1:0"), ==, 0); /* reserved by RFC 5737 */
    client = NULL;
    CHECK(green_connect(&client, address_of(listener), &options), ==, -EADDRNOTAVAIL);
    CHECK_CONTAINS(green_explain(-EADDRNOTAVAIL), "192.0.2.1");
    CHECK(client == NULL);
    green_listener_release(listener);
}

static char full[64]; /* the address of a server with a full backlog */

/* A unix server with a full backlog: a connect to it waits. */
static green_listener *full_server(green_socket **clients, int count) {
    green_listener *listener = NULL;
    green_listen_options options = {.backlog = 1};
    snprintf(full, sizeof full, "unix:@green-test-full-%d", (int)getpid());
    CHECK(green_listen(&listener, full, &options), ==, 0);
    green_connect_options limited = {.timeout = 50 * GREEN_MILLISECOND};
    int error = 0;
    for (int i = 0; i < count && error == 0; i++)
        error = green_connect(&clients[i], full, &limited);
    CHECK(error, ==, -ETIMEDOUT);
    CHECK_CONTAINS(green_explain(error), full);
    return listener;
}

static int connect_full(void *argument) {
    return green_connect(argument, full, NULL);
}

TEST(waits, "a connect that waits ends with its timeout, when killed, or when the backlog has room") {
    green_socket *clients[16] = {NULL}, *late = NULL, *killed = NULL;
    green_listener *listener = full_server(clients, 16);
    green_thread *thread = start(connect_full, &killed);
    CHECK(green_thread_wait(thread, NULL, 10 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(killed == NULL);
    thread = start(connect_full, &late);
    let_run();
    green_socket_release(accept_from(listener));
    CHECK(finish(thread), ==, 0);
    CHECK(late != NULL);
    green_socket_release(late);
    for (int i = 0; i < 16; i++)
        green_socket_release(clients[i]);
    green_listener_release(listener);
}

TEST(crowd_waits, "connects that wait for a full unix listener use no OS thread") {
    enum { COUNT = 30 };
    green_socket *clients[16] = {NULL}, *late[COUNT] = {NULL};
    green_listener *listener = full_server(clients, 16);
    size_t threads = os_threads();
    green_thread *waiting[COUNT];
    for (int i = 0; i < COUNT; i++)
        waiting[i] = start(connect_full, &late[i]);
    for (int i = 0; i < 5; i++)
        CHECK(green_sleep(4 * GREEN_MILLISECOND), ==, 0);
    CHECK(os_threads(), <=, threads);
    for (int i = 0; i < COUNT; i++)
        CHECK(kill_and_finish(waiting[i]), ==, -ECANCELED);
    for (int i = 0; i < 16; i++)
        green_socket_release(clients[i]);
    green_listener_release(listener);
}

TEST(stopped, "a connect continues to wait after the process was stopped") {
    green_socket *clients[16] = {NULL}, *late = NULL;
    green_listener *listener = full_server(clients, 16);
    green_thread *thread = start(connect_full, &late);
    let_run();
    stop_now_and_then();
    CHECK(!green_thread_is_finished(thread));
    green_socket_release(accept_from(listener));
    CHECK(finish(thread), ==, 0);
    green_socket_release(late);
    for (int i = 0; i < 16; i++)
        green_socket_release(clients[i]);
    green_listener_release(listener);
}

TEST(waits_tcp, "a TCP connect without an answer ends with its timeout") {
    int fd = socket_of_type(SOCK_STREAM);
    green_address address = loopback(0);
    CHECK(bind(fd, (struct sockaddr *)&address.storage, address.length), ==, 0);
    CHECK(listen(fd, 0), ==, 0); /* no thread accepts, so the queue fills */
    CHECK(getsockname(fd, (struct sockaddr *)&address.storage, &address.length), ==, 0);
    green_connect_options options = {.timeout = 100 * GREEN_MILLISECOND};
    green_socket *clients[16] = {NULL};
    int error = 0, count = 0;
    int64_t before = 0;
    for (; count < 16 && error == 0; count++) {
        before = green_now();
        error = green_connect_address(&clients[count], &address, &options);
    }
    CHECK(error, ==, -ETIMEDOUT);
    CHECK(green_now() - before, >=, options.timeout);
    for (int i = 0; i < count; i++)
        green_socket_release(clients[i]);
    close(fd);
}

/* Pairs, adopted descriptors ------------------------------------------------ */

TEST(adopt, "an adopted descriptor, blocking or not, belongs to the socket") {
    for (int flags = 0; flags <= SOCK_NONBLOCK; flags += SOCK_NONBLOCK) {
        int ends[2];
        green_socket *near = NULL, *far = NULL;
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, ends), ==, 0);
        CHECK(green_socket_adopt(&near, ends[0]), ==, 0);
        CHECK(green_socket_adopt(&far, ends[1]), ==, 0);
        CHECK(green_socket_fd(near), ==, ends[0]);
        struct transfer send = {near, 1 << 20, 0}, receive = {far, 1 << 20, 0};
        green_thread *receiver = start(receive_pattern, &receive), *sender = start(send_pattern, &send);
        CHECK(finish(sender), ==, 0);
        CHECK(finish(receiver), ==, 0);
        green_socket_release(near);
        green_socket_release(far);
        CHECK(fcntl(ends[0], F_GETFD), ==, -1);
    }
}

TEST(adopt_other, "a descriptor that is no socket is not adopted, and the caller still owns it") {
    int ends[2];
    green_socket *socket = NULL;
    CHECK(pipe(ends), ==, 0);
    CHECK(green_socket_adopt(&socket, ends[0]), ==, -ENOTSOCK);
    CHECK(fcntl(ends[0], F_GETFD), >=, 0);
    CHECK(green_socket_adopt(&socket, -1), ==, -EBADF);
    CHECK(green_socket_adopt(&socket, 1 << 20), ==, -EBADF);
    CHECK(socket == NULL);
    close(ends[0]);
    close(ends[1]);
}

TEST(inherited, "exec inherits no descriptor") {
    struct pair pairs[2] = {connected(TCP4), connected(UNIX_PAIR)};
    green_listener *listener = listen_any(TCP4);
    green_socket *datagram = NULL;
    green_address any = loopback(0);
    CHECK(green_datagram_open(&datagram, &any), ==, 0);
    int fds[] = {green_socket_fd(pairs[0].near), green_socket_fd(pairs[0].far), green_socket_fd(pairs[1].near),
                 green_socket_fd(pairs[1].far),  green_listener_fd(listener),   green_socket_fd(datagram)};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        CHECK(fcntl(fds[i], F_GETFD), ==, FD_CLOEXEC);
    release_pair(&pairs[0]);
    release_pair(&pairs[1]);
    green_listener_release(listener);
    green_socket_release(datagram);
}

/* Options ------------------------------------------------------------------ */

TEST(options, "socket options are the kernel's") {
    struct pair pair = connected(TCP4);
    int value = -1;
    CHECK(green_socket_option(pair.near, IPPROTO_TCP, TCP_NODELAY, &value), ==, 0);
    CHECK(value, ==, 1); /* set by connect */
    CHECK(green_socket_option(pair.near, SOL_SOCKET, SO_KEEPALIVE, &value), ==, 0);
    CHECK(value, ==, 0);
    CHECK(green_socket_set_option(pair.near, SOL_SOCKET, SO_KEEPALIVE, 1), ==, 0);
    CHECK(green_socket_option(pair.near, SOL_SOCKET, SO_KEEPALIVE, &value), ==, 0);
    CHECK(value, ==, 1);
    CHECK(green_socket_option(pair.near, SOL_SOCKET, 9999, &value), ==, -ENOPROTOOPT);
    CHECK(green_socket_set_option(pair.near, SOL_SOCKET, 9999, 1), ==, -ENOPROTOOPT);
    release_pair(&pair);
}
