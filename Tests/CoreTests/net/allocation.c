/* Lack of memory, descriptors and other resources at every point of the network calls. */
#include "fault_injection.h"

#include <green/detached_socket.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* Reading and writing ------------------------------------------------------- */

enum { LONG_LINE = 10000 };

static int send_all_kinds(void *socket) {
    static char line[LONG_LINE];
    struct iovec pieces[2] = {{(char[]){"tail "}, 5}, {(char[]){"end\n"}, 4}};
    int error;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    TRY(green_write(socket, "short\nhalf", 10));
    TRY(green_sleep(GREEN_MICROSECOND));
    TRY(green_write(socket, " line\n", 6));
    TRY(green_write(socket, line, sizeof line));
    TRY(green_writev(socket, pieces, 2));
    TRY(green_shutdown(socket, SHUT_WR));
done:
    return error < 0 ? error : 0;
}

static int talk(green_socket *near, green_socket *far) {
    static char line[LONG_LINE + 1];
    const void *received;
    char bytes[5];
    green_thread *thread = NULL;
    int error;
    TRY(green_spawn(&thread, send_all_kinds, far));
    green_socket_set_timeouts(near, PATIENTLY(GREEN_SECOND), PATIENTLY(GREEN_SECOND));
    TRY(green_read_line(near, line, sizeof line));
    CHECK_TEXT(line, "short\n");
    TRY(green_read_line(near, line, sizeof line));
    CHECK_TEXT(line, "half line\n");
    TRY(green_read_line(near, line, sizeof line));
    CHECK(error, ==, LONG_LINE);
    TRY(green_read_exactly(near, bytes, 5));
    CHECK(memcmp(bytes, "tail ", 5), ==, 0);
    TRY(green_receive(near, &received));
    CHECK(memcmp(received, "end\n", 4), ==, 0);
    green_consume(near, 4);
    TRY(green_read(near, bytes, 1));
    CHECK(error, ==, 0);
done:
    return end_threads(&thread, 1, error);
}

static int run_pair(void) {
    green_socket *near = NULL, *far = NULL;
    int error;
    TRY(green_socket_pair(&near, &far));
    error = talk(near, far);
done:
    green_socket_release(near);
    green_socket_release(far);
    return error;
}

/* All receive buffers are in use, so the bytes arrive in a chunk. */
static int run_without_buffers(void) {
    enum { SOCKETS = 5 };
    green_socket *near[SOCKETS] = {NULL}, *far[SOCKETS] = {NULL};
    const void *bytes;
    int error;
    for (int i = 0; i < SOCKETS; i++) {
        TRY(green_socket_pair(&near[i], &far[i]));
        TRY(green_write(far[i], "data", 4));
        TRY(green_receive(near[i], &bytes));
        CHECK(memcmp(bytes, "data", 4), ==, 0);
    }
done:
    for (int i = 0; i < SOCKETS; i++) {
        green_socket_release(near[i]);
        green_socket_release(far[i]);
    }
    return error;
}

static int run_small_hub(void) {
    green_hub_options options = {.receive_memory = 64 << 10};
    int error;
    TRY(green_hub_open(&options));
    error = run_without_buffers();
    CHECK(green_hub_close(), ==, 0);
done:
    return error;
}

/* An exact read that times out keeps the received bytes. Without memory for them, no later
 * read may continue after the gap. */
static int run_cut_short(void) {
    green_socket *near = NULL, *far = NULL;
    char bytes[8];
    int error;
    TRY(green_socket_pair(&near, &far));
    TRY(green_write(far, "abc", 3));
    green_socket_set_timeouts(near, GREEN_MILLISECOND, GREEN_FOREVER);
    error = (int)note_result(green_read_exactly(near, bytes, 6));
    CHECK(error == -ETIMEDOUT || error == -ENOMEM);
    if (error == -ENOMEM)
        goto done; /* for its timer, before it began */
    TRY(green_write(far, "def", 3));
    green_socket_set_timeouts(near, GREEN_FOREVER, GREEN_FOREVER);
    TRY(green_read_exactly(near, bytes, 6));
    CHECK(memcmp(bytes, "abcdef", 6), ==, 0);
done:
    green_socket_release(near);
    green_socket_release(far);
    return error;
}

/* A detach without memory leaves the socket as it was. */
static int run_detached(void) {
    green_socket *near = NULL, *far = NULL;
    green_detached_socket *detached = NULL;
    const void *line;
    char bytes[3];
    int error, detach_error;
    TRY(green_socket_pair(&near, &far));
    TRY(green_write(far, "abc\ndef", 7));
    TRY(green_receive_line(near, 10, &line));
    green_consume(near, 4);
    detach_error = (int)note_result(green_socket_detach(near, &detached));
    if (detach_error == 0) {
        green_socket_release(near);
        CHECK(green_socket_attach(&near, detached), ==, 0);
    }
    TRY(green_read_exactly(near, bytes, 3));
    CHECK(memcmp(bytes, "def", 3), ==, 0);
    error = detach_error;
done:
    green_socket_release(near);
    green_socket_release(far);
    return error;
}

