/* Servers that are killed and restarted at once. The address of a killed server is free as
 * soon as its parent has waited for it. */
#include "helpers.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { RESTARTS = 100, GREETED = 4, UNGREETED = 4 };

/* The address of a server, sent through a pipe. */
struct report {
    int error;
    green_address address;
};

struct server {
    const char *text;
    int type;
    void (*run)(const char *text, int pipe);
    bool is_idle; /* when it is killed */
    pid_t pid;
    struct report report;
};

static void send_report(int pipe, const struct report *report) {
    CHECK(write(pipe, report, sizeof *report), ==, sizeof *report);
}

static void ignore_error(int error, void *context) {
    (void)error, (void)context;
}

static int echo(green_socket *client, void *context) {
    (void)context;
    char byte;
    ssize_t count;
    while ((count = green_read(client, &byte, 1)) > 0)
        if ((count = green_write(client, &byte, 1)) < 0)
            break;
    return (int)count;
}

static void serve_streams(const char *text, int pipe) {
    green_serve_options options = {.on_error = ignore_error};
    green_listener *listener;
    struct report report = {0};
    report.error = green_listen(&listener, text, NULL);
    if (report.error == 0)
        CHECK(green_listener_address(listener, &report.address), ==, 0);
    send_report(pipe, &report);
    CHECK(report.error == 0 && green_serve(listener, &options, echo, NULL) == 0);
}

static void serve_on_hubs(const char *text, int pipe, green_distribution distribution) {
    green_server_options options = {.distribution = distribution, .serve.on_error = ignore_error};
    green_hub_pool *hubs;
    green_server *server;
    struct report report = {0};
    CHECK(green_hub_pool_make(&hubs, &(green_hub_pool_options){.count = 2}), ==, 0);
    report.error = green_server_start(&server, text, hubs, &options, echo, NULL);
    if (report.error == 0)
        green_server_address(server, &report.address);
    send_report(pipe, &report);
    CHECK(report.error == 0 && green_server_wait(server, GREEN_FOREVER) == 0);
}

static void serve_by_hand_over(const char *text, int pipe) {
    serve_on_hubs(text, pipe, GREEN_HAND_OVER);
}

static void serve_by_reuse_port(const char *text, int pipe) {
    serve_on_hubs(text, pipe, GREEN_REUSE_PORT);
}

static void serve_datagrams(const char *text, int pipe) {
    green_address at, from;
    green_socket *socket;
    char byte;
    CHECK(green_resolve(&at, 1, text), ==, 1);
    struct report report = {.error = green_datagram_open(&socket, &at)};
    if (report.error == 0)
        CHECK(green_socket_local_address(socket, &report.address), ==, 0);
    send_report(pipe, &report);
    while (green_receive_from(socket, &byte, 1, &from) == 1)
        CHECK(green_send_to(socket, &byte, 1, &from), ==, 1);
    _exit(1);
}

/* Makes a descriptor bound to the address, which listens if it is a stream socket. */
static int open_at(const char *text, int type, int pipe) {
    struct report report = {0};
    CHECK(green_resolve(&report.address, 1, text), ==, 1);
    int fd = socket(report.address.storage.ss_family, type | SOCK_CLOEXEC, 0);
    CHECK(fd, >=, 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){type == SOCK_STREAM}, sizeof(int)), ==, 0);
    if (bind(fd, (struct sockaddr *)&report.address.storage, report.address.length) < 0 ||
        (type == SOCK_STREAM && listen(fd, 8) < 0))
        report.error = -errno;
    CHECK(getsockname(fd, (struct sockaddr *)&report.address.storage, &report.address.length), ==, 0);
    send_report(pipe, &report);
    return fd;
}

static void serve_by_wait_fd(const char *text, int pipe) {
    char byte;
    int fd = open_at(text, SOCK_STREAM, pipe);
    while (green_wait_fd(fd, POLLIN, GREEN_FOREVER) > 0) {
        int client = accept(fd, NULL, NULL);
        CHECK(client, >=, 0);
        CHECK(green_wait_fd(client, POLLIN, GREEN_FOREVER), >, 0);
        CHECK(recv(client, &byte, 1, 0), ==, 1);
        CHECK(send(client, &byte, 1, MSG_NOSIGNAL), ==, 1);
    }
    _exit(1);
}

static void patch_program(void) {
    green_patch *patch;
    CHECK(green_yield(), ==, 0); /* calls of an OS thread without a hub block */
    CHECK(green_monkey_patch(&patch, GREEN_PATCH_SOCKET), ==, 0);
}

static void serve_by_patched_calls(const char *text, int pipe) {
    char byte;
    patch_program();
    int fd = open_at(text, SOCK_STREAM, pipe), client;
    while ((client = accept(fd, NULL, NULL)) >= 0 && recv(client, &byte, 1, 0) == 1)
        CHECK(send(client, &byte, 1, MSG_NOSIGNAL), ==, 1);
    _exit(1);
}

static void serve_datagrams_by_patched_calls(const char *text, int pipe) {
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    char byte;
    patch_program();
    int fd = open_at(text, SOCK_DGRAM, pipe);
    for (; recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1; size = sizeof from)
        CHECK(sendto(fd, &byte, 1, 0, (struct sockaddr *)&from, size), ==, 1);
    _exit(1);
}

