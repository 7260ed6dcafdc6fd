/* In serve, an error of the client's own connection ends only that connection. Every
 * other error ends the server. */
#include "helpers.h"

#include <fcntl.h>
#include <poll.h>

struct server {
    green_listener *listener;
    green_serve_options options;
    green_handler *handler;
    green_thread *thread;
    green_listener *backend_listener;
    green_socket *backend; /* our end of a connection to another server */
    green_socket *beyond;  /* the other server's end */
    green_socket *client;  /* of the running handler */
    int begun, ended, told;
};
static struct server server;

static int serve(void *unused) {
    (void)unused;
    return green_serve(server.listener, &server.options, server.handler, NULL);
}

static void begin(green_handler *handler) {
    server.handler = handler;
    server.listener = listen_any(TCP4);
    capture_begin();
    server.thread = start(serve, NULL);
}

/* Ends a running server and returns its reports. */
static const char *end(void) {
    CHECK(green_listener_close(server.listener), ==, 0);
    CHECK(finish(server.thread), ==, 0);
    green_listener_release(server.listener);
    return capture_end();
}

/* Checks a server that an error has ended without a report. */
static void expect_ended_by(int error) {
    CHECK(finish(server.thread), ==, error);
    green_listener_release(server.listener);
    CHECK_TEXT(capture_end(), "");
}

static green_socket *connect_and_begin(void) {
    int begun = server.begun;
    green_socket *client = connect_to(server.listener);
    UNTIL(server.begun == begun + 1);
    return client;
}

static void await_end(int ended) {
    UNTIL(server.ended == ended);
    let_run();
}

static void expect_one_line(const char *text, const char *part) {
    CHECK_CONTAINS(text, "green: ");
    CHECK_CONTAINS(text, part);
    CHECK_CONTAINS(text, "serving 127.0.0.1:");
    CHECK(strchr(text, '\n') == text + strlen(text) - 1);
}

/* The servers of the README and of green.h ----------------------------------- */

static int session(green_socket *client, void *context) {
    (void)context;
    char bytes[4096];
    ssize_t n;
    server.begun++;
    while ((n = green_read(client, bytes, sizeof bytes)) > 0)
        if ((n = green_write(client, bytes, (size_t)n)) < 0)
            break;
    server.ended++;
    return n < 0 ? (int)n : 0;
}

static int line_session(green_socket *client, void *context) {
    (void)context;
    char line[64];
    ssize_t n;
    server.begun++;
    while ((n = green_read_line(client, line, sizeof line)) > 0)
        if ((n = green_write(client, line, (size_t)n)) < 0)
            break;
    server.ended++;
    return n < 0 ? (int)n : 0;
}

static void expect_served(void) {
    green_socket *client = connect_to(server.listener);
    send_text(client, "hello\n");
    expect_text(client, "hello\n");
    CHECK(green_shutdown(client, SHUT_WR), ==, 0);
    expect_end(client);
    green_socket_release(client);
}

static void meet_any_client(green_handler *handler) {
    char garbage[200];
    begin(handler);
    reset_and_release(connect_to(server.listener)); /* perhaps before the accept */
    await_end(1);
    reset_and_release(connect_and_begin());
    await_end(2);
    expect_served();
    await_end(3);
    green_socket *client = connect_and_begin();
    memset(garbage, 0xC1, sizeof garbage);
    CHECK(green_write(client, garbage, sizeof garbage), ==, sizeof garbage);
    CHECK(green_shutdown(client, SHUT_WR), ==, 0);
    await_end(4);
    green_socket_release(client);
    expect_served();
    CHECK_CONTAINS(end(), "ECONNRESET");
}

TEST(readme, "the server of the README and green.h survives resets, garbage and half-closed clients") {
    meet_any_client(session);
}

TEST(readme_lines, "a line server survives resets, lines that are too long and half-closed clients") {
    meet_any_client(line_session);
}

/* Errors of the client's own connection -------------------------------------- */

static int read_one(green_socket *client, void *context) {
    (void)context;
    char byte;
    server.begun++;
    ssize_t n = green_read(client, &byte, 1);
    server.ended++;
    return (int)(n < 0 ? n : 0);
}

TEST(reset, "a client that resets its connection is reported with its address and does not end serve") {
    needs_kernel();
    begin(read_one);
    green_address address;
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_socket *client = connect_and_begin();
    CHECK(green_socket_local_address(client, &address), ==, 0);
    green_address_print(&address, text, sizeof text);
    reset_and_release(client);
    await_end(1);
    const char *told = end();
    expect_one_line(told, text);
    CHECK_CONTAINS(told, "ECONNRESET");
}

