/* Servers on all hubs of a pool: addresses, distribution, handlers and their results. */
#include "servers.h"

#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Distribution --------------------------------------------------------------- */

enum { CLIENTS = 4 * HUBS };
static green_socket *clients[CLIENTS];

TEST(fewest, "each connection goes to the hub with the fewest") {
    hub_server.options.distribution = GREEN_HAND_OVER;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS);
    for (size_t i = 0; i < HUBS; i++)
        CHECK(green_server_running(hub_server.server, i), ==, CLIENTS / HUBS);
    CHECK(green_server_stop(hub_server.server, 0), ==, CLIENTS);
    release_clients(clients, CLIENTS);
    end_server_on_hubs(0);
}

static atomic_int hub_of_client[CLIENTS];

static int tell_hub(green_socket *client, void *context) {
    char index;
    CHECK(green_read(client, &index, 1), ==, 1);
    hub_of_client[(int)index] = (int)hub_here();
    int result = handle_byte(client, context);
    return result;
}

static green_socket *connect_as(char index) {
    green_socket *client = connect_to_server();
    CHECK(green_write(client, &index, 1), ==, 1);
    return client;
}

TEST(refills, "a hub whose connections have ended gets the next ones") {
    enum { FIRST = 2 * HUBS };
    int ended = 0;
    CHECK(serve_on_hubs(NULL, tell_hub), ==, 0);
    for (int i = 0; i < FIRST; i++)
        clients[i] = connect_as((char)i);
    UNTIL(hub_server.running == FIRST);
    for (int i = 0; i < FIRST; i++)
        if (hub_of_client[i] == 1) {
            send_text(clients[i], "x");
            ended++;
        }
    CHECK(ended, ==, FIRST / HUBS);
    UNTIL(running_on_hubs() == FIRST - FIRST / HUBS);
    for (int i = 0; i < FIRST / HUBS; i++)
        clients[FIRST + i] = connect_as((char)(FIRST + i));
    UNTIL(hub_server.running == FIRST);
    for (int i = 0; i < FIRST / HUBS; i++)
        CHECK(hub_of_client[FIRST + i], ==, 1);
    CHECK(green_server_stop(hub_server.server, 0), ==, FIRST);
    release_clients(clients, FIRST + FIRST / HUBS);
    end_server_on_hubs(0);
}

static atomic_uint hubs_met;

/* Keeps its hub until a handler on each of the others does. */
static int meet(green_socket *client, void *context) {
    (void)client, (void)context;
    hubs_met |= 1u << hub_here();
    while (hubs_met != (1u << HUBS) - 1)
        sched_yield();
    return 0;
}

static void run_at_once(void) {
    int count = 0;
    hubs_met = 0;
    CHECK(serve_on_hubs(NULL, meet), ==, 0);
    /* The kernel selects the hub, so it may take more connections than hubs. */
    green_socket *some[1000];
    while (hubs_met != (1u << HUBS) - 1) {
        CHECK(count, <, 1000);
        some[count++] = connect_to_server();
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    }
    for (int i = 0; i < count; i++)
        expect_end(some[i]);
    release_clients(some, count);
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    end_server_on_hubs(0);
}

TEST(at_once, "handlers run on all hubs at the same time") {
    with_each_distribution(run_at_once);
}

/* Addresses ------------------------------------------------------------------- */

static int echo(green_socket *client, void *context) {
    (void)context;
    char bytes[64];
    ssize_t count;
    while ((count = green_read(client, bytes, sizeof bytes)) > 0)
        if ((count = green_write(client, bytes, (size_t)count)) < 0)
            break;
    return (int)count;
}

static void talk(int count) {
    green_socket *some[4 * CLIENTS];
    connect_clients(some, count);
    for (int i = 0; i < count; i++) {
        send_text(some[i], "hello");
        expect_text(some[i], "hello");
    }
    release_clients(some, count);
}

static void echo_on(const char *on) {
    CHECK(serve_on_hubs(on, echo), ==, 0);
    talk(4 * CLIENTS);
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    end_server_on_hubs(0);
}

static void check_port(void) {
    green_address address;
    char text[GREEN_ADDRESS_TEXT_MAX];
    CHECK(serve_on_hubs("127.0.0.1:0", echo), ==, 0);
    green_server_address(hub_server.server, &address);
    green_address_print(&address, text, sizeof text);
    CHECK(strcmp(text, "127.0.0.1:0"), !=, 0);
    talk(4 * CLIENTS);
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    end_server_on_hubs(0);
    green_listener *listener; /* all hubs have left the port */
    CHECK(green_listen(&listener, text, &(green_listen_options){.no_reuse_address = false}), ==, 0);
    green_listener_release(listener);
}