static void start_server(struct server *server) {
    int ends[2];
    CHECK(pipe(ends), ==, 0);
    server->pid = fork();
    CHECK(server->pid, >=, 0);
    if (server->pid == 0) {
        close(ends[0]);
        server->run(server->text, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    CHECK(read(ends[0], &server->report, sizeof server->report), ==, sizeof server->report);
    close(ends[0]);
    CHECK(server->report.error, ==, 0);
}

static int open_there(const struct server *server) {
    int fd = socket(server->report.address.storage.ss_family, server->type | SOCK_CLOEXEC, 0);
    CHECK(fd, >=, 0);
    return fd;
}

static const struct sockaddr *address_there(const struct server *server) {
    return (const struct sockaddr *)&server->report.address.storage;
}

static int connect_there(const struct server *server) {
    int fd = open_there(server);
    CHECK(connect(fd, address_there(server), server->report.address.length), ==, 0);
    return fd;
}

/* No server answers on the address, and another can bind it. */
static void expect_free(const struct server *server) {
    int fd = open_there(server);
    bool is_stream = server->type == SOCK_STREAM;
    if (is_stream) {
        CHECK(connect(fd, address_there(server), server->report.address.length), <, 0);
        CHECK(errno, ==, ECONNREFUSED);
        close(fd);
        fd = open_there(server);
        CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), ==, 0);
    }
    const struct sockaddr_un *path = (const struct sockaddr_un *)address_there(server);
    if (path->sun_family != AF_UNIX || !path->sun_path[0]) { /* the file stays and is replaced */
        CHECK(bind(fd, address_there(server), server->report.address.length), ==, 0);
        CHECK(!is_stream || listen(fd, 8) == 0);
    }
    close(fd);
}

/* Kills a server that waits for clients, serves some, and has not accepted others. An idle
 * server has none. */
static void kill_server(const struct server *server) {
    int clients[GREETED + UNGREETED], status;
    char byte = 'x';
    for (int i = 0; i < GREETED + UNGREETED; i++) {
        clients[i] = connect_there(server);
        CHECK(send(clients[i], &byte, 1, 0), ==, 1);
        if (i < GREETED || server->is_idle)
            CHECK(recv(clients[i], &byte, 1, 0), ==, 1);
    }
    if (server->is_idle)
        usleep(1000); /* most likely it waits again */
    CHECK(kill(server->pid, SIGKILL), ==, 0);
    CHECK(waitpid(server->pid, &status, 0), ==, server->pid);
    CHECK(WIFSIGNALED(status));
    expect_free(server);
    for (int i = 0; i < GREETED + UNGREETED; i++)
        close(clients[i]);
}

static void restart(struct server server) {
    char text[GREEN_ADDRESS_TEXT_MAX];
    for (int i = 0; i < SCALED(RESTARTS); i++) {
        start_server(&server);
        green_address_print(&server.report.address, text, sizeof text);
        server.text = text; /* from now on this port */
        kill_server(&server);
    }
}

TEST(tcp, "a killed TCP server can restart at once, a hundred times") {
    restart((struct server){.text = "127.0.0.1:0", .type = SOCK_STREAM, .run = serve_streams});
}

TEST(unix_file, "a killed unix server accepts no more clients and can restart at once, a hundred times") {
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "unix:%s/socket", make_directory());
    restart((struct server){.text = text, .type = SOCK_STREAM, .run = serve_streams});
    remove_directory();
}

TEST(unix_abstract, "a killed server on an abstract unix address can restart at once, a hundred times") {
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "unix:@green-restart-%d", (int)getpid());
    restart((struct server){.text = text, .type = SOCK_STREAM, .run = serve_streams});
}

static void restart_on_hubs(const char *text, void (*run)(const char *text, int pipe)) {
    if (!threads_after_fork())
        skip("a forked child cannot start OS threads here");
    restart((struct server){.text = text, .type = SOCK_STREAM, .run = run});
}

TEST(hand_over, "a killed server on several hubs can restart at once, a hundred times") {
    restart_on_hubs("127.0.0.1:0", serve_by_hand_over);
}

TEST(reuse_port, "a killed server with SO_REUSEPORT on several hubs can restart at once, a hundred times") {
    restart_on_hubs("127.0.0.1:0", serve_by_reuse_port);
}

TEST(hand_over_file, "a killed unix server on several hubs can restart at once, a hundred times") {
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "unix:%s/socket", make_directory());
    restart_on_hubs(text, serve_by_hand_over);
    remove_directory();
}

TEST(udp, "a killed UDP server can restart at once, a hundred times") {
    restart((struct server){.text = "127.0.0.1:0", .type = SOCK_DGRAM, .run = serve_datagrams});
}

TEST(wait_fd, "a killed server that waits by green_wait_fd can be started again at once, a hundred times") {
    restart((struct server){.text = "127.0.0.1:0", .type = SOCK_STREAM, .run = serve_by_wait_fd, .is_idle = true});
}

TEST(patched_tcp, "a killed TCP server of patched calls can be started again at once, a hundred times") {
    restart(
        (struct server){.text = "127.0.0.1:0", .type = SOCK_STREAM, .run = serve_by_patched_calls, .is_idle = true});
}

TEST(patched_udp, "a killed UDP server of patched calls can be started again at once, a hundred times") {
    restart((struct server){
        .text = "127.0.0.1:0", .type = SOCK_DGRAM, .run = serve_datagrams_by_patched_calls, .is_idle = true});
}
