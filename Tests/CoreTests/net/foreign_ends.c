/* Sockets and listeners whose last release is on another OS thread than that of their hub. */
#include "helpers.h"
#include "os_threads.h"
#include "readers.h"

static void release_socket(void *socket) {
    green_socket_release(socket);
}

static void release_listener(void *listener) {
    green_listener_release(listener);
}

static green_statistics statistics(void) {
    green_statistics now;
    CHECK(green_hub_statistics(&now), ==, 0);
    return now;
}

TEST(sockets, "a socket that another OS thread releases is closed: 100 of 100") {
    enum { COUNT = 100 };
    static struct pair pairs[COUNT];
    CHECK(green_yield(), ==, 0);
    size_t descriptors = open_descriptors();
    for (int i = 0; i < COUNT; i++) {
        pairs[i] = connected(i % 2 ? UNIX_PAIR : TCP4);
        send_text(pairs[i].near, "x");
    }
    for (int i = 0; i < COUNT; i++)
        on_os_thread(release_socket, pairs[i].near);
    for (int i = 0; i < COUNT; i++) {
        expect_text(pairs[i].far, "x");
        expect_end(pairs[i].far);
        on_os_thread(release_socket, pairs[i].far);
    }
    UNTIL(statistics().sockets == 0);
    CHECK(open_descriptors(), ==, descriptors);
}

TEST(blocked, "threads that read from and write to a socket get -EBADF when another OS thread releases it") {
    struct pair pair = connected(TCP4);
    struct transfer transfer = {pair.near, 1 << 28, 0};
    green_thread *reader = start(read_byte, pair.near), *writer = start(send_pattern, &transfer);
    let_run();
    on_os_thread(release_socket, pair.near);
    CHECK(finish(reader), ==, -EBADF);
    CHECK(finish(writer), ==, -EBADF);
    green_socket_release(pair.far);
}

TEST(unread, "a socket with unread bytes returns its receive buffer when another OS thread releases it") {
    struct pair pair = connected(UNIX_PAIR);
    const void *bytes;
    send_text(pair.far, "two\nlines\n");
    CHECK(green_receive_line(pair.near, 100, &bytes), ==, 4);
    CHECK(statistics().buffers, ==, 1);
    green_consume(pair.near, 4);
    on_os_thread(release_socket, pair.near);
    expect_end(pair.far);
    CHECK(statistics().buffers, ==, 0);
    green_socket_release(pair.far);
}

TEST(close, "a hub closes after another OS thread has released its last socket") {
    struct pair pair = connected(UNIX_PAIR);
    green_socket_release(pair.far);
    CHECK(green_hub_close(), ==, -EBUSY);
    on_os_thread(release_socket, pair.near);
    CHECK(green_hub_close(), ==, 0);
}

TEST(after_hub, "a closed socket or listener may be released on another OS thread after its hub") {
    struct pair pair = connected(UNIX_PAIR);
    green_listener *listener = listen_any(TCP4);
    CHECK(green_close(pair.near), ==, 0);
    CHECK(green_close(pair.far), ==, 0);
    CHECK(green_listener_close(listener), ==, 0);
    CHECK(green_hub_close(), ==, 0);
    on_os_thread(release_socket, green_socket_retain(pair.near));
    on_os_thread(release_socket, pair.near);
    green_socket_release(pair.far);
    on_os_thread(release_listener, listener);
}

enum { RELEASERS = 8, ROUNDS = 100 };

struct race {
    green_socket *sockets[ROUNDS];
    green_listener *listeners[ROUNDS];
    pthread_barrier_t barrier;
};

static int release_all(void *argument) {
    struct race *race = argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&race->barrier);
        green_socket_release(race->sockets[i]);
        green_listener_release(race->listeners[i]);
    }
    return 0;
}

TEST(several, "several OS threads may release the last references at once") {
    static struct race race;
    struct os_thread releasers[RELEASERS];
    CHECK(pthread_barrier_init(&race.barrier, NULL, RELEASERS), ==, 0);
    for (int i = 0; i < ROUNDS; i += 2) {
        struct pair pair = connected(UNIX_PAIR);
        race.sockets[i] = pair.near;
        race.sockets[i + 1] = pair.far;
        race.listeners[i] = listen_any(TCP4);
        race.listeners[i + 1] = listen_any(UNIX_ABSTRACT);
    }
    for (int i = 0; i < ROUNDS; i++)
        for (int owner = 1; owner < RELEASERS; owner++) {
            green_socket_retain(race.sockets[i]);
            green_listener_retain(race.listeners[i]);
        }
    for (int i = 0; i < RELEASERS; i++)
        os_thread_start(&releasers[i], release_all, &race);
    for (int i = 0; i < RELEASERS; i++)
        CHECK(os_thread_finish(&releasers[i]), ==, 0);
    UNTIL(statistics().sockets == 0);
    CHECK(pthread_barrier_destroy(&race.barrier), ==, 0);
}

