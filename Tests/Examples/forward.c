/* The forwarder in C. */
#include "program.h"

#include <pthread.h>

/* A client, and the server that the program has connected to for it. */
struct path {
    struct program program;
    int port, listener, client, server;
};

static struct program start_forward(int target, int *port) {
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%d", target);
    struct program program = run_example((const char *const[4]){"127.0.0.1:0", text});
    *port = next_port(&program);
    return program;
}

static void path_connect(struct path *path) {
    path->client = connect_to_port(path->port);
    path->server = accept_on(path->listener);
}

static struct path path_open(void) {
    struct path path = {0};
    int target;
    path.listener = listen_on_loopback(&target);
    path.program = start_forward(target, &path.port);
    path_connect(&path);
    return path;
}

/* Ctrl-C ends the program. It has written nothing else. */
static void path_end(struct path *path) {
    CHECK(kill(path->program.pid, SIGINT), ==, 0);
    CHECK(WTERMSIG(end_of(&path->program)), ==, SIGINT);
    close(path->listener);
}

enum { SIZE = 8 << 20, CHUNK = 64 << 10 };

/* Function of an OS thread: sends the pattern and ends its direction. */
static void *send_all(void *fd) {
    char *bytes = malloc(CHUNK);
    for (size_t position = 0; position < SIZE; position += CHUNK) {
        pattern_fill(bytes, CHUNK, position);
        for (size_t sent = 0; sent < CHUNK;) {
            ssize_t count = send(*(int *)fd, bytes + sent, CHUNK - sent, MSG_NOSIGNAL);
            CHECK(count, >, 0);
            sent += (size_t)count;
        }
    }
    free(bytes);
    CHECK(shutdown(*(int *)fd, SHUT_WR), ==, 0);
    return NULL;
}

static void receive_all(int fd) {
    char *bytes = malloc(CHUNK);
    size_t position = 0;
    ssize_t count;
    while ((count = recv(fd, bytes, CHUNK, 0)) > 0) {
        pattern_check(bytes, (size_t)count, position);
        position += (size_t)count;
    }
    free(bytes);
    CHECK(count, ==, 0);
    CHECK(position, ==, SIZE);
}

static void send_to_end(int from, int to) {
    pthread_t sender;
    CHECK(pthread_create(&sender, NULL, send_all, &from), ==, 0);
    receive_all(to);
    CHECK(pthread_join(sender, NULL), ==, 0);
}

TEST(client_first, "forwards each byte in both directions after the client has ended its direction") {
    struct path path = path_open();
    send_to_end(path.client, path.server);
    send_to_end(path.server, path.client);
    close(path.client);
    close(path.server);
    path_end(&path);
}

TEST(server_first, "forwards each byte in both directions after the server has ended its direction") {
    struct path path = path_open();
    send_to_end(path.server, path.client);
    send_to_end(path.client, path.server);
    close(path.client);
    close(path.server);
    path_end(&path);
}

static void expect_cut(int fd) {
    char byte;
    CHECK(recv(fd, &byte, 1, 0), <=, 0);
    close(fd);
}

TEST(cut, "ends the other connection after a reset, reports it once and continues") {
    struct path path = path_open();
    reset_on(path.client);
    expect_cut(path.server);
    CHECK_CONTAINS(next_line(&path.program), "ECONNRESET");
    path_connect(&path);
    reset_on(path.server);
    expect_cut(path.client);
    CHECK_CONTAINS(next_line(&path.program), "ECONNRESET");
    path_connect(&path);
    send_on(path.client, "hello");
    expect_on(path.server, "hello");
    close(path.client);
    close(path.server);
    path_end(&path);
}

TEST(refused, "ends the client's connection if the target refuses, reports it and continues") {
    struct path path = {0};
    int target;
    close(listen_on_loopback(&target));
    path.program = start_forward(target, &path.port);
    for (int i = 0; i < 2; i++) {
        expect_cut(connect_to_port(path.port));
        CHECK_CONTAINS(next_line(&path.program), "ECONNREFUSED");
    }
    path.listener = -1;
    path_end(&path);
}

TEST(usage, "prints its usage when asked, and with status 2 without a target") {
    struct program program = run_example((const char *const[4]){"--help"});
    CHECK_CONTAINS(next_line(&program), "usage: ");
    CHECK(end_of(&program), ==, 0);
    program = run_example((const char *const[4]){"127.0.0.1:0"});
    CHECK_CONTAINS(next_line(&program), "usage: ");
    CHECK(WEXITSTATUS(end_of(&program)), ==, 2);
}
