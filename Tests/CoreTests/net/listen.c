/* Listeners: addresses, options, errors, and accept. */
#include "helpers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>

static green_listener *listen_on(const char *text, const green_listen_options *options) {
    green_listener *listener = NULL;
    CHECK(green_listen(&listener, text, options), ==, 0);
    CHECK(listener != NULL);
    return listener;
}

static int option_of(green_listener *listener, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    CHECK(getsockopt(green_listener_fd(listener), SOL_SOCKET, name, &value, &size), ==, 0);
    return value;
}

TEST(port_zero, "with port 0 the kernel picks a free port, which the address shows") {
    green_listener *a = listen_any(TCP4), *b = listen_on("localhost:0", NULL);
    green_address first, second;
    CHECK(green_listener_address(a, &first), ==, 0);
    CHECK(green_listener_address(b, &second), ==, 0);
    CHECK(green_address_port(&first), >, 0);
    CHECK(green_address_port(&second), >, 0);
    CHECK(green_address_port(&first), !=, green_address_port(&second));
    green_listener_release(a);
    green_listener_release(b);
}

TEST(in_use, "a port in use is -EADDRINUSE, and the message names it and says what to do") {
    green_listener *first = listen_any(TCP4), *second = NULL;
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "%s", address_of(first));
    CHECK(green_listen(&second, text, NULL), ==, -EADDRINUSE);
    CHECK_CONTAINS(green_explain(-EADDRINUSE), text);
    CHECK_CONTAINS(green_explain(-EADDRINUSE), "port");
    green_listen_options options = {.reuse_port = true}; /* only when both ask for it */
    CHECK(green_listen(&second, text, &options), ==, -EADDRINUSE);
    CHECK(second == NULL);
    CHECK(green_listener_close(first), ==, 0);
    second = listen_on(text, NULL); /* free when close returns */
    green_listener_release(first);
    green_listener_release(second);
}

TEST(reuse_port, "two listeners with reuse_port share a port") {
    green_listen_options options = {.reuse_port = true};
    green_listener *first = listen_on("127.0.0.1:0", &options);
    green_listener *second = listen_on(address_of(first), &options);
    CHECK(option_of(first, SO_REUSEPORT), ==, 1);
    CHECK(green_listener_close(first), ==, 0);
    green_socket *client = connect_to(second), *server = accept_from(second);
    green_socket_release(client);
    green_socket_release(server);
    green_listener_release(first);
    green_listener_release(second);
}

TEST(reuse_address, "SO_REUSEADDR is set by default, and SO_REUSEPORT is not") {
    green_listener *listener = listen_any(TCP4);
    CHECK(option_of(listener, SO_REUSEADDR), ==, 1);
    CHECK(option_of(listener, SO_REUSEPORT), ==, 0);
    green_listener_release(listener);
    green_listen_options options = {.no_reuse_address = true};
    listener = listen_on("127.0.0.1:0", &options);
    CHECK(option_of(listener, SO_REUSEADDR), ==, 0);
    green_listener_release(listener);
}

/* A listener on every address of a family, on the port of another listener. */
static int listen_beside(green_listener **listener, green_listener *other, const char *host, bool ipv6_only) {
    green_listen_options options = {.ipv6_only = ipv6_only};
    green_address address;
    char text[GREEN_ADDRESS_TEXT_MAX];
    CHECK(green_listener_address(other, &address), ==, 0);
    snprintf(text, sizeof text, "%s:%d", host, green_address_port(&address));
    return green_listen(listener, text, &options);
}

TEST(ipv6_only, "with ipv6_only a listener on [::] leaves its port free for IPv4") {
    green_listener *first = NULL, *second = NULL;
    green_listen_options options = {.ipv6_only = true};
    int error = green_listen(&first, "[::]:0", &options);
    if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)
        skip("needs IPv6");
    CHECK(error, ==, 0);
    /* Unless another process uses the IPv4 port at the moment. */
    error = listen_beside(&second, first, "127.0.0.1", true);
    CHECK(error == 0 || error == -EADDRINUSE);
    int value = 0;
    CHECK(getsockopt(green_listener_fd(first), IPPROTO_IPV6, IPV6_V6ONLY, &value, &(socklen_t){sizeof value}), ==, 0);
    CHECK(value, ==, 1);
    green_listener_release(second);
    green_listener_release(first);
}