TEST(listener, "a listener that another OS thread releases is closed, and its port is free") {
    char address[GREEN_ADDRESS_TEXT_MAX];
    green_listener *listener = listen_any(TCP4), *second;
    snprintf(address, sizeof address, "%s", address_of(listener));
    on_os_thread(release_listener, listener);
    let_run();
    CHECK(green_listen(&second, address, &(green_listen_options){.no_reuse_address = true}), ==, 0);
    green_listener_release(second);
}

TEST(socket_file, "the file of a unix listener is removed when another OS thread releases it") {
    char address[200];
    const char *path = address + strlen("unix:");
    snprintf(address, sizeof address, "unix:%s/socket", make_directory());
    green_listener *listener;
    CHECK(green_listen(&listener, address, NULL), ==, 0);
    CHECK(access(path, F_OK), ==, 0);
    on_os_thread(release_listener, listener);
    let_run();
    CHECK(access(path, F_OK), ==, -1);
    remove_directory();
}

/* Closing ---------------------------------------------------------------------- */

static int close_socket(void *socket) {
    return green_close(socket);
}

static int close_listener(void *listener) {
    return green_listener_close(listener);
}

static int accept_one(void *listener) {
    green_socket *socket;
    return green_accept(listener, &socket);
}

/* Calls the function with the argument in a green thread. */
struct call {
    int (*function)(void *argument);
    void *argument;
};

static int call_in_thread(void *argument) {
    const struct call *call = argument;
    return finish(start(call->function, call->argument));
}

/* Calls the function on an OS thread without a hub, or in a green thread of another hub. */
static int call_elsewhere(bool in_thread, int (*function)(void *), void *argument) {
    struct os_thread other;
    struct call call = {function, argument};
    if (in_thread)
        os_thread_start(&other, call_in_thread, &call);
    else
        os_thread_start(&other, function, argument);
    return os_thread_finish(&other);
}

TEST(close_socket, "a close on another OS thread closes the socket, and ends the calls of other threads") {
    for (int in_thread = 0; in_thread < 2; in_thread++) {
        struct pair pair = connected(TCP4);
        green_thread *reader = start(read_byte, pair.near);
        let_run();
        CHECK(call_elsewhere(in_thread, close_socket, pair.near), ==, 0);
        CHECK(green_thread_is_finished(reader));
        CHECK(finish(reader), ==, -EBADF);
        CHECK(green_socket_fd(pair.near), ==, -EBADF);
        expect_end(pair.far);
        CHECK(call_elsewhere(in_thread, close_socket, pair.near), ==, 0);
        release_pair(&pair);
    }
}

TEST(close_listener, "a close on another OS thread closes the listener, and ends the accept of another thread") {
    for (int in_thread = 0; in_thread < 2; in_thread++) {
        green_listener *listener = listen_any(TCP4);
        green_thread *acceptor = start(accept_one, listener);
        let_run();
        CHECK(call_elsewhere(in_thread, close_listener, listener), ==, 0);
        CHECK(finish(acceptor), ==, -EBADF);
        CHECK(green_listener_fd(listener), ==, -EBADF);
        CHECK(call_elsewhere(in_thread, close_listener, listener), ==, 0);
        green_listener_release(listener);
    }
}

static int handle_until_killed(green_socket *client, void *handled) {
    char byte;
    *(int *)handled += 1;
    return (int)green_read(client, &byte, 1);
}

struct server {
    green_listener *listener;
    int handled;
};

static int serve(void *argument) {
    struct server *server = argument;
    return green_serve(server->listener, NULL, handle_until_killed, &server->handled);
}

static int stop_at_once(void *listener) {
    return green_listener_stop(listener, 0);
}

static int stop_when_drained(void *listener) {
    return green_listener_stop(listener, GREEN_FOREVER);
}

TEST(stop, "a stop on another OS thread kills the handlers and returns their number") {
    for (int in_thread = 0; in_thread < 2; in_thread++) {
        struct server server = {listen_any(TCP4), 0};
        green_thread *serving = start(serve, &server);
        green_socket *clients[3];
        for (int i = 0; i < 3; i++)
            clients[i] = connect_to(server.listener);
        UNTIL(server.handled == 3);
        CHECK(call_elsewhere(in_thread, stop_at_once, server.listener), ==, 3);
        CHECK(finish(serving), ==, 0);
        for (int i = 0; i < 3; i++) {
            expect_end(clients[i]);
            green_socket_release(clients[i]);
        }
        green_listener_release(server.listener);
    }
}

