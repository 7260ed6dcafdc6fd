/* Many clients: bursts, lack of descriptors, clients that do not read or write, and leaks. */
#include "helpers.h"

#include <sys/resource.h>

struct server {
    green_listener *listener;
    int running, served;
};

static int echo(green_socket *client, void *context) {
    struct server *server = context;
    char bytes[4096];
    ssize_t count;
    server->running++;
    while ((count = green_read(client, bytes, sizeof bytes)) > 0)
        if ((count = green_write(client, bytes, (size_t)count)) < 0)
            break;
    server->running--;
    server->served++;
    return count < 0 ? (int)count : 0;
}

/* A client that disconnects early ends its handler, not the server. */
static int ignore_error(green_socket *client, void *context) {
    int result = echo(client, context);
    return result == -ECONNRESET || result == -EPIPE ? 0 : result;
}

static int serve(void *argument) {
    struct server *server = argument;
    green_serve_options options = {.concurrency = 5000};
    return green_serve(server->listener, &options, ignore_error, server);
}

static green_thread *start_server(struct server *server) {
    *server = (struct server){.listener = listen_any(TCP4)};
    return start(serve, server);
}

static void stop_server(struct server *server, green_thread *thread) {
    CHECK(green_listener_stop(server->listener, PATIENTLY(10 * GREEN_SECOND)), ==, 0);
    CHECK(finish(thread), ==, 0);
    green_listener_release(server->listener);
}

/* Connects, has its bytes echoed, closes. */
static int visit(void *argument) {
    struct server *server = argument;
    green_socket *client = connect_to(server->listener);
    for (int i = 0; i < 2; i++) {
        send_text(client, "0123456789abcdef");
        expect_text(client, "0123456789abcdef");
    }
    CHECK(green_shutdown(client, SHUT_WR), ==, 0);
    expect_end(client);
    green_socket_release(client);
    return 0;
}

static void visit_by(struct server *server, int count) {
    static green_thread *threads[1000];
    for (int i = 0; i < count; i++)
        threads[i] = start(visit, server);
    for (int i = 0; i < count; i++)
        CHECK(finish(threads[i]), ==, 0);
}

BIG_TEST(ten_thousand, "ten thousand connections leak no descriptor, memory or thread") {
    enum { BATCH = 500, BATCHES = SCALED(20) };
    struct server server;
    green_statistics before, after;
    green_thread *thread = start_server(&server);
    visit_by(&server, BATCH);
    UNTIL(server.served == BATCH);
    let_run();
    size_t descriptors = open_descriptors(), resident = resident_bytes(), os = os_threads();
    CHECK(green_hub_statistics(&before), ==, 0);
    for (int i = 0; i < BATCHES; i++)
        visit_by(&server, BATCH);
    UNTIL(server.served == BATCH * (BATCHES + 1));
    let_run();
    CHECK(green_hub_statistics(&after), ==, 0);
    CHECK(open_descriptors(), ==, descriptors);
    CHECK(os_threads(), ==, os);
    CHECK(after.threads, ==, before.threads);
    CHECK(after.sockets, ==, before.sockets);
    CHECK(after.operations, ==, before.operations);
    CHECK(after.buffers, ==, before.buffers);
    CHECK(after.stacks, <=, before.stacks + BATCH); /* the first batch may need more */
    if (!SANITIZED)
        CHECK(resident_bytes(), <=, resident + (32 << 20));
    stop_server(&server, thread);
}

TEST(burst, "a burst of a thousand connections waits in the queue and is accepted") {
    enum { COUNT = SCALED(1000) };
    static green_socket *clients[COUNT];
    green_listener *listener = listen_any(TCP4);
    for (int i = 0; i < COUNT; i++)
        clients[i] = connect_to(listener); /* no thread accepts yet */
    for (int i = 0; i < COUNT; i++)
        green_socket_release(accept_from(listener));
    for (int i = 0; i < COUNT; i++) {
        expect_end(clients[i]);
        green_socket_release(clients[i]);
    }
    green_listener_release(listener);
}