TEST(port, "all hubs serve one port, also one that the kernel picks, and leave it") {
    with_each_distribution(check_port);
}

static void echo_by_name(void) {
    echo_on("localhost:0");
}

TEST(name, "the address may be a host name") {
    with_each_distribution(echo_by_name);
}

static void echo_on_file(void) {
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "unix:%s/socket", make_directory());
    echo_on(text);
    struct stat status;
    CHECK(stat(text + strlen("unix:"), &status), <, 0);
    remove_directory();
}

TEST(unix_file, "a unix socket is handed over, and its file removed") {
    with_each_distribution(echo_on_file);
}

static void echo_on_abstract(void) {
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "unix:@green-server-%d", (int)getpid());
    echo_on(text);
}

TEST(unix_abstract, "an abstract unix address is handed over") {
    with_each_distribution(echo_on_abstract);
}

static void take_address(void) {
    green_listener *listener = listen_any(TCP4);
    CHECK(serve_on_hubs(address_of(listener), echo), ==, -EADDRINUSE);
    CHECK_CONTAINS(green_explain(-EADDRINUSE), "cannot listen on 127.0.0.1:");
    CHECK(hub_server.discarded, ==, 1);
    close_hubs();
    green_listener_release(listener);
}

TEST(in_use, "an address in use is an error, and the context is discarded") {
    with_each_distribution(take_address);
}

TEST(bad_address, "an invalid address is an error, and the context is discarded") {
    CHECK(serve_on_hubs("127.0.0.1", echo), ==, -EINVAL);
    CHECK(hub_server.discarded, ==, 1);
    close_hubs();
}

/* Results of handlers --------------------------------------------------------- */

static void end_by_handler(void) {
    hub_server.result = GREEN_STOP_SERVE;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS);
    CHECK(green_server_wait(hub_server.server, 0), ==, -ETIMEDOUT);
    send_text(clients[CLIENTS - 1], "x");
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
    CHECK(hub_server.discarded, ==, 0); /* the other handlers continue to run */
    CHECK(running_on_hubs(), ==, CLIENTS - 1);
    green_address address;
    green_socket *late;
    green_server_address(hub_server.server, &address);
    CHECK(green_connect_address(&late, &address, NULL), ==, -ECONNREFUSED);
    send_to_clients(clients, CLIENTS - 1);
    UNTIL(hub_server.discarded == 1);
    release_clients(clients, CLIENTS);
    end_server_on_hubs(0);
}

TEST(stop_serve, "GREEN_STOP_SERVE of a handler ends the server on all hubs") {
    with_each_distribution(end_by_handler);
}

static int fail_after_byte(green_socket *client, void *context) {
    int result = handle_byte(client, context);
    green_socket *other;
    return result < 0 ? result : green_connect(&other, "nonsense", NULL);
}

static void fail_a_handler(void) {
    CHECK(serve_on_hubs(NULL, fail_after_byte), ==, 0);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS);
    send_text(clients[1], "x");
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, -EINVAL);
    CHECK_CONTAINS(green_explain(-EINVAL), "nonsense");
    CHECK(green_server_stop(hub_server.server, 0), ==, CLIENTS - 1); /* the other handlers */
    release_clients(clients, CLIENTS);
    end_server_on_hubs(-EINVAL); /* again */
}

TEST(failure, "the error of a handler ends the server on all hubs; a wait returns it with its message") {
    with_each_distribution(fail_a_handler);
}

static void count_error(int error, void *context) {
    struct hub_server *server = context;
    server->errors++;
    server->last_error = error;
}

static void observe_errors(void) {
    hub_server.options.serve.on_error = count_error;
    hub_server.result = -EPERM;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(clients, CLIENTS);
    send_to_clients(clients, CLIENTS);
    UNTIL(hub_server.errors == CLIENTS);
    CHECK(hub_server.last_error, ==, -EPERM);
    CHECK(green_server_wait(hub_server.server, 0), ==, -ETIMEDOUT);
    release_clients(clients, CLIENTS);
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    end_server_on_hubs(0);
}

TEST(on_error, "with on_error the server continues after an error") {
    with_each_distribution(observe_errors);
}

static void reset_clients(void) {
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(clients, CLIENTS);
    UNTIL(hub_server.running == CLIENTS);
    capture_begin();
    for (int i = 0; i < CLIENTS; i++)
        reset_and_release(clients[i]);
    UNTIL(running_on_hubs() == 0);
    CHECK_CONTAINS(capture_end(), "ECONNRESET");
    CHECK(green_server_wait(hub_server.server, 0), ==, -ETIMEDOUT);
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    end_server_on_hubs(0);
}

