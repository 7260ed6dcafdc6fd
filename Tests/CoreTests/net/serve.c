/* green_serve(): a thread for each connection, the concurrency, and how it ends. */
#include "helpers.h"

/* A server, the results of its handlers, and the event they wait for. */
struct server {
    green_listener *listener;
    green_serve_options options;
    green_handler *handler;
    struct door door;
    green_event *event;
    int running, most, served;
    green_thread *last; /* handler's thread; retained */
    green_socket *kept;
};

static int serve(void *argument) {
    struct server *server = argument;
    return green_serve(server->listener, &server->options, server->handler, server);
}

static struct server *new_server(green_handler *handler, size_t concurrency) {
    static struct server server;
    server = (struct server){.listener = listen_any(TCP4), .handler = handler};
    server.options.concurrency = concurrency;
    return &server;
}

static int echo(green_socket *client, void *context) {
    struct server *server = context;
    char bytes[4096];
    ssize_t count;
    while ((count = green_read(client, bytes, sizeof bytes)) > 0)
        if ((count = green_write(client, bytes, (size_t)count)) < 0)
            break;
    server->served++;
    return count < 0 ? (int)count : 0;
}

static int wait_inside(green_socket *client, void *context) {
    struct server *server = context;
    (void)client;
    server->running++;
    if (server->running > server->most)
        server->most = server->running;
    int error = wait_at(&server->door);
    server->running--;
    server->served++;
    return error;
}

/* Waits for the end of serve, and releases the listener. */
static int end_of(struct server *server, green_thread *thread) {
    int result = finish(thread);
    green_listener_release(server->listener);
    return result;
}

static int close_and_end(struct server *server, green_thread *thread) {
    CHECK(green_listener_close(server->listener), ==, 0);
    return end_of(server, thread);
}

TEST(echo, "a served client gets its echo, and its connection is closed after the handler") {
    struct server *server = new_server(echo, 0);
    green_thread *thread = start(serve, server);
    for (int i = 0; i < 20; i++) {
        green_socket *client = connect_to(server->listener);
        send_text(client, "hello");
        expect_text(client, "hello");
        CHECK(green_shutdown(client, SHUT_WR), ==, 0);
        expect_end(client);
        green_socket_release(client);
    }
    CHECK(close_and_end(server, thread), ==, 0);
    CHECK(server->served, ==, 20);
}

TEST(concurrency, "at most `concurrency` handlers run, and further connections wait") {
    enum { CLIENTS = 10, LIMIT = 3 };
    struct server *server = new_server(wait_inside, LIMIT);
    green_socket *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(server->listener); /* all have connected before the first is served */
    size_t descriptors = open_descriptors();
    green_thread *thread = start(serve, server);
    UNTIL(server->running == LIMIT);
    CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    CHECK(server->running, ==, LIMIT);
    CHECK(open_descriptors(), <=, descriptors + LIMIT); /* not even accepted */
    server->door.is_open = true;
    UNTIL(server->served == CLIENTS);
    CHECK(server->most, ==, LIMIT);
    CHECK(close_and_end(server, thread), ==, 0);
    for (int i = 0; i < CLIENTS; i++)
        green_socket_release(clients[i]);
}

TEST(concurrency_one, "a server with a concurrency of 1 serves all clients in sequence") {
    struct server *server = new_server(wait_inside, 1);
    green_socket *clients[20];
    server->door.is_open = true;
    green_thread *thread = start(serve, server);
    for (int i = 0; i < 20; i++)
        clients[i] = connect_to(server->listener);
    UNTIL(server->served == 20);
    CHECK(server->most, ==, 1);
    CHECK(close_and_end(server, thread), ==, 0);
    for (int i = 0; i < 20; i++)
        green_socket_release(clients[i]);
}

static int fail_on_byte(green_socket *client, void *context) {
    char byte = 0;
    struct server *server = context;
    server->running++;
    ssize_t count = green_read(client, &byte, 1);
    server->running--;
    server->served++;
    return byte == 'f' ? -EPROTO : byte == 's' ? GREEN_STOP_SERVE : count < 0 ? (int)count : 0;
}