TEST(drain, "a stop on another OS thread waits for the handlers") {
    struct os_thread other;
    struct server server = {listen_any(TCP4), 0};
    green_thread *serving = start(serve, &server);
    green_socket *client = connect_to(server.listener);
    UNTIL(server.handled == 1);
    os_thread_start(&other, stop_when_drained, server.listener);
    UNTIL(green_listener_fd(server.listener) == -EBADF);
    CHECK(!other.ended);
    send_text(client, "x");
    CHECK(os_thread_finish(&other), ==, 0);
    CHECK(finish(serving), ==, 0);
    green_socket_release(client);
    green_listener_release(server.listener);
}

static int use_elsewhere(void *argument) {
    struct pair *pair = argument;
    char byte;
    CHECK(green_read(pair->near, &byte, 1), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "spawn a green thread on its hub for the call");
    CHECK(green_write(pair->near, "x", 1), ==, -EXDEV);
    CHECK(green_shutdown(pair->near, SHUT_WR), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "spawn a green thread on its hub for the call");
    return 0;
}

TEST(other_calls, "every other call on another OS thread is -EXDEV, has no effect, and says what to do") {
    struct pair pair = connected(UNIX_PAIR);
    CHECK(call_elsewhere(false, use_elsewhere, &pair), ==, 0);
    send_text(pair.far, "unaffected");
    expect_text(pair.near, "unaffected");
    release_pair(&pair);
}

/* Hubs that end in use --------------------------------------------------------- */

/* A hub that ends in use: threads are blocked in its sockets. */
static struct {
    green_socket *reading, *idle, *unread;
    int peers[3];
    green_listener *accepting, *listening;
    char address[200]; /* of listening */
} left;

static green_socket *one_end(int *peer) {
    int fds[2];
    green_socket *socket;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    CHECK(green_socket_adopt(&socket, fds[0]), ==, 0);
    *peer = fds[1];
    return socket;
}

static int leave_in_use(void *unused) {
    (void)unused;
    const void *bytes;
    left.reading = one_end(&left.peers[0]);
    left.idle = one_end(&left.peers[1]);
    left.unread = one_end(&left.peers[2]);
    CHECK(write(left.peers[2], "unread", 6), ==, 6);
    CHECK(green_receive(left.unread, &bytes), ==, 6);
    left.accepting = listen_any(TCP4);
    CHECK(green_listen(&left.listening, left.address, NULL), ==, 0);
    (void)start(read_byte, left.reading);
    (void)start(accept_one, left.accepting);
    let_run();
    for (int owner = 1; owner < RELEASERS; owner++) {
        green_socket_retain(left.reading);
        green_socket_retain(left.idle);
        green_socket_retain(left.unread);
        green_listener_retain(left.accepting);
        green_listener_retain(left.listening);
    }
    return 0;
}

static bool closes_first;

static int release_left(void *unused) {
    (void)unused;
    if (closes_first) {
        CHECK(green_close(left.reading), ==, 0);
        CHECK(green_close(left.idle), ==, 0);
        CHECK(green_close(left.unread), ==, 0);
        CHECK(green_listener_stop(left.accepting, GREEN_FOREVER), ==, 0);
        CHECK(green_listener_close(left.listening), ==, 0);
        CHECK(green_socket_fd(left.reading), ==, -EBADF);
        CHECK(green_listener_fd(left.accepting), ==, -EBADF);
    }
    green_socket_release(left.reading);
    green_socket_release(left.idle);
    green_socket_release(left.unread);
    green_listener_release(left.accepting);
    green_listener_release(left.listening);
    return 0;
}

static void check_ended_in_use(void) {
    struct os_thread owner, releasers[RELEASERS];
    char byte;
    snprintf(left.address, sizeof left.address, "unix:%s/socket", make_directory());
    os_thread_start(&owner, leave_in_use, NULL);
    CHECK(os_thread_finish(&owner), ==, 0);
    for (int i = 0; i < RELEASERS; i++)
        os_thread_start(&releasers[i], release_left, NULL);
    for (int i = 0; i < RELEASERS; i++)
        CHECK(os_thread_finish(&releasers[i]), ==, 0);
    for (int i = 0; i < 3; i++)
        CHECK(recv(left.peers[i], &byte, 1, 0), <=, 0); /* 0, or a reset if bytes were unread */
    CHECK(access(left.address + strlen("unix:"), F_OK), ==, -1);
    remove_directory();
    CHECK(green_hub_close(), ==, 0);
}

TEST(ended_in_use, "sockets of a hub whose OS thread ended in use are closed when other OS threads release them") {
    struct child child;
    run_child(&child, check_ended_in_use);
    CHECK_CONTAINS(child.output, "ended while its hub was in use");
    CHECK(child.status, ==, 0);
}

TEST(closed_in_use, "sockets of a hub whose OS thread ended in use may be closed on several OS threads at once") {
    struct child child;
    closes_first = true;
    run_child(&child, check_ended_in_use);
    CHECK_CONTAINS(child.output, "ended while its hub was in use");
    CHECK(child.status, ==, 0);
}
