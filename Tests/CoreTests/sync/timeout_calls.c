/* Timeouts in every blocking call, which ends with -ETIME and loses nothing. */
#include "helpers.h"
#include "readers.h"

#include <poll.h>
#include <signal.h>

/* The longest wait of these tests, so that only the timeout can end it. */
static const int64_t LONG = 3600 * GREEN_SECOND;

/* A timeout that expires while function(argument) blocks ends it. */
static void time_out(green_function *function, void *argument) {
    green_timeout *limit = NULL;
    int64_t nanoseconds = 0;
    CHECK(green_timeout_start(&limit, GREEN_MILLISECOND), ==, 0);
    CHECK(function(argument), ==, -ETIME);
    CHECK_CONTAINS(green_explain(-ETIME), "a timeout of 1 ms");
    CHECK(green_timeout_has_fired(limit));
    CHECK(!green_timeout_is_pending(limit));
    CHECK(green_timeout_last(&nanoseconds), ==, green_timeout_id(limit));
    CHECK(nanoseconds, ==, GREEN_MILLISECOND);
    green_timeout_free(limit);
    /* One that expired before ends it at once. */
    CHECK(green_timeout_start(&limit, 0), ==, 0);
    CHECK(function(argument), ==, -ETIME);
    CHECK(green_timeout_has_fired(limit));
    green_timeout_free(limit);
    CHECK(green_yield(), ==, 0);
}

static int sleep_long(void *argument) {
    (void)argument;
    return green_sleep(LONG);
}

static int yield_on(void *argument) {
    int error;
    (void)argument;
    while ((error = green_yield()) == 0)
        ;
    return error;
}

TEST(in_sleep, "a timeout ends a sleep, and the yields of a thread that does nothing else") {
    int64_t before = green_now();
    time_out(sleep_long, NULL);
    CHECK(green_now() - before, >=, GREEN_MILLISECOND);
    time_out(yield_on, NULL);
}

static int wait_for(void *argument) {
    return green_thread_wait(argument, NULL, GREEN_FOREVER);
}

static int wait_long_for(void *argument) {
    return green_thread_wait(argument, NULL, LONG);
}

TEST(in_wait, "a timeout ends a wait for a thread, and the thread continues") {
    green_thread *thread = start(nap, NULL);
    let_run();
    time_out(wait_for, thread);
    time_out(wait_long_for, thread);
    CHECK(!green_thread_is_finished(thread));
    CHECK(kill_and_finish(thread), ==, -ECANCELED);
}

static int read_some(void *argument) {
    char byte;
    return (int)green_read(argument, &byte, 1);
}

static void time_out_each_read(struct pair *pair) {
    for (int64_t timeout = -1; timeout < 2 * LONG; timeout += LONG + 1) {
        green_socket_set_timeouts(pair->near, timeout, GREEN_FOREVER);
        time_out(read_some, pair->near);
        time_out(read_line, pair->near);
        time_out(read_exactly, pair->near);
        time_out(receive, pair->near);
    }
    send_text(pair->far, "still good");
    expect_text(pair->near, "still good");
    /* Received bytes of an incomplete line or read stay. */
    send_text(pair->far, "half");
    time_out(read_line, pair->near);
    time_out(read_exactly, pair->near);
    expect_text(pair->near, "half");
}

TEST(in_read, "a timeout ends each kind of read, with or without a read timeout, and the socket stays usable") {
    with_each_transport(time_out_each_read);
}

static int write_much(void *argument) {
    static char bytes[16 << 20];
    return (int)green_write(argument, bytes, sizeof bytes);
}

static void time_out_write(struct pair *pair) {
    time_out(write_much, pair->near);
}

TEST(in_write, "a timeout ends a write") {
    with_each_transport(time_out_write);
}

static int accept_one(void *argument) {
    green_socket *socket;
    return green_accept(argument, &socket);
}

TEST(in_accept, "a timeout ends an accept, and no later connection is lost") {
    green_listener *listener = listen_any(TCP4);
    time_out(accept_one, listener);
    green_socket *client = connect_to(listener), *server = accept_from(listener);
    send_text(client, "hello");
    expect_text(server, "hello");
    green_socket_release(client);
    green_socket_release(server);
    green_listener_release(listener);
}

static char full[64]; /* the address of a server without room */

static int connect_full(void *argument) {
    return green_connect(argument, full, NULL);
}

static int connect_full_long(void *argument) {
    return green_connect(argument, full, &(green_connect_options){.timeout = LONG});
}