static int write_on(green_socket *client, void *context) {
    static const char bytes[65536];
    (void)context;
    ssize_t n;
    server.begun++;
    while ((n = green_write(client, bytes, sizeof bytes)) > 0)
        ;
    server.ended++;
    return (int)n;
}

TEST(gone, "a client that disconnects during a write does not end serve") {
    needs_kernel();
    begin(write_on);
    green_socket_release(connect_and_begin()); /* with bytes unread: a reset */
    await_end(1);
    expect_one_line(end(), "write");
}

static int write_in_time(green_socket *client, void *context) {
    green_socket_set_timeouts(client, GREEN_FOREVER, GREEN_MILLISECOND);
    return write_on(client, context);
}

TEST(slow_reader, "a client that does not read within the socket's timeout does not end serve") {
    begin(write_in_time);
    green_socket *client = connect_and_begin();
    await_end(1);
    green_socket_release(client);
    expect_one_line(end(), "ETIMEDOUT");
}

/* Like a server that reports why it closes the connection. */
static int read_in_time(green_socket *client, void *context) {
    (void)context;
    char byte;
    green_socket_set_timeouts(client, GREEN_MILLISECOND, GREEN_FOREVER);
    server.begun++;
    ssize_t n = green_read(client, &byte, 1);
    if (n < 0)
        send_text(client, "too slow");
    server.ended++;
    return (int)(n < 0 ? n : 0);
}

TEST(silent, "a client that is silent for longer than the socket's timeout does not end serve") {
    begin(read_in_time);
    green_socket *client = connect_and_begin();
    expect_text(client, "too slow");
    await_end(1);
    green_socket_release(client);
    expect_one_line(end(), "ETIMEDOUT");
}

TEST(long_line, "a client with a line that is too long does not end serve") {
    begin(line_session);
    green_socket *client = connect_and_begin();
    char line[100];
    memset(line, 'x', sizeof line);
    CHECK(green_write(client, line, sizeof line), ==, sizeof line);
    await_end(1);
    green_socket_release(client);
    expect_one_line(end(), "a line of more than 63 bytes");
}

static int read_ten(green_socket *client, void *context) {
    (void)context;
    char bytes[10];
    server.begun++;
    ssize_t n = green_read_exactly(client, bytes, sizeof bytes);
    server.ended++;
    return (int)(n < 0 ? n : 0);
}

static int receive_ten(green_socket *client, void *context) {
    (void)context;
    const void *bytes;
    server.begun++;
    ssize_t n = green_receive_exactly(client, 10, &bytes);
    server.ended++;
    return (int)(n < 0 ? n : 0);
}

static void end_too_early(green_handler *handler) {
    begin(handler);
    green_socket *client = connect_and_begin();
    send_text(client, "12345");
    CHECK(green_shutdown(client, SHUT_WR), ==, 0);
    await_end(1);
    green_socket_release(client);
    expect_one_line(end(), "ENODATA");
}

TEST(short_stream, "a client that ends its stream too early does not end serve") {
    end_too_early(read_ten);
}

TEST(short_stream_in_place, "a client that ends its stream too early during a receive in place does not end serve") {
    end_too_early(receive_ten);
}

static int read_kept(green_socket *client, void *context) {
    server.client = client;
    return read_one(client, context);
}

TEST(closed, "a client that another thread closes does not end serve") {
    begin(read_kept);
    green_socket *client = connect_and_begin();
    CHECK(green_close(server.client), ==, 0);
    await_end(1);
    expect_end(client);
    green_socket_release(client);
    CHECK_CONTAINS(end(), "EBADF");
}

static int shut_down_later(green_socket *client, void *context) {
    (void)context;
    server.begun++;
    struct pollfd state = {.fd = green_socket_fd(client), .events = 0};
    CHECK(green_wait_fd(state.fd, POLLHUP, GREEN_FOREVER), >, 0);
    int error = green_shutdown(client, SHUT_WR);
    server.ended++;
    return error;
}

TEST(shutdown, "a client that disconnects before its connection is shut down does not end serve") {
    needs_kernel();
    begin(shut_down_later);
    reset_and_release(connect_and_begin());
    await_end(1);
    expect_one_line(end(), "ENOTCONN");
}

static int told_error;

static void on_error(int error, void *context) {
    (void)context;
    told_error = error;
    server.told++;
}

TEST(on_error_called, "on_error gets a client's error, and nothing is reported") {
    server.options.on_error = on_error;
    begin(read_one);
    reset_and_release(connect_and_begin());
    await_end(1);
    CHECK(server.told, ==, 1);
    CHECK(told_error, ==, -ECONNRESET);
    CHECK_TEXT(end(), "");
}