TEST(resets, "errors of the clients' own connections are reported, and end no server") {
    with_each_distribution(reset_clients);
}

TEST(unobserved, "an error that no wait returned is reported when the handle is released") {
    hub_server.result = -EPERM;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(clients, 1);
    send_to_clients(clients, 1);
    expect_end(clients[0]);
    UNTIL(hub_server.discarded == 1);
    capture_begin();
    close_hubs();
    CHECK_CONTAINS(capture_end(), "'server' ended with an error that no thread waited for: Operation not permitted");
    release_clients(clients, 1);
}

/* Limits ---------------------------------------------------------------------- */

static void limit_handlers(void) {
    enum { LIMIT = 2, MANY = 2 * LIMIT * HUBS };
    green_socket *many[MANY];
    hub_server.options.serve.concurrency = LIMIT;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(many, MANY);
    for (int ended = 0; ended < MANY; ended++) {
        if (hub_server.options.distribution == GREEN_HAND_OVER)
            UNTIL(hub_server.running == (MANY - ended < LIMIT * HUBS ? MANY - ended : LIMIT * HUBS));
        for (size_t i = 0; i < HUBS; i++)
            CHECK(green_server_running(hub_server.server, i), <=, LIMIT);
        send_text(many[ended], "x");
        UNTIL(hub_server.ended > ended || hub_server.options.distribution == GREEN_REUSE_PORT);
    }
    UNTIL(hub_server.ended == MANY);
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    release_clients(many, MANY);
    end_server_on_hubs(0);
}

TEST(concurrency, "each hub runs at most `concurrency` handlers, and further connections wait for room") {
    with_each_distribution(limit_handlers);
}

TEST(stack_size, "the stack size is that of the options, and one that is too small is an error") {
    hub_server.options.serve.stack_size = 1;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    connect_clients(clients, 1);
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, -EINVAL);
    expect_end(clients[0]);
    release_clients(clients, 1);
    end_server_on_hubs(-EINVAL);
}

/* Handles --------------------------------------------------------------------- */

static void *use_without_hub(void *unused) {
    (void)unused;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    CHECK(green_server_wait(hub_server.server, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    CHECK(green_server_wait(hub_server.server, GREEN_FOREVER), ==, 0);
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, -ENOENT);
    return NULL;
}

static void use_on_os_thread(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, use_without_hub, NULL), ==, 0);
    CHECK(pthread_join(thread, NULL), ==, 0);
    end_server_on_hubs(0);
}

TEST(os_thread, "an OS thread starts, waits for and stops a server without a hub") {
    with_each_distribution(use_on_os_thread);
}

TEST(handles, "a server runs on without a handle") {
    green_address address;
    green_socket *client;
    hub_server.result = GREEN_STOP_SERVE;
    CHECK(serve_on_hubs(NULL, NULL), ==, 0);
    green_server_address(hub_server.server, &address);
    CHECK(green_server_retain(hub_server.server) == hub_server.server);
    green_server_release(hub_server.server);
    green_server_release(hub_server.server);
    hub_server.server = NULL;
    CHECK(green_connect_address(&client, &address, NULL), ==, 0);
    send_text(client, "x");
    expect_end(client);
    UNTIL(hub_server.discarded == 1);
    green_socket_release(client);
    green_server_release(NULL);
    close_hubs();
}

TEST(one_hub, "a pool of one hub serves, too") {
    CHECK(green_hub_pool_make(&hub_server.hubs, &(green_hub_pool_options){.count = 1}), ==, 0);
    echo_on(NULL);
}

/* Forks ----------------------------------------------------------------------- */

static void use_parents_server(void) {
    green_address address;
    CHECK(green_server_stop(hub_server.server, 0), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "before the fork");
    CHECK(green_server_wait(hub_server.server, 0), ==, -EXDEV);
    green_server_address(hub_server.server, &address);
    size_t before = open_descriptors();
    green_server_release(hub_server.server);
    /* Its copies of the listeners. */
    CHECK(open_descriptors(), ==, before - (hub_server.options.distribution == GREEN_REUSE_PORT ? HUBS : 1));
}

static void fork_with_server(void) {
    int status;
    CHECK(serve_on_hubs(NULL, echo), ==, 0);
    talk(CLIENTS);
    UNTIL(running_on_hubs() == 0);
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid == 0) {
        alarm(30 * time_factor());
        use_parents_server();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(status, ==, 0);
    talk(CLIENTS); /* the parent continues to serve */
    CHECK(green_server_stop(hub_server.server, GREEN_FOREVER), ==, 0);
    end_server_on_hubs(0);
}

TEST(fork, "a forked child cannot use its parent's server, and closes its copies of the listeners") {
    with_each_distribution(fork_with_server);
}
