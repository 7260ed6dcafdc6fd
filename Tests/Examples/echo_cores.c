/* The echo server on all cores in C. */
#include "program.h"

enum { CLIENTS = 16 };

static void echo_on(int client, const char *text) {
    send_on(client, text);
    expect_on(client, text);
}

static void stop_by(int signal) {
    struct program program = run_example((const char *const[4]){"127.0.0.1:0"});
    int port = next_port(&program), clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to_port(port);
        echo_on(clients[i], "one\n");
    }
    CHECK(kill(program.pid, signal), ==, 0);
    CHECK_CONTAINS(next_line(&program), "waiting for the clients to finish");
    for (int i = 0; i < CLIENTS; i++) {
        echo_on(clients[i], "two\n");
        close(clients[i]);
    }
    CHECK(end_of(&program), ==, 0);
}

TEST(interrupt, "sends lines back on all hubs, and ends with status 0 at SIGINT when its clients have finished") {
    stop_by(SIGINT);
}

TEST(terminate, "sends lines back on all hubs, and ends with status 0 at SIGTERM when its clients have finished") {
    stop_by(SIGTERM);
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
