/* The ports that the kernel selects for connections. Some of these tests run in their own
 * network namespace, with a range of twenty ports. */
#include "helpers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>

enum { FIRST = 40000, PORTS = 20, NOT_PERMITTED = 77 };

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        exit(NOT_PERMITTED);
    close(fd);
}

/* Ends the process if this is not permitted. */
static void enter_namespace(void) {
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        exit(NOT_PERMITTED);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        exit(NOT_PERMITTED);
    close(fd);
    write_file("/proc/sys/net/ipv4/ip_local_port_range", "40000 40019");
}

static void run_in_namespace(void (*body)(void)) {
    struct child child;
    run_child(&child, body);
    if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == NOT_PERMITTED)
        skip("needs the permission to make a network namespace");
    if (child.status != 0)
        fputs(child.output, stderr);
    CHECK(child.status, ==, 0);
}

static green_address address_at(const char *host, int port) {
    green_address address;
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "%s:%d", host, port);
    CHECK(green_address_parse(&address, text), ==, 0);
    return address;
}

/* Self-connects ----------------------------------------------------------------- */

/* A loopback address for this process alone, by number from 1. */
static const char *own_host(int number) {
    static char hosts[4][16];
    char *host = hosts[number % 4];
    snprintf(host, sizeof hosts[0], "127.%d.%d.%d", 1 + getpid() / 250 % 250, 1 + getpid() % 250, number);
    return host;
}

/* A port that is free on all of these addresses except one, where the descriptor uses it. */
static int reserved_port(const char *host, int *fd) {
    green_address address = address_at(host, 0);
    *fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0 || bind(*fd, (struct sockaddr *)&address.storage, address.length) < 0)
        return -1;
    CHECK(getsockname(*fd, (struct sockaddr *)&address.storage, &address.length), ==, 0);
    return green_address_port(&address);
}

static void expect_refused(const char *host, int port, bool from_there) {
    green_address address = address_at(host, port);
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_connect_options options = {.from = from_there ? &address : NULL};
    green_socket *socket = NULL;
    green_address_print(&address, text, sizeof text);
    CHECK(green_connect(&socket, text, &options), ==, -ECONNREFUSED);
    CHECK_CONTAINS(green_explain(-ECONNREFUSED), text);
    CHECK_CONTAINS(green_explain(-ECONNREFUSED), "nothing listens there");
    CHECK(socket == NULL);
}

/* A connect from a port to itself always succeeds; no TIME_WAIT blocks the next one. */
TEST(own_port, "a connect to its own port is -ECONNREFUSED, as if no socket were listening") {
    int fd, port = reserved_port(own_host(1), &fd);
    CHECK(port, >, 0);
    for (int round = 0; round < 3; round++)
        expect_refused(own_host(2), port, true);
    close(fd);
}

TEST(own_port_ipv6, "a connect to its own port over IPv6 is -ECONNREFUSED") {
    int fd, port = reserved_port("[::1]", &fd);
    if (port < 0)
        skip("needs IPv6");
    close(fd);
    green_address address = address_at("[::1]", port);
    green_connect_options options = {.from = &address};
    green_socket *socket = NULL;
    int error = green_connect_address(&socket, &address, &options);
    if (error == -EADDRINUSE)
        skip("another process has taken the port");
    CHECK(error, ==, -ECONNREFUSED);
}

static void connect_everywhere(void) {
    enter_namespace();
    for (int i = 0; i < 40 * PORTS; i++)
        expect_refused("127.0.0.1", FIRST + i % PORTS, false);
    if (access("/proc/sys/net/ipv6", F_OK) == 0)
        for (int i = 0; i < 40 * PORTS; i++)
            expect_refused("[::1]", FIRST + i % PORTS, false);
}

TEST(own_range, "a connect to a free port of the ephemeral range never connects to itself") {
    run_in_namespace(connect_everywhere);
}

TEST(own_listener, "a connect from a listener's port to the listener is not a self-connect") {
    green_listener *listener = listen_any(TCP4);
    green_address to, from, seen;
    CHECK(green_listener_address(listener, &to), ==, 0);
    from = address_at(own_host(1), green_address_port(&to));
    green_connect_options options = {.from = &from};
    green_socket *client = NULL;
    int error = green_connect_address(&client, &to, &options);
    if (error == -EADDRINUSE)
        skip("another process has the port");
    CHECK(error, ==, 0);
    CHECK(green_socket_local_address(client, &seen), ==, 0);
    CHECK(green_address_equal(&seen, &from));
    green_socket_release(client);
    green_listener_release(listener);
}

/* From an address ------------------------------------------------------------ */

static int bound_without_port(green_socket *socket) {
    int value = -1;
    CHECK(green_socket_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &value), ==, 0);
    return value;
}

TEST(from_any_port, "from an address without a port, the kernel selects the port at connect time") {
    needs_kernel();
    static const enum transport transports[] = {TCP4, TCP6};
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};
    for (size_t i = 0; i < 2; i++) {
        green_listener *listener = listen_any(transports[i]);
        if (!listener)
            continue;
        green_address from = address_at(hosts[i], 0);
        green_connect_options options = {.from = &from};
        green_socket *client = NULL;
        CHECK(green_connect(&client, address_of(listener), &options), ==, 0);
        CHECK(bound_without_port(client), ==, 1);
        green_socket_release(client);
        green_listener_release(listener);
    }
}

TEST(from_port, "from an address with a port, that port is used") {
    needs_kernel();
    int fd, port = reserved_port(own_host(1), &fd);
    green_listener *listener = listen_any(TCP4);
    green_address from = address_at(own_host(2), port), seen;
    green_connect_options options = {.from = &from};
    green_socket *client = NULL;
    CHECK(green_connect(&client, address_of(listener), &options), ==, 0);
    CHECK(bound_without_port(client), ==, 0);
    CHECK(green_socket_local_address(client, &seen), ==, 0);
    CHECK(green_address_equal(&seen, &from));
    green_socket_release(client);
    green_listener_release(listener);
    close(fd);
}

/* Twenty ports, and as many connections to each of two servers. */
static void share_ports(void) {
    enter_namespace();
    green_listener *listeners[2];
    green_socket *clients[2 * PORTS];
    green_address to[2] = {address_at("127.0.0.1", 9000), address_at("127.0.0.2", 9001)};
    green_address from = address_at("127.0.0.9", 0);
    green_connect_options options = {.from = &from};
    size_t count = 0;
    for (int i = 0; i < 2; i++) {
        CHECK(green_listen_address(&listeners[i], &to[i], NULL), ==, 0);
        for (int made = 0; made < PORTS; made++)
            CHECK(green_connect_address(&clients[count++], &to[i], &options), ==, 0);
    }
    CHECK(green_connect_address(&clients[0], &to[0], &options), ==, -EADDRNOTAVAIL);
    CHECK_CONTAINS(green_explain(-EADDRNOTAVAIL), "all its ports are in use");
    while (count > 0)
        green_socket_release(clients[--count]);
    green_listener_release(listeners[0]);
    green_listener_release(listeners[1]);
}

TEST(shared_ports, "one local port serves connections to several destinations") {
    needs_kernel();
    run_in_namespace(share_ports);
}