TEST(in_connect, "a timeout ends a connect that waits for the backlog, and no connection is left") {
    enum { CLIENTS = 16 };
    green_socket *clients[CLIENTS] = {NULL}, *refused = NULL;
    green_listener *listener = NULL;
    green_timeout *limit = NULL;
    snprintf(full, sizeof full, "unix:@green-test-full-%d", (int)getpid());
    CHECK(green_listen(&listener, full, &(green_listen_options){.backlog = 1}), ==, 0);
    int count = 0, error = 0;
    while (count < CLIENTS && error == 0) {
        CHECK(green_timeout_start(&limit, 200 * GREEN_MILLISECOND), ==, 0);
        error = green_connect(&clients[count], full, NULL);
        green_timeout_free(limit);
        count += error == 0;
    }
    CHECK(error, ==, -ETIME);
    CHECK_CONTAINS(green_explain(-ETIME), "a timeout of 200 ms");
    time_out(connect_full, &refused);
    time_out(connect_full_long, &refused);
    CHECK(refused == NULL);
    for (int i = 0; i < count; i++) {
        green_socket_release(accept_from(listener));
        green_socket_release(clients[i]);
    }
    green_listener_release(listener);
}

static int resolve_name(void *argument) {
    green_address addresses[4];
    (void)argument;
    return green_resolve(addresses, 4, "localhost:80");
}

TEST(in_resolve, "a timeout ends a look-up on a worker, which continues without its caller") {
    green_timeout *limit = NULL;
    CHECK(green_timeout_start(&limit, 0), ==, 0);
    CHECK(resolve_name(NULL), ==, -ETIME);
    green_timeout_free(limit);
    for (int i = 0; i < 100; i++) {
        CHECK(green_timeout_start(&limit, random_below(100) * GREEN_MICROSECOND), ==, 0);
        int result = resolve_name(NULL);
        bool fired = green_timeout_has_fired(limit);
        green_timeout_free(limit);
        CHECK(fired ? result == -ETIME : result > 0);
    }
    CHECK(resolve_name(NULL), >, 0);
}

static int wait_readable(void *argument) {
    return green_wait_fd(*(int *)argument, POLLIN, GREEN_FOREVER);
}

static int next_signal(void *argument) {
    return green_signals_next(argument, LONG);
}

TEST(in_wait_fd, "a timeout ends a wait for a descriptor or a signal") {
    int ends[2], number = SIGUSR1;
    green_signals *signals = NULL;
    CHECK(pipe(ends), ==, 0);
    time_out(wait_readable, &ends[0]);
    close(ends[0]);
    close(ends[1]);
    CHECK(green_signals_open(&signals, &number, 1), ==, 0);
    time_out(next_signal, signals);
    CHECK(raise(SIGUSR1), ==, 0);
    CHECK(green_signals_next(signals, GREEN_FOREVER), ==, SIGUSR1);
    green_signals_free(signals);
}

static int wait_for_event(void *argument) {
    void *value;
    return green_event_wait(argument, &value, GREEN_FOREVER);
}

static int wait_long_for_event(void *argument) {
    void *value;
    return green_event_wait(argument, &value, LONG);
}

TEST(in_event, "a timeout ends a wait for an event and leaves nothing behind") {
    green_event *event = NULL;
    void *value = NULL;
    CHECK(green_event_make(&event), ==, 0);
    time_out(wait_for_event, event);
    time_out(wait_long_for_event, event);
    CHECK(green_event_waiting(event), ==, 0);
    CHECK(green_event_send(event, event), ==, 0);
    CHECK(green_event_wait(event, &value, 0), ==, 0);
    green_event_free(event);
}

static int acquire(void *argument) {
    return green_semaphore_acquire(argument, GREEN_FOREVER);
}

static int acquire_long(void *argument) {
    return green_semaphore_acquire(argument, LONG);
}

static int give_back(void *argument) {
    return green_semaphore_release_within(argument, GREEN_FOREVER);
}

TEST(in_semaphore, "a timeout ends an acquire and a release that wait, and the permits are unchanged") {
    green_semaphore *semaphore = NULL;
    CHECK(green_semaphore_make(&semaphore, 0, 1), ==, 0);
    time_out(acquire, semaphore);
    time_out(acquire_long, semaphore);
    CHECK(green_semaphore_acquiring(semaphore), ==, 0);
    CHECK(green_semaphore_release(semaphore), ==, 0);
    CHECK(green_semaphore_permits(semaphore), ==, 1);
    time_out(give_back, semaphore);
    CHECK(green_semaphore_releasing(semaphore), ==, 0);
    CHECK(green_semaphore_try_acquire(semaphore), ==, 1);
    CHECK(green_semaphore_permits(semaphore), ==, 0);
    green_semaphore_free(semaphore);
}