TEST(sockets, "reads and writes without memory are errors, and no byte is lost without an error") {
    static const struct scenario scenarios[] = {
        {.name = "pair", .run = run_pair, .tolerates = "madvise mmap"},
        {.name = "all buffers in use",
         .run = run_small_hub,
         .opens = true,
         .tolerates = "madvise strndup io_uring_register_ring_fd"},
        {.name = "cut short", .run = run_cut_short},
        {.name = "detached", .run = run_detached},
    };
    fail_on_each_engine(scenarios, 4, FAIL_MEMORY);
}

TEST(socket_calls, "calls on sockets without a descriptor or an entry in the epoll are errors") {
    static const struct scenario scenarios[] = {{.name = "pair", .run = run_pair}};
    fail_on_each_engine(scenarios, 1, FAIL_CALLS);
}

/* Connecting and accepting -------------------------------------------------- */

static int accept_one(void *listener) {
    green_socket *socket = NULL;
    int error;
    TRY(green_accept(listener, &socket));
    TRY(green_write(socket, "hello\n", 6));
done:
    green_socket_release(socket);
    return error;
}

/* If the other end has failed, the stream ends, or nothing arrives. */
static int greet(const char *host, green_listener *listener, const green_connect_options *options) {
    green_address address;
    char to[64], line[16];
    green_socket *socket = NULL;
    int error;
    TRY(green_listener_address(listener, &address));
    snprintf(to, sizeof to, "%s:%d", host, green_address_port(&address));
    TRY(green_connect(&socket, to, options));
    green_socket_set_timeouts(socket, PATIENTLY(100 * GREEN_MILLISECOND), PATIENTLY(GREEN_SECOND));
    TRY(green_read_line(socket, line, sizeof line));
    if (error == 0)
        error = -ECONNABORTED;
done:
    green_socket_release(socket);
    return error;
}

static int meet(const char *host, const green_connect_options *options) {
    green_listener *listener = NULL;
    green_thread *thread = NULL;
    int error;
    TRY(green_listen(&listener, "127.0.0.1:0", NULL));
    TRY(green_spawn(&thread, accept_one, listener));
    error = greet(host, listener, options);
done:
    error = end_threads(&thread, 1, error);
    green_listener_release(listener);
    return error;
}

static int meet_by_address(void) {
    return meet("127.0.0.1", NULL);
}

/* Of several addresses those without a listener are tried too. */
static int meet_by_name(void) {
    return meet("localhost", &(green_connect_options){.timeout = PATIENTLY(5 * GREEN_SECOND)});
}

static int meet_on_path(void) {
    green_listener *listener = NULL;
    green_socket *socket = NULL;
    char path[64];
    int error;
    snprintf(path, sizeof path, "unix:/tmp/green-failing-%d", (int)getpid());
    TRY(green_listen(&listener, path, NULL));
    TRY(green_connect(&socket, path, NULL));
done:
    /* A listen that fails after bind() leaves no file. */
    CHECK(listener || error == -ENOMEM || access(path + 5, F_OK) < 0);
    green_socket_release(socket);
    green_listener_release(listener);
    unlink(path + 5); /* a listener that could not remember its path leaves the file */
    return error;
}

static int run_datagrams(void) {
    green_socket *near = NULL, *far = NULL;
    green_address address;
    char bytes[8];
    int error;
    TRY(green_address_parse(&address, "127.0.0.1:0"));
    TRY(green_datagram_open(&near, &address));
    TRY(green_datagram_open(&far, &address));
    TRY(green_socket_local_address(near, &address));
    TRY(green_send_to(far, "hello", 5, &address));
    TRY(green_receive_from(near, bytes, sizeof bytes, &address));
    CHECK(error, ==, 5);
done:
    green_socket_release(near);
    green_socket_release(far);
    return error;
}

static int run_resolve(void) {
    green_address addresses[4];
    int error;
    TRY(green_resolve(addresses, 4, "localhost:80"));
    CHECK(error, >, 0);
done:
    return error;
}

static int count_up(void *counter) {
    return ++*(int *)counter;
}

static int run_offload(void) {
    green_offload_pool *pool = NULL;
    int error, counter = 0, result = 0;
    TRY(green_offload_pool_make(&pool, NULL));
    for (int i = 1; i <= 3; i++) {
        TRY(green_offload(pool, count_up, &counter, NULL, &result, GREEN_FOREVER));
        CHECK(result, ==, i);
    }
done:
    green_offload_pool_free(pool);
    return error;
}