TEST(handler_error, "a handler's error ends serve, other handlers continue, and the listener stays open") {
    struct server *server = new_server(fail_on_byte, 0);
    green_thread *thread = start(serve, server);
    green_socket *good = connect_to(server->listener), *bad = connect_to(server->listener), *later;
    UNTIL(server->running == 2);
    send_text(bad, "f");
    CHECK(finish(thread), ==, -EPROTO);
    CHECK(server->running, ==, 1);
    CHECK(green_listener_fd(server->listener), >=, 0);
    later = connect_to(server->listener);
    thread = start(serve, server); /* it can be served again */
    UNTIL(server->running == 2);
    send_text(good, "g");
    expect_end(good);
    send_text(later, "s");
    CHECK(end_of(server, thread), ==, 0);
    CHECK(server->served, ==, 3);
    green_socket_release(good);
    green_socket_release(bad);
    green_socket_release(later);
}

static int fail_when_sent(green_socket *client, void *context) {
    struct server *server = context;
    void *value;
    (void)client;
    server->running++;
    CHECK(green_event_wait(server->event, &value, GREEN_FOREVER), ==, 0);
    return -EPROTO;
}

static int serve_and_sleep(void *argument) {
    CHECK(serve(argument), ==, -EPROTO);
    return nap(NULL);
}

TEST(error_and_kill, "a kill that arrives with a handler's error stays pending for the next call") {
    struct server *server = new_server(fail_when_sent, 0);
    CHECK(green_event_make(&server->event), ==, 0);
    green_thread *thread = start(serve_and_sleep, server);
    green_socket *client = connect_to(server->listener);
    UNTIL(server->running == 1);
    CHECK(green_event_send(server->event, NULL), ==, 0);
    CHECK(green_thread_kill(thread), ==, 0);
    CHECK(end_of(server, thread), ==, -ECANCELED);
    green_event_free(server->event);
    green_socket_release(client);
}

TEST(stop_serve, "GREEN_STOP_SERVE ends serve with 0, and the listener stays open") {
    struct server *server = new_server(fail_on_byte, 0);
    green_thread *thread = start(serve, server);
    green_socket *client = connect_to(server->listener);
    send_text(client, "s");
    CHECK(finish(thread), ==, 0);
    CHECK(green_listener_fd(server->listener), >=, 0);
    expect_end(client);
    green_socket_release(client);
    green_listener_release(server->listener);
}

static int errors_seen;

static void on_error(int error, void *context) {
    struct server *server = context;
    CHECK(error, ==, -EPROTO);
    CHECK(green_current() == server->last); /* in the handler's thread */
    green_thread_release(server->last);
    errors_seen++;
}

static int fail_at_once(green_socket *client, void *context) {
    struct server *server = context;
    (void)client;
    server->last = green_thread_retain(green_current());
    return -EPROTO;
}

TEST(on_error, "with on_error serve continues, and on_error gets each error in the handler's thread") {
    struct server *server = new_server(fail_at_once, 0);
    server->options.on_error = on_error;
    capture_begin();
    green_thread *thread = start(serve, server);
    for (int i = 1; i <= 5; i++) {
        green_socket *client = connect_to(server->listener);
        expect_end(client);
        green_socket_release(client);
        UNTIL(errors_seen == i);
    }
    CHECK(close_and_end(server, thread), ==, 0);
    CHECK_TEXT(capture_end(), ""); /* on_error got them */
}

static int nap_inside(green_socket *client, void *context) {
    struct server *server = context;
    (void)client;
    server->last = green_thread_retain(green_current());
    int error = green_sleep(3600 * GREEN_SECOND);
    server->served++;
    return error;
}

TEST(killed_handler, "a killed handler is no error, and serve continues") {
    struct server *server = new_server(nap_inside, 0);
    capture_begin();
    green_thread *thread = start(serve, server);
    for (int i = 1; i <= 3; i++) {
        green_socket *client = connect_to(server->listener);
        UNTIL(server->last != NULL);
        kill_and_finish(server->last);
        server->last = NULL;
        expect_end(client);
        green_socket_release(client);
        CHECK(server->served, ==, i);
    }
    CHECK(!green_thread_is_finished(thread));
    CHECK(close_and_end(server, thread), ==, 0);
    CHECK_TEXT(capture_end(), "");
}

TEST(killed_handler_on_error, "on_error is not called for a killed handler") {
    struct server *server = new_server(nap_inside, 0);
    server->options.on_error = on_error;
    green_thread *thread = start(serve, server);
    green_socket *client = connect_to(server->listener);
    UNTIL(server->last != NULL);
    kill_and_finish(server->last);
    expect_end(client);
    green_socket_release(client);
    CHECK(errors_seen, ==, 0);
    CHECK(close_and_end(server, thread), ==, 0);
}