TEST(both_families, "without ipv6_only a listener on [::] follows the system's setting") {
    green_listener *listener = NULL;
    int setting = 0, value = -1, error = green_listen(&listener, "[::]:0", NULL);
    FILE *file = fopen("/proc/sys/net/ipv6/bindv6only", "r");
    if (error < 0 || !file || fscanf(file, "%d", &setting) != 1)
        skip("needs IPv6");
    fclose(file);
    CHECK(getsockopt(green_listener_fd(listener), IPPROTO_IPV6, IPV6_V6ONLY, &value, &(socklen_t){sizeof value}), ==,
          0);
    CHECK(value, ==, setting);
    green_listener_release(listener);
}

TEST(bad_address, "an invalid address, or one of another machine, is an error that names it") {
    static const char *const texts[] = {"", "127.0.0.1", "127.0.0.1:99999", "unix:", "[::1]"};
    green_listener *listener = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(green_listen(&listener, texts[i], NULL), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), texts[i]);
    }
    CHECK(green_listen(&listener, "192.0.2.1:0", NULL), ==, -EADDRNOTAVAIL);
    CHECK_CONTAINS(green_explain(-EADDRNOTAVAIL), "192.0.2.1");
    CHECK(green_listen(&listener, "unix:/nonexistent/directory/socket", NULL), ==, -ENOENT);
    CHECK_CONTAINS(green_explain(-ENOENT), "/nonexistent/directory/socket");
    CHECK(listener == NULL);
}

static void drop_privileges_and_listen(void) {
    green_listener *listener = NULL;
    CHECK(setuid(65534), ==, 0);
    CHECK(green_listen(&listener, "127.0.0.1:81", NULL), ==, -EACCES);
    CHECK_CONTAINS(green_explain(-EACCES), "127.0.0.1:81");
    CHECK_CONTAINS(green_explain(-EACCES), "1024");
}

TEST(no_permission, "a port below 1024 without permission is -EACCES, and the message says so") {
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
    int first = 0;
    if (!file || fscanf(file, "%d", &first) != 1 || first <= 81 || geteuid() != 0)
        skip("needs to be root, on a system that keeps low ports for root");
    fclose(file);
    struct child child;
    run_child(&child, drop_privileges_and_listen);
    CHECK(child.status, ==, 0);
}

/* Socket files --------------------------------------------------------------- */

static const char *unix_text(const char *name) {
    static char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "unix:%s/%s", make_directory(), name);
    return text;
}

