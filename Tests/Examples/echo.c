/* The echo server in C. */
#include "program.h"

static struct program start_echo(int *port) {
    struct program program = run_example((const char *const[4]){"127.0.0.1:0"});
    *port = next_port(&program);
    return program;
}

/* A signal lets the client finish, and the server end with status 0. */
static void stop_by(int signal) {
    int port;
    struct program program = start_echo(&port);
    int client = connect_to_port(port);
    send_on(client, "one\n");
    expect_on(client, "one\n");
    CHECK(kill(program.pid, signal), ==, 0);
    CHECK_CONTAINS(next_line(&program), "waiting for the clients to finish");
    send_on(client, "two\n");
    expect_on(client, "two\n");
    close(client);
    CHECK(end_of(&program), ==, 0);
}

TEST(interrupt, "sends lines back, and ends with status 0 at SIGINT when its clients have finished") {
    stop_by(SIGINT);
}

TEST(terminate, "sends lines back, and ends with status 0 at SIGTERM when its clients have finished") {
    stop_by(SIGTERM);
}

/* Whether the only OS thread of a process blocks a signal. */
static bool blocks(pid_t pid, int signal) {
    char path[64], line[128];
    unsigned long long blocked = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) && sscanf(line, "SigBlk: %llx", &blocked) < 1)
        ;
    fclose(status);
    return blocked >> (signal - 1) & 1;
}

TEST(second_signal, "a second signal ends it at once") {
    int port;
    struct program program = start_echo(&port);
    int client = connect_to_port(port);
    send_on(client, "one\n");
    expect_on(client, "one\n");
    CHECK(kill(program.pid, SIGINT), ==, 0);
    CHECK_CONTAINS(next_line(&program), "waiting for the clients to finish");
    /* A signal that the server still collects would have no effect until its clients have finished. */
    UNTIL(!blocks(program.pid, SIGTERM));
    CHECK(kill(program.pid, SIGTERM), ==, 0);
    int status = end_of(&program);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status), ==, SIGTERM);
    close(client);
}

TEST(reset, "a client that resets its connection is reported, and the others are served") {
    int port;
    struct program program = start_echo(&port);
    int client = connect_to_port(port), other = connect_to_port(port);
    send_on(client, "one\n");
    expect_on(client, "one\n");
    reset_on(client);
    CHECK_CONTAINS(next_line(&program), "ECONNRESET");
    send_on(other, "two\n");
    expect_on(other, "two\n");
    close(other);
    CHECK(kill(program.pid, SIGTERM), ==, 0);
    next_line(&program);
    CHECK(end_of(&program), ==, 0);
}

TEST(taken, "an address in use is reported in one line, with status 1") {
    int port;
    char address[32];
    int listener = listen_on_loopback(&port);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    struct program program = run_example((const char *const[4]){address});
    CHECK_CONTAINS(next_line(&program), "EADDRINUSE");
    CHECK(WEXITSTATUS(end_of(&program)), ==, 1);
    close(listener);
}

TEST(usage, "prints its usage when asked, and with status 2 without an address") {
    struct program program = run_example((const char *const[4]){"--help"});
    CHECK_CONTAINS(next_line(&program), "usage: ");
    CHECK(end_of(&program), ==, 0);
    program = run_example((const char *const[4]){NULL});
    CHECK_CONTAINS(next_line(&program), "usage: ");
    CHECK(WEXITSTATUS(end_of(&program)), ==, 2);
}
