/* green_listener_stop(): drains, then kills, and leaks nothing. */
#include "helpers.h"

#include <fcntl.h>
#include <sys/resource.h>

struct server {
    green_listener *listener;
    int running, ended, killed;
    int running_after; /* handlers that ran when serve returned */
    int stop_result;
    bool refuse; /* handlers catch the first kill and continue for a while */
};

static int wait_for_byte(green_socket *client, void *context) {
    struct server *server = context;
    char byte;
    server->running++;
    ssize_t count = green_read(client, &byte, 1);
    if (count == -ECANCELED && server->refuse)
        CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    server->running--;
    server->ended++;
    server->killed += count == -ECANCELED;
    return count < 0 ? (int)count : 0;
}

static int serve(void *argument) {
    struct server *server = argument;
    int result = green_serve(server->listener, NULL, wait_for_byte, server);
    server->running_after = server->running;
    return result;
}

enum { CLIENTS = 5 };
static green_socket *clients[CLIENTS];
static struct server server;

/* A server with five clients in their handlers. */
static green_thread *start_server(void) {
    server.listener = listen_any(TCP4);
    green_thread *thread = start(serve, &server);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(server.listener);
    UNTIL(server.running == CLIENTS);
    return thread;
}

static void end_server(green_thread *thread) {
    CHECK(finish(thread), ==, 0);
    CHECK(server.running_after, ==, 0); /* a stopped serve returns when all have ended */
    CHECK(server.ended, ==, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        green_socket_release(clients[i]);
    green_listener_release(server.listener);
}

static int stop_soon(void *argument) {
    return green_listener_stop(server.listener, *(int64_t *)argument);
}

TEST(drains, "stop waits for the handlers, and returns 0 if all ended by themselves") {
    int64_t drain = 60 * GREEN_SECOND;
    green_thread *thread = start_server(), *stopper = start(stop_soon, &drain);
    let_run();
    CHECK(green_listener_fd(server.listener), ==, -EBADF); /* it no longer listens */
    CHECK(!green_thread_is_finished(stopper));
    CHECK(!green_thread_is_finished(thread));
    for (int i = 0; i < CLIENTS; i++)
        send_text(clients[i], "x");
    CHECK(finish(stopper), ==, 0);
    CHECK(server.killed, ==, 0);
    end_server(thread);
}

TEST(drains_for_ever, "a negative drain waits without limit") {
    int64_t drain = GREEN_FOREVER;
    green_thread *thread = start_server(), *stopper = start(stop_soon, &drain);
    CHECK(green_thread_wait(stopper, NULL, 20 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(server.running, ==, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        send_text(clients[i], "x");
    CHECK(finish(stopper), ==, 0);
    end_server(thread);
}

TEST(kills_the_rest, "after the drain the remaining handlers are killed, and stop returns their number") {
    int64_t drain = 50 * GREEN_MILLISECOND, before = green_now();
    green_thread *thread = start_server(), *stopper = start(stop_soon, &drain);
    send_text(clients[0], "x");
    send_text(clients[3], "x");
    CHECK(finish(stopper), ==, CLIENTS - 2);
    CHECK(green_now() - before, >=, drain);
    CHECK(server.killed, ==, CLIENTS - 2);
    CHECK(server.running, ==, 0);
    end_server(thread);
}

TEST(kills_at_once, "a drain of 0 kills at once, and waits for the killed handlers to end") {
    server.refuse = true;
    green_thread *thread = start_server();
    CHECK(green_listener_stop(server.listener, 0), ==, CLIENTS);
    CHECK(server.running, ==, 0);
    CHECK(server.killed, ==, CLIENTS);
    end_server(thread);
}

TEST(unserved, "stop of a listener without a serve closes it") {
    green_listener *listener = listen_any(TCP4);
    CHECK(green_listener_stop(listener, GREEN_SECOND), ==, 0);
    CHECK(green_listener_fd(listener), ==, -EBADF);
    CHECK(green_listener_stop(listener, GREEN_SECOND), ==, 0);
    green_listener_release(listener);
}

TEST(frees_the_port, "the port is free after a stop, and a client is refused") {
    green_thread *thread = start_server();
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "%s", address_of(server.listener));
    CHECK(green_listener_stop(server.listener, 0), ==, CLIENTS);
    green_socket *client = NULL;
    CHECK(green_connect(&client, text, NULL), ==, -ECONNREFUSED);
    green_listener *again = NULL;
    CHECK(green_listen(&again, text, NULL), ==, 0);
    green_listener_release(again);
    end_server(thread);
}

static int stop_from_inside(green_socket *client, void *context) {
    char byte;
    ssize_t count = green_read(client, &byte, 1);
    if (count == 1 && byte == 's') {
        server.stop_result = green_listener_stop(server.listener, *(int64_t *)context);
        CHECK(green_sleep(10 * GREEN_MILLISECOND), ==, 0); /* the caller itself was not killed */
        server.ended++;
        return 0;
    }
    server.killed += count == -ECANCELED;
    server.ended++;
    return count < 0 ? (int)count : 0;
}

static int serve_stoppable(void *argument) {
    return green_serve(server.listener, NULL, stop_from_inside, argument);
}

TEST(from_inside, "a handler may stop its own server, and is neither waited for nor killed") {
    int64_t drain = 10 * GREEN_MILLISECOND;
    server.listener = listen_any(TCP4);
    green_thread *thread = start(serve_stoppable, &drain);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(server.listener);
    send_text(clients[2], "s");
    CHECK(finish(thread), ==, 0);
    CHECK(server.stop_result, ==, CLIENTS - 1);
    CHECK(server.killed, ==, CLIENTS - 1);
    UNTIL(server.ended == CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        green_socket_release(clients[i]);
    green_listener_release(server.listener);
}

static int stop_for_ever(green_socket *client, void *context) {
    char byte;
    (void)context;
    server.running++;
    CHECK(green_read(client, &byte, 1), ==, 1);
    CHECK(green_listener_stop(server.listener, GREEN_FOREVER), ==, 0);
    server.ended++;
    return 0;
}

static int serve_together(void *unused) {
    (void)unused;
    return green_serve(server.listener, NULL, stop_for_ever, NULL);
}

TEST(two_from_inside, "two handlers that stop their server without a limit do not wait for each other") {
    server.listener = listen_any(TCP4);
    green_thread *thread = start(serve_together, NULL);
    for (int i = 0; i < 2; i++)
        clients[i] = connect_to(server.listener);
    UNTIL(server.running == 2);
    for (int i = 0; i < 2; i++)
        send_text(clients[i], "x");
    UNTIL(server.ended == 2);
    CHECK(finish(thread), ==, 0);
    for (int i = 0; i < 2; i++)
        green_socket_release(clients[i]);
    green_listener_release(server.listener);
}

TEST(killed_stop, "a stop that is killed while it drains ends with -ECANCELED") {
    int64_t drain = GREEN_FOREVER;
    green_thread *thread = start_server(), *stopper = start(stop_soon, &drain);
    let_run();
    CHECK(kill_and_finish(stopper), ==, -ECANCELED);
    CHECK(server.running, ==, CLIENTS); /* the handlers continue, as after a close */
    CHECK(finish(thread), ==, 0);
    for (int i = 0; i < CLIENTS; i++)
        send_text(clients[i], "x");
    UNTIL(server.ended == CLIENTS);
    CHECK(server.killed, ==, 0);
    for (int i = 0; i < CLIENTS; i++)
        green_socket_release(clients[i]);
    green_listener_release(server.listener);
}

TEST(two_stops, "two threads may stop one listener") {
    int64_t forever = GREEN_FOREVER, soon = 20 * GREEN_MILLISECOND;
    green_thread *thread = start_server();
    green_thread *first = start(stop_soon, &forever), *second = start(stop_soon, &soon);
    int killed = finish(second);
    CHECK(killed, ==, CLIENTS);
    CHECK(finish(first), >=, 0);
    end_server(thread);
}

/* Clients in the kernel's queue ---------------------------------------------------- */

enum { QUEUED = 40 };

/* A server with a limit of one, its client, and clients that have connected meanwhile. */
struct queue {
    green_socket *first, *queued[QUEUED];
    green_thread *serving;
};

static int serve_one_by_one(void *handler) {
    return green_serve(server.listener, &(green_serve_options){.concurrency = 1}, *(green_handler **)handler, &server);
}

static struct queue start_queue(green_handler **handler) {
    server = (struct server){.listener = listen_any(UNIX_ABSTRACT)}; /* clients are in the queue once connected */
    struct queue queue = {.serving = start(serve_one_by_one, handler), .first = connect_to(server.listener)};
    UNTIL(server.running == 1);
    for (int i = 0; i < QUEUED; i++)
        queue.queued[i] = connect_to(server.listener);
    return queue;
}

static struct queue start_waiting_queue(void) {
    static green_handler *handler = wait_for_byte;
    return start_queue(&handler);
}

static void end_queue(struct queue *queue, int result) {
    CHECK(finish(queue->serving), ==, result);
    green_socket_release(queue->first);
    for (int i = 0; i < QUEUED; i++)
        green_socket_release(queue->queued[i]);
    green_listener_release(server.listener);
}

static void send_to_all(struct queue *queue) {
    send_text(queue->first, "x");
    for (int i = 0; i < QUEUED; i++)
        send_text(queue->queued[i], "x");
}

TEST(hands_over, "a stop serves the clients that had connected, in sequence if the concurrency is 1") {
    int64_t drain = GREEN_FOREVER;
    struct queue queue = start_waiting_queue();
    green_thread *stopper = start(stop_soon, &drain);
    UNTIL(green_listener_fd(server.listener) == -EBADF);
    CHECK(server.running, ==, 1);
    send_to_all(&queue);
    CHECK(finish(stopper), ==, 0);
    CHECK(server.ended, ==, 1 + QUEUED);
    CHECK(server.killed, ==, 0);
    end_queue(&queue, 0);
}

TEST(hands_over_in_time, "clients without a handler at the end of the drain are closed and count as killed") {
    int64_t drain = 20 * GREEN_MILLISECOND;
    struct queue queue = start_waiting_queue();
    CHECK(finish(start(stop_soon, &drain)), ==, 1 + QUEUED);
    CHECK(server.ended, ==, 1);
    CHECK(server.killed, ==, 1);
    for (int i = 0; i < QUEUED; i++)
        expect_end(queue.queued[i]);
    end_queue(&queue, 0);
}

TEST(killed_while_handing_over, "a killed stop leaves the clients that had connected to their handlers") {
    int64_t drain = GREEN_FOREVER;
    struct queue queue = start_waiting_queue();
    green_thread *stopper = start(stop_soon, &drain);
    UNTIL(green_listener_fd(server.listener) == -EBADF);
    CHECK(kill_and_finish(stopper), ==, -ECANCELED);
    send_to_all(&queue);
    UNTIL(server.ended == 1 + QUEUED);
    CHECK(server.killed, ==, 0);
    end_queue(&queue, 0);
}

TEST(serve_killed_while_handing_over, "a serve killed during a stop closes the clients whose handler has not started") {
    int64_t drain = GREEN_FOREVER;
    struct queue queue = start_waiting_queue();
    green_thread *stopper = start(stop_soon, &drain);
    UNTIL(green_listener_fd(server.listener) == -EBADF);
    CHECK(green_thread_kill(queue.serving), ==, 0);
    for (int i = 0; i < QUEUED; i++)
        expect_end(queue.queued[i]);
    CHECK(!green_thread_is_finished(stopper));
    send_text(queue.first, "x");
    CHECK(finish(stopper), ==, 0);
    CHECK(server.ended, ==, 1);
    end_queue(&queue, -ECANCELED);
}

static green_thread *stopper_beside;

static int end_beside_a_stop(green_socket *client, void *context) {
    static int64_t drain = GREEN_FOREVER;
    char byte;
    (void)context;
    server.running++;
    CHECK(green_read(client, &byte, 1), ==, 1);
    stopper_beside = start(stop_soon, &drain); /* runs before serve does */
    server.ended++;
    return GREEN_STOP_SERVE;
}

TEST(serve_ended_while_handing_over, "a stop of a serve that a handler just ended does not wait for unserved clients") {
    green_handler *handler = end_beside_a_stop;
    struct queue queue = start_queue(&handler);
    send_text(queue.first, "x");
    UNTIL(stopper_beside != NULL);
    CHECK(finish(stopper_beside), ==, 0);
    for (int i = 0; i < QUEUED; i++)
        expect_end(queue.queued[i]);
    CHECK(server.ended, ==, 1);
    end_queue(&queue, 0);
}

static int stop_at_first(green_socket *client, void *context) {
    char byte;
    (void)context;
    if (server.running++ > 0) {
        server.ended++;
        return 0;
    }
    CHECK(green_read(client, &byte, 1), ==, 1);
    CHECK(green_listener_stop(server.listener, GREEN_FOREVER), ==, 0);
    CHECK(server.ended, ==, QUEUED);
    return 0;
}

TEST(hands_over_from_inside, "a handler that stops its own server makes room for clients that had connected") {
    green_handler *handler = stop_at_first;
    struct queue queue = start_queue(&handler);
    send_text(queue.first, "x");
    end_queue(&queue, 0);
    CHECK(server.ended, ==, QUEUED);
}

TEST(hands_over_without_descriptors, "a stop that lacks descriptors accepts the remaining clients later") {
    int64_t drain = GREEN_FOREVER;
    struct queue queue = start_waiting_queue();
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    struct rlimit low = {open_descriptors() + 4, limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
    green_thread *stopper = start(stop_soon, &drain);
    send_to_all(&queue);
    CHECK(finish(stopper), ==, 0);
    CHECK(server.ended, ==, 1 + QUEUED);
    CHECK(server.killed, ==, 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    end_queue(&queue, 0);
}

TEST(left_to_others, "a stop with a drain of 0 leaves queued clients to the processes that share the listener") {
    struct queue queue = start_waiting_queue();
    int copy = fcntl(green_listener_fd(server.listener), F_DUPFD_CLOEXEC, 0), count = 0;
    CHECK(green_listener_stop(server.listener, 0), ==, 1);
    for (int fd; (fd = accept(copy, NULL, NULL)) >= 0; count++)
        close(fd);
    CHECK(count, ==, QUEUED);
    close(copy);
    end_queue(&queue, 0);
}