TEST(dead_file, "the socket file of a dead server is replaced") {
    const char *text = unix_text("socket");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, text + strlen("unix:"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    CHECK(listen(fd, 1), ==, 0);
    close(fd); /* like a killed server, whose file stays */
    CHECK(access(address.sun_path, F_OK), ==, 0);
    green_listener *listener = listen_on(text, NULL);
    green_socket_release(connect_to(listener));
    green_listener_release(listener);
    remove_directory();
}

TEST(live_file, "the socket file of a live server stays: -EADDRINUSE") {
    const char *text = unix_text("socket");
    green_listener *first = listen_on(text, NULL), *second = NULL;
    CHECK(green_listen(&second, text, NULL), ==, -EADDRINUSE);
    CHECK_CONTAINS(green_explain(-EADDRINUSE), text);
    CHECK(second == NULL);
    green_socket *client = connect_to(first); /* which still serves */
    green_socket_release(accept_from(first));
    green_socket_release(client);
    green_listener_release(first);
    remove_directory();
}

TEST(other_file, "a file that is not a socket is never replaced") {
    const char *text = unix_text("precious");
    const char *path = text + strlen("unix:");
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(write(fd, "data", 4), ==, 4);
    close(fd);
    green_listener *listener = NULL;
    CHECK(green_listen(&listener, text, NULL), ==, -EADDRINUSE);
    CHECK(access(path, F_OK), ==, 0);
    remove_directory();
}

TEST(file_removed, "closing a listener removes its socket file") {
    const char *text = unix_text("socket");
    green_listener *listener = listen_on(text, NULL);
    CHECK(access(text + strlen("unix:"), F_OK), ==, 0);
    CHECK(green_listener_close(listener), ==, 0);
    CHECK(access(text + strlen("unix:"), F_OK), ==, -1);
    green_listener_release(listener);
    listener = listen_on(text, NULL);
    green_listener_release(listener); /* the last release does the same */
    CHECK(access(text + strlen("unix:"), F_OK), ==, -1);
    remove_directory();
}

/* Accept -------------------------------------------------------------------- */

static int accept_one(void *argument) {
    green_socket *socket = NULL;
    int error = green_accept(argument, &socket);
    if (error == 0)
        green_socket_release(socket);
    return error;
}

TEST(close_wakes, "closing a listener wakes the accepting thread with -EBADF, and frees the port") {
    green_listener *listener = listen_any(TCP4);
    int fd = green_listener_fd(listener);
    green_thread *thread = start(accept_one, listener);
    let_run();
    CHECK(green_listener_close(listener), ==, 0);
    CHECK(fcntl(fd, F_GETFD), ==, -1);
    CHECK(finish(thread), ==, -EBADF);
    CHECK(accept_one(listener), ==, -EBADF);
    CHECK(green_listener_fd(listener), ==, -EBADF);
    CHECK(green_listener_close(listener), ==, 0);
    green_listener_release(listener);
}

static int accept_second(void *argument) {
    int error = accept_one(argument);
    CHECK_CONTAINS(green_explain(error), "first");
    return error;
}

TEST(second_accept, "a second accepting thread is -EBUSY, and the message names the first") {
    green_listener *listener = listen_any(TCP4);
    green_thread *first = start_named("first", accept_one, listener);
    let_run();
    CHECK(finish(start(accept_second, listener)), ==, -EBUSY);
    green_socket *client = connect_to(listener);
    CHECK(finish(first), ==, 0);
    green_socket_release(client);
    green_listener_release(listener);
}

TEST(retained, "a listener exists until its last owner releases it") {
    green_listener *listener = listen_any(TCP4);
    CHECK(green_listener_retain(listener) == listener);
    green_listener_release(listener);
    green_socket *client = connect_to(listener);
    green_socket_release(accept_from(listener));
    green_socket_release(client);
    green_listener_release(listener);
    green_listener_release(NULL);
}

TEST(gone_clients, "clients that reset before they are accepted do not end accept") {
    green_listener *listener = listen_any(TCP4);
    for (int i = 0; i < 10; i++)
        reset_and_release(connect_to(listener));
    green_socket *client = connect_to(listener);
    send_text(client, "alive");
    for (;;) {
        green_socket *server = accept_from(listener);
        char bytes[5];
        ssize_t count = green_read_exactly(server, bytes, sizeof bytes);
        green_socket_release(server);
        if (count == 5)
            break;
        CHECK(count, ==, -ECONNRESET);
    }
    green_socket_release(client);
    green_listener_release(listener);
}

TEST(adopted, "an adopted listening descriptor accepts") {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    green_listener *listener = NULL;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(green_listener_adopt(&listener, fd), ==, -EINVAL); /* it does not listen yet */
    CHECK(fcntl(fd, F_GETFD), >=, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), ==, 0); /* autobind to an abstract name */
    CHECK(listen(fd, 8), ==, 0);
    CHECK(green_listener_adopt(&listener, fd), ==, 0);
    CHECK(green_listener_fd(listener), ==, fd);
    green_socket *client = connect_to(listener), *server = accept_from(listener);
    send_text(client, "hello");
    expect_text(server, "hello");
    green_socket_release(client);
    green_socket_release(server);
    green_listener_release(listener);
    CHECK(fcntl(fd, F_GETFD), ==, -1);
}

TEST(adopt_other, "a descriptor that does not listen is not adopted") {
    int ends[2];
    green_listener *listener = NULL;
    CHECK(pipe(ends), ==, 0);
    CHECK(green_listener_adopt(&listener, ends[0]), ==, -ENOTSOCK);
    CHECK(green_listener_adopt(&listener, -1), ==, -EBADF);
    CHECK(listener == NULL);
    close(ends[0]);
    close(ends[1]);
}