/* Serving ------------------------------------------------------------------ */

struct server {
    green_listener *listener;
    green_semaphore *permits; /* a handler takes one, and then returns outcome */
    size_t concurrency;
    int outcome, served, next;
};

static int handle(green_socket *client, void *context) {
    struct server *server = context;
    (void)client;
    int error = green_semaphore_acquire(server->permits, GREEN_FOREVER);
    server->served++;
    return error < 0 ? error : server->outcome;
}

static int serve(void *argument) {
    struct server *server = argument;
    green_serve_options options = {.concurrency = server->concurrency};
    return green_serve(server->listener, &options, handle, server);
}

static struct server *new_server(size_t concurrency) {
    static struct server server;
    server = (struct server){.listener = listen_any(TCP4), .concurrency = concurrency};
    CHECK(green_semaphore_make(&server.permits, 0, -1), ==, 0);
    return &server;
}

static void free_server(struct server *server) {
    green_semaphore_free(server->permits);
    green_listener_release(server->listener);
}

TEST(in_serve, "a timeout ends serve, also at its limit; the handlers continue and no connection is lost") {
    for (size_t concurrency = 1; concurrency <= 1000; concurrency += 999) {
        struct server *server = new_server(concurrency);
        green_socket *clients[3];
        for (int i = 0; i < 3; i++)
            clients[i] = connect_to(server->listener);
        time_out(serve, server);
        for (int served = 1; served <= 3; served++) {
            while (green_semaphore_acquiring(server->permits) == 0)
                time_out(serve, server); /* accepts the next of the remaining connections */
            CHECK(green_semaphore_release(server->permits), ==, 0);
            UNTIL(server->served == served);
        }
        for (int i = 0; i < 3; i++) {
            expect_end(clients[i]);
            green_socket_release(clients[i]);
        }
        free_server(server);
    }
}

static int serve_and_yield(void *argument) {
    struct server *server = argument;
    int result = serve(server);
    server->next = green_yield();
    return result;
}

TEST(serve_ends_at_once, "if a handler ends serve at the moment of an interrupt, neither is lost") {
    static const int outcomes[] = {GREEN_STOP_SERVE, -EPROTO};
    for (int i = 0; i < 2; i++) {
        struct server *server = new_server(0);
        server->outcome = outcomes[i];
        green_thread *thread = start(serve_and_yield, server);
        green_socket *client = connect_to(server->listener);
        UNTIL(green_semaphore_acquiring(server->permits) == 1);
        CHECK(green_semaphore_release(server->permits), ==, 0); /* the handler runs first */
        CHECK(kill_and_finish(thread), ==, i == 0 ? 0 : -EPROTO);
        CHECK(server->next, ==, -ECANCELED);
        green_socket_release(client);
        free_server(server);
    }
}

/* Streams ------------------------------------------------------------------ */

static int trickle_and_close(void *argument) {
    struct transfer *transfer = argument;
    CHECK(trickle(transfer), ==, 0);
    return (int)green_close(transfer->socket);
}

static ssize_t (*const reads[])(green_socket *, void *, size_t) = {green_read, green_read_exactly};

TEST(stream, "a stream that is read with many short timeouts has no gap") {
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        struct pair pair = connected(TCP4);
        struct transfer send = {pair.far, SCALED(40000), 0};
        uint64_t position = 0;
        int fired = 0;
        ssize_t count = 1;
        green_thread *writer = start(trickle_and_close, &send);
        while (count != 0 && count != -ENODATA) {
            char bytes[7];
            green_timeout *limit = NULL;
            CHECK(green_timeout_start(&limit, random_below(20) * GREEN_MICROSECOND), ==, 0);
            while ((count = reads[i](pair.near, bytes, sizeof bytes)) > 0) {
                pattern_check(bytes, (size_t)count, position);
                position += (uint64_t)count;
            }
            CHECK(count == 0 || count == -ENODATA || count == -ETIME);
            fired += green_timeout_has_fired(limit);
            green_timeout_free(limit);
        }
        CHECK(position + sizeof(char[7]), >, send.size);
        CHECK(reads[i] == green_read_exactly || position == send.size);
        CHECK(fired, >, 0);
        CHECK(finish(writer), ==, 0);
        release_pair(&pair);
    }
}