TEST(full_pipe, "a blocked standard error does not delay serve, and one without a reader does not end it") {
    int ends[2];
    begin(read_one);
    CHECK(pipe(ends), ==, 0);
    int saved = dup(STDERR_FILENO);
    CHECK(dup2(ends[1], STDERR_FILENO), ==, STDERR_FILENO);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 4096), >=, 0);
    for (int i = 1; i <= 200; i++) { /* more lines than the pipe holds */
        if (i == 200)
            close(ends[0]);
        reset_and_release(connect_and_begin());
        await_end(i);
    }
    CHECK(dup2(saved, STDERR_FILENO), ==, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    CHECK_TEXT(end(), "");
}

/* Errors of others ----------------------------------------------------------- */

static void connect_backend(void) {
    server.backend_listener = listen_any(TCP4);
    server.backend = connect_to(server.backend_listener);
    server.beyond = accept_from(server.backend_listener);
}

static void release_backend(void) {
    green_socket_release(server.backend);
    if (server.beyond)
        green_socket_release(server.beyond);
    green_listener_release(server.backend_listener);
}

static int ask_backend(green_socket *client, void *context) {
    (void)client, (void)context;
    char byte;
    server.begun++;
    ssize_t n = green_read(server.backend, &byte, 1);
    server.ended++;
    return (int)(n < 0 ? n : 0);
}

TEST(backend_reset, "another server that resets its connection ends serve") {
    connect_backend();
    begin(ask_backend);
    green_socket *client = connect_and_begin();
    reset_and_release(server.beyond);
    server.beyond = NULL;
    expect_ended_by(-ECONNRESET);
    expect_end(client);
    green_socket_release(client);
    release_backend();
}

/* The client was slow once, but no longer is. */
static int ask_both(green_socket *client, void *context) {
    char byte;
    green_socket_set_timeouts(client, GREEN_MILLISECOND, GREEN_FOREVER);
    CHECK(green_read(client, &byte, 1), ==, -ETIMEDOUT);
    CHECK(green_socket_failed_with(client, -ETIMEDOUT));
    server.begun++;
    green_socket_set_timeouts(client, GREEN_FOREVER, GREEN_FOREVER);
    CHECK(green_read(client, &byte, 1), ==, 1);
    CHECK(!green_socket_failed_with(client, -ETIMEDOUT));
    green_socket_set_timeouts(server.backend, GREEN_MILLISECOND, GREEN_FOREVER);
    return ask_backend(client, context);
}

TEST(backend_silent, "another server that is silent for too long ends serve, even if the client was silent before") {
    connect_backend();
    begin(ask_both);
    green_socket *client = connect_and_begin();
    send_text(client, "x");
    expect_ended_by(-ETIMEDOUT);
    green_socket_release(client);
    release_backend();
}

static int fail_otherwise(green_socket *client, void *context) {
    CHECK(read_one(client, context), ==, -ECONNRESET);
    return -EPROTO;
}

TEST(own_error, "a handler's own error ends serve, even if its client has disconnected") {
    begin(fail_otherwise);
    reset_and_release(connect_and_begin());
    expect_ended_by(-EPROTO);
}

static int limit_time(green_socket *client, void *context) {
    green_timeout *timeout = NULL;
    CHECK(green_timeout_start(&timeout, GREEN_MILLISECOND), ==, 0);
    int error = read_one(client, context);
    green_timeout_free(timeout);
    return error;
}

TEST(own_timeout, "a green_timeout of the handler ends serve, because it is not an error of the client") {
    begin(limit_time);
    green_socket *client = connect_to(server.listener);
    expect_ended_by(-ETIME);
    green_socket_release(client);
}

static int keep_reading(void *client) {
    char byte;
    return (int)green_read(client, &byte, 1);
}

static int read_twice(green_socket *client, void *context) {
    (void)context;
    char byte;
    green_thread *reader = start(keep_reading, client);
    let_run();
    server.begun++;
    int error = (int)green_read(client, &byte, 1);
    CHECK(kill_and_finish(reader), ==, -ECANCELED);
    return error;
}

TEST(own_mistake, "a second reader of the client is a programming error and ends serve") {
    begin(read_twice);
    green_socket *client = connect_to(server.listener);
    expect_ended_by(-EBUSY);
    green_socket_release(client);
}

static int fail_late(green_socket *client, void *context) {
    CHECK(read_one(client, context), ==, 0);
    return -EPROTO;
}

TEST(outlived, "an error of a handler that outlives its serve is reported") {
    begin(fail_late);
    green_socket *client = connect_and_begin();
    CHECK(green_listener_close(server.listener), ==, 0);
    CHECK(finish(server.thread), ==, 0);
    send_text(client, "x");
    await_end(1);
    expect_end(client);
    green_socket_release(client);
    green_listener_release(server.listener);
    const char *told = capture_end();
    CHECK_CONTAINS(told, "outlived");
    CHECK_CONTAINS(told, "Protocol error");
}