TEST(hog, "clients that never read or never write do not delay a thousand others") {
    enum { OTHERS = SCALED(1000) };
    struct server server;
    green_thread *thread = start_server(&server);
    green_socket *hog = connect_to(server.listener), *silent = connect_to(server.listener);
    struct transfer send = {hog, UINT64_MAX, 0};
    green_thread *flood = start(send_pattern, &send); /* it is echoed until all are blocked */
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    visit_by(&server, OTHERS);
    CHECK(server.running, ==, 2);
    CHECK(!green_thread_is_finished(flood));
    CHECK(green_close(hog), ==, 0);
    CHECK(finish(flood), ==, -EBADF);
    green_socket_release(hog);
    green_socket_release(silent);
    UNTIL(server.running == 0);
    CHECK(server.served, ==, OTHERS + 2);
    stop_server(&server, thread);
}

/* Leaves room for count more descriptors, and returns the old limit. */
static struct rlimit leave_descriptors(int count) {
    struct rlimit limit, low;
    int spare[64];
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    for (int i = 0; i <= count; i++) {
        spare[i] = dup(STDERR_FILENO);
        CHECK(spare[i], >=, 0);
    }
    low = limit;
    low.rlim_cur = (rlim_t)spare[count]; /* the numbers below it are the free ones */
    for (int i = 0; i <= count; i++)
        close(spare[i]);
    CHECK(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
    return limit;
}

TEST(accept_without_descriptor, "accept without a descriptor left is -EMFILE, and the connection stays in the queue") {
    green_listener *listener = listen_any(TCP4);
    green_socket *client = connect_to(listener), *server = NULL, *other = NULL;
    struct rlimit limit = leave_descriptors(0);
    for (int i = 0; i < 3; i++) {
        CHECK(green_accept(listener, &server), ==, -EMFILE);
        CHECK_CONTAINS(green_explain(-EMFILE), "ulimit -n");
    }
    CHECK(green_connect(&other, address_of(listener), NULL), ==, -EMFILE);
    CHECK(green_socket_pair(&server, &other), ==, -EMFILE);
    CHECK(server == NULL && other == NULL);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    server = accept_from(listener);
    send_text(client, "patient");
    expect_text(server, "patient");
    green_socket_release(client);
    green_socket_release(server);
    green_listener_release(listener);
}

static int visit_late(void *argument) {
    green_socket *client = argument;
    send_text(client, "late");
    expect_text(client, "late");
    green_socket_release(client);
    return 0;
}

TEST(serve_without_descriptors, "serve continues as descriptors become free, and serves all clients that waited") {
    enum { COUNT = 50 };
    struct server server = {.listener = listen_any(TCP4)};
    green_socket *clients[COUNT];
    green_thread *threads[COUNT], *thread;
    for (int i = 0; i < COUNT; i++)
        clients[i] = connect_to(server.listener);
    struct rlimit limit = leave_descriptors(3);
    thread = start(serve, &server);
    UNTIL(server.running == 3);
    CHECK(green_sleep(50 * GREEN_MILLISECOND), ==, 0);
    CHECK(server.running, ==, 3);
    CHECK(!green_thread_is_finished(thread));
    for (int i = 0; i < COUNT; i++) /* each one that ends makes room for another */
        threads[i] = start(visit_late, clients[i]);
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    UNTIL(server.served == COUNT);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    visit_by(&server, 10);
    stop_server(&server, thread);
}

static int connect_and_drop(void *argument) {
    struct server *server = argument;
    green_socket *client = connect_to(server->listener);
    switch (random_below(4)) {
    case 0:
        reset_and_release(client);
        return 0;
    case 1:
        send_text(client, "half a mess");
        reset_and_release(client);
        return 0;
    case 2:
        send_text(client, "and gone");
        break;
    default:
        break;
    }
    green_socket_release(client);
    return 0;
}

TEST(rude_clients, "clients that reset, disconnect within a message or send nothing leak nothing") {
    enum { COUNT = SCALED(2000) };
    struct server server = {.listener = listen_any(TCP4)};
    green_thread *thread = start(serve, &server), *visitors[100];
    size_t descriptors = open_descriptors();
    for (int i = 0; i < COUNT; i += 100) {
        for (int k = 0; k < 100; k++)
            visitors[k] = start(connect_and_drop, &server);
        for (int k = 0; k < 100; k++)
            CHECK(finish(visitors[k]), ==, 0);
    }
    UNTIL(server.running == 0 && open_descriptors() <= descriptors);
    visit_by(&server, 10);
    stop_server(&server, thread);
}