static int keep(green_socket *client, void *context) {
    struct server *server = context;
    server->kept = green_socket_retain(client);
    return 0;
}

TEST(kept_client, "a client that the handler retained stays open after it") {
    struct server *server = new_server(keep, 0);
    green_thread *thread = start(serve, server);
    green_socket *client = connect_to(server->listener);
    UNTIL(server->kept != NULL);
    let_run();
    send_text(server->kept, "kept");
    expect_text(client, "kept");
    green_socket_release(server->kept);
    expect_end(client);
    green_socket_release(client);
    CHECK(close_and_end(server, thread), ==, 0);
}

static int close_early(green_socket *client, void *context) {
    struct server *server = context;
    server->served++;
    return green_close(client);
}

TEST(closed_by_handler, "a handler may close its client itself") {
    struct server *server = new_server(close_early, 0);
    green_thread *thread = start(serve, server);
    green_socket *client = connect_to(server->listener);
    expect_end(client);
    green_socket_release(client);
    CHECK(close_and_end(server, thread), ==, 0);
}

TEST(killed, "a killed serve is -ECANCELED, its handlers continue, and the listener stays open") {
    struct server *server = new_server(wait_inside, 0);
    green_thread *thread = start(serve, server);
    green_socket *client = connect_to(server->listener);
    UNTIL(server->running == 1);
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    CHECK(server->running, ==, 1);
    CHECK(green_listener_fd(server->listener), >=, 0);
    server->door.is_open = true;
    expect_end(client);
    CHECK(server->served, ==, 1);
    green_socket_release(client);
    green_listener_release(server->listener);
}

TEST(killed_at_limit, "a serve that waits for a handler to end can be killed, too") {
    struct server *server = new_server(wait_inside, 1);
    green_thread *thread = start(serve, server);
    green_socket *first = connect_to(server->listener), *second = connect_to(server->listener);
    UNTIL(server->running == 1);
    let_run();
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
    server->door.is_open = true;
    expect_end(first);
    CHECK(server->served, ==, 1);
    green_socket_release(accept_from(server->listener)); /* the second was not lost */
    expect_end(second);
    green_socket_release(first);
    green_socket_release(second);
    green_listener_release(server->listener);
}

TEST(closed_at_limit, "a serve that waits for a handler to end returns 0 when its listener is closed") {
    struct server *server = new_server(wait_inside, 1);
    green_thread *thread = start(serve, server);
    green_socket *client = connect_to(server->listener);
    UNTIL(server->running == 1);
    CHECK(close_and_end(server, thread), ==, 0);
    CHECK(server->running, ==, 1); /* its handlers continue */
    server->door.is_open = true;
    expect_end(client);
    green_socket_release(client);
}

static int accept_one(void *argument) {
    green_socket *socket;
    return green_accept(argument, &socket);
}

TEST(second_serve, "a second serve, or an accept during serve, is -EBUSY") {
    struct server *server = new_server(echo, 0);
    green_thread *first = start(serve, server);
    let_run();
    CHECK(finish(start(serve, server)), ==, -EBUSY);
    CHECK(*green_explain(-EBUSY) != 0);
    CHECK(finish(start(accept_one, server->listener)), ==, -EBUSY);
    green_socket *client = connect_to(server->listener);
    send_text(client, "still served");
    expect_text(client, "still served");
    green_socket_release(client);
    CHECK(close_and_end(server, first), ==, 0);
}

static int check_stack(green_socket *client, void *context) {
    struct server *server = context;
    (void)client;
    CHECK(green_thread_stack_size(green_current()), >=, server->options.stack_size);
    CHECK(green_thread_stack_size(green_current()), <, 1 << 20);
    server->served++;
    return GREEN_STOP_SERVE;
}

TEST(stack_size, "handlers have stacks of the requested size") {
    struct server *server = new_server(check_stack, 0);
    server->options.stack_size = 64 << 10;
    green_thread *thread = start(serve, server);
    green_socket *client = connect_to(server->listener);
    CHECK(end_of(server, thread), ==, 0);
    CHECK(server->served, ==, 1);
    green_socket_release(client);
}

TEST(closed_listener, "serving a closed listener is 0 or -EBADF, and runs no handler") {
    struct server *server = new_server(wait_inside, 0);
    CHECK(green_listener_close(server->listener), ==, 0);
    int result = serve(server);
    CHECK(result == 0 || result == -EBADF);
    CHECK(server->served, ==, 0);
    green_listener_release(server->listener);
}