static int run_signals(void) {
    green_signals *signals = NULL;
    int error;
    TRY(green_signals_open(&signals, (int[]){SIGUSR1}, 1));
    CHECK(kill(getpid(), SIGUSR1), ==, 0);
    error = (int)note_result(green_signals_next(signals, PATIENTLY(GREEN_SECOND)));
    if (error < 0)
        CHECK(sigwaitinfo(&(sigset_t){{1ul << (SIGUSR1 - 1)}}, NULL), ==, SIGUSR1); /* it must not act */
    else
        CHECK(error, ==, SIGUSR1);
done:
    green_signals_free(signals);
    return error;
}

static const struct scenario connections[] = {
    /* An accept that continues by itself is reported to the next call. */
    {.name = "connect and accept", .run = meet_by_address, .tolerates = "madvise mmap accept4 epoll_ctl"},
    /* Another address also works. */
    {.name = "connect by name",
     .run = meet_by_name,
     .tolerates = "madvise mmap strndup setsockopt connect socket accept4 epoll_ctl"},
    {.name = "unix path", .run = meet_on_path, .tolerates = "strdup"},
    {.name = "datagrams", .run = run_datagrams},
    {.name = "look-up", .run = run_resolve},
    /* If an OS thread exists, a failure to start another one is no error. */
    {.name = "offload", .run = run_offload, .tolerates = "pthread_create"},
    {.name = "signals", .run = run_signals},
};
enum { CONNECTIONS = sizeof connections / sizeof *connections };

BIG_TEST(connections, "connect, accept, resolve and offload without memory are errors") {
    fail_on_each_engine(connections, CONNECTIONS, FAIL_MEMORY);
}

BIG_TEST(connection_calls, "connect, accept, resolve and offload without descriptors are errors") {
    fail_on_each_engine(connections, CONNECTIONS, FAIL_CALLS);
}

TEST(no_os_thread, "a look-up is an error if no OS thread starts, and the next one works") {
    green_address address;
    CHECK(green_yield(), ==, 0);
    fail_calls(FAIL_CALLS, 1, UINT_MAX);
    CHECK(green_resolve(&address, 1, "localhost:80"), ==, -EAGAIN);
    CHECK_CONTAINS(green_explain(-EAGAIN), "cannot start an OS thread");
    fail_calls(0, 0, 0);
    CHECK(green_resolve(&address, 1, "localhost:80"), ==, 1);
}

/* Serving ------------------------------------------------------------------- */

static int echo_line(green_socket *client, void *context) {
    char line[64];
    (void)context;
    long length = green_read_line(client, line, sizeof line);
    if (length > 0)
        length = green_write(client, line, (size_t)length);
    return length < 0 ? (int)length : 0;
}

/* A handler may run out of memory; its client then sees the end of the stream. */
static atomic_uint handler_errors; /* also of handlers on other hubs */

static void count_error(int error, void *context) {
    (void)context;
    note_result(error);
    handler_errors++;
}

static int serve_lines(void *listener) {
    green_serve_options options = {.on_error = count_error, .concurrency = 100};
    return (int)note_result(green_serve(listener, &options, echo_line, NULL));
}

static int ask(green_listener *listener) {
    green_address address;
    green_socket *socket = NULL;
    char line[16];
    int error;
    TRY(green_listener_address(listener, &address));
    TRY(green_connect_address(&socket, &address, NULL));
    green_socket_set_timeouts(socket, PATIENTLY(2 * GREEN_SECOND), GREEN_FOREVER);
    TRY(green_write(socket, "ping\n", 5));
    TRY(green_read_line(socket, line, sizeof line));
    if (error == 0)
        error = handler_errors > 0 ? -ECONNABORTED : -EPROTO;
done:
    green_socket_release(socket);
    return error < 0 ? error : 0;
}

static int run_serve(void) {
    green_listener *listener = NULL;
    green_thread *thread = NULL;
    int error;
    handler_errors = 0;
    TRY(green_listen(&listener, "127.0.0.1:0", NULL));
    TRY(green_spawn(&thread, serve_lines, listener));
    for (int i = 0; i < 3; i++) {
        error = ask(listener);
        CHECK(error, !=, -EPROTO); /* a connection that was dropped without an error */
        CHECK(error != -ETIMEDOUT || green_thread_is_finished(thread));
        if (error < 0)
            goto done;
    }
done:
    /* A server that has not begun to serve does not notice a stop. */
    CHECK(green_yield(), ==, 0);
    if (listener)
        CHECK(green_listener_stop(listener, GREEN_FOREVER), ==, 0);
    if (thread) {
        int result = 0;
        CHECK(green_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
        green_thread_release(thread);
        /* A serve that could not begin, or an accept that cannot continue. */
        if (error >= 0 && result < 0 && result != -EBADF)
            error = result;
    }
    green_listener_release(listener);
    return error;
}

static const struct scenario serving[] = {
    /* It waits, and continues. */
    {.name = "serve",
     .run = run_serve,
     .one_by_one = true,
     .tolerates = "madvise guard mprotect malloc calloc realloc aligned_alloc mmap strndup accept4 epoll_ctl"},
};

TEST(serve, "serve waits if it has no memory for a connection, and drops none") {
    fail_on_each_engine(serving, 1, FAIL_MEMORY);
}

TEST(serve_calls, "serve waits if no descriptor is left for a connection, and drops none") {
    fail_on_each_engine(serving, 1, FAIL_CALLS);
}

/* Servers on several hubs ------------------------------------------------------ */

static int ask_server(const green_address *address) {
    green_socket *socket = NULL;
    char line[16];
    int error;
    TRY(green_connect_address(&socket, address, NULL));
    green_socket_set_timeouts(socket, PATIENTLY(2 * GREEN_SECOND), GREEN_FOREVER);
    TRY(green_write(socket, "ping\n", 5));
    TRY(green_read_line(socket, line, sizeof line));
    if (error == 0)
        error = handler_errors > 0 ? -ECONNABORTED : -EPROTO;
done:
    green_socket_release(socket);
    return error < 0 ? error : 0;
}

static green_distribution distribution;
static atomic_uint discarded;

static void count_discard(void *context) {
    (void)context;
    discarded++;
}

static int run_server(void) {
    green_server_options options = {.distribution = distribution,
                                    .serve = {.on_error = count_error, .discard = count_discard}};
    green_hub_pool *hubs;
    green_server *server = NULL;
    green_address address;
    int error = (int)note_result(green_hub_pool_make(&hubs, &(green_hub_pool_options){.count = 2}));
    if (error < 0)
        return error;
    handler_errors = discarded = 0;
    TRY(green_server_start(&server, "127.0.0.1:0", hubs, &options, echo_line, NULL));
    green_server_address(server, &address);
    for (int i = 0; i < 4 && error >= 0; i++) {
        error = ask_server(&address);
        CHECK(error, !=, -EPROTO); /* a connection that was dropped without an error */
    }
done:
    if (server) {
        int stopped, result;
        while ((stopped = green_server_stop(server, GREEN_FOREVER)) == -ENOMEM)
            error = (int)note_result(stopped);
        CHECK(stopped, ==, 0);
        if ((result = green_server_wait(server, GREEN_FOREVER)) < 0 && error >= 0)
            error = (int)note_result(result);
    }
    green_server_release(server);
    CHECK(discarded, ==, 1);
    int closed;
    while ((closed = green_hub_pool_close(hubs, GREEN_FOREVER)) == -ENOMEM)
        error = (int)note_result(closed);
    CHECK(closed, ==, 0);
    green_hub_pool_release(hubs);
    return error < 0 ? error : 0;
}

static void serve_on_hubs(unsigned kinds) {
    static const struct scenario servers[] = {
        {.name = "server",
         .run = run_server,
         .one_by_one = true,
         .tolerates = "madvise guard mprotect malloc calloc realloc aligned_alloc mmap strndup accept4 epoll_ctl "
                      "io_uring_register_ring_fd io_uring_register_probe"},
    };
    for (distribution = GREEN_HAND_OVER; distribution <= GREEN_REUSE_PORT; distribution++)
        fail_on_each_engine(servers, 1, kinds);
}

TEST(servers, "a server on several hubs starts without an error or not at all, and drops no connection") {
    serve_on_hubs(FAIL_MEMORY);
}

TEST(server_calls, "a server on several hubs without descriptors does the same") {
    serve_on_hubs(FAIL_CALLS);
}

/* The io_uring engine needs no entry in an epoll. */
static void serve_without_place(void) {
    for (unsigned call = 1; call <= 3; call++) {
        handler_errors = 0;
        green_listener *listener = listen_any(TCP4);
        green_thread *thread = start(serve_lines, listener);
        fail_calls(FAIL_CALLS, call, call);
        let_run();
        fail_calls(0, 0, 0);
        CHECK(!green_thread_is_finished(thread));
        CHECK(ask(listener), ==, 0);
        CHECK(green_listener_stop(listener, GREEN_FOREVER), ==, 0);
        CHECK(finish(thread), ==, 0);
        green_listener_release(listener);
    }
}

TEST(serve_place, "serve continues after a lack of descriptors or entries in the epoll") {
    on_each_engine(serve_without_place);
}
