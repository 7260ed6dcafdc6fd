/* Accept: connections stay in the kernel's queue until a call accepts them. Also its
 * failures. */
#include "helpers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

/* The error of the next calls of accept4(). */
static int failure, failures_left;

int __real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    if (failures_left == 0)
        return __real_accept4(fd, address, length, flags);
    failures_left--;
    errno = failure;
    return -1;
}

static void fail_next(int error, int times) {
    failure = error;
    failures_left = times;
}

static int accept_any(void *listener) {
    green_socket *socket = NULL;
    int error = green_accept(listener, &socket);
    green_socket_release(socket);
    return error;
}

/* Failing ------------------------------------------------------------------------ */

static void expect_through(green_listener *listener, green_socket *near) {
    green_socket *far = accept_from(listener);
    CHECK(failures_left, ==, 0);
    send_text(near, "through");
    expect_text(far, "through");
    green_socket_release(near);
    green_socket_release(far);
}

TEST(passing_errors, "accept skips connections that were reset in the queue") {
    static const int passing[] = {ECONNABORTED, EINTR, EPROTO, ENETDOWN};
    green_listener *listener = listen_any(TCP4);
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        green_socket *near = connect_to(listener);
        fail_next(passing[i], 3);
        expect_through(listener, near);
    }
    green_listener_release(listener);
}

TEST(no_descriptor, "accept without a descriptor left returns -EMFILE, and a later call accepts the connection") {
    green_listener *listener = listen_any(TCP4);
    green_socket *near = connect_to(listener), *far;
    fail_next(EMFILE, 1);
    CHECK(green_accept(listener, &far), ==, -EMFILE);
    CHECK_CONTAINS(green_explain(-EMFILE), "ulimit -n");
    expect_through(listener, near);
    green_listener_release(listener);
}

TEST(failed_while_waiting, "an accept that fails after waiting returns the error, and the next one succeeds") {
    green_listener *listener = listen_any(TCP4);
    green_socket *far = NULL;
    green_thread *acceptor = start(accept_any, listener);
    let_run();
    fail_next(ECONNABORTED, 1); /* which is skipped */
    green_socket *near = connect_to(listener);
    CHECK(finish(acceptor), ==, 0);
    CHECK(failures_left, ==, 0);
    green_socket_release(near);
    near = connect_to(listener);
    fail_next(ENFILE, 1);
    CHECK(green_accept(listener, &far), ==, -ENFILE);
    expect_through(listener, near);
    green_listener_release(listener);
}

/* On demand ---------------------------------------------------------------------- */

enum { CLIENTS = 10 };

/* A listener and a copy of its descriptor, as another process may have it. */
struct shared {
    green_listener *listener;
    green_address address;
    int copy;
};

static struct shared share(void) {
    struct shared shared = {.listener = listen_any(UNIX_ABSTRACT)}; /* connected clients are in the queue */
    CHECK(green_listener_address(shared.listener, &shared.address), ==, 0);
    shared.copy = fcntl(green_listener_fd(shared.listener), F_DUPFD_CLOEXEC, 0);
    CHECK(shared.copy, >=, 0);
    return shared;
}

static int connect_there(const struct shared *shared) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(fd, (const struct sockaddr *)&shared->address.storage, shared->address.length), ==, 0);
    return fd;
}

static void connect_many(const struct shared *shared, int clients[CLIENTS]) {
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_there(shared);
}

/* None was accepted: all are in the queue for the owner of the copy. */
static void expect_all_left(const struct shared *shared, const int clients[CLIENTS]) {
    for (int i = 0; i < CLIENTS; i++) {
        struct pollfd state = {.fd = clients[i], .events = POLLIN};
        CHECK(poll(&state, 1, 0), ==, 0); /* not closed */
        int fd = accept(shared->copy, NULL, NULL);
        CHECK(fd, >=, 0);
        close(fd);
        close(clients[i]);
    }
    CHECK(accept(shared->copy, NULL, NULL), <, 0);
    CHECK(errno, ==, EAGAIN);
    close(shared->copy);
}

/* Enough iterations for any work that an engine does by itself. */
static void run_on(void) {
    for (int i = 0; i < 10; i++)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
}

TEST(left_by_close, "closing a listener leaves queued clients to the processes that share it") {
    struct shared shared = share();
    int clients[CLIENTS], first = connect_there(&shared);
    CHECK(accept_any(shared.listener), ==, 0);
    connect_many(&shared, clients);
    run_on();
    CHECK(green_listener_close(shared.listener), ==, 0);
    expect_all_left(&shared, clients);
    green_listener_release(shared.listener);
    close(first);
}

TEST(left_by_kill, "clients that connect after a killed accept are left to the processes that share the listener") {
    struct shared shared = share();
    int clients[CLIENTS];
    green_thread *acceptor = start(accept_any, shared.listener);
    let_run();
    CHECK(kill_and_finish(acceptor), ==, -ECANCELED);
    connect_many(&shared, clients);
    run_on();
    green_listener_release(shared.listener);
    expect_all_left(&shared, clients);
}

static int one_running;

static int wait_for_end(green_socket *client, void *context) {
    (void)context;
    char byte;
    one_running++;
    return (int)green_read(client, &byte, 1);
}

static int serve_one(void *listener) {
    return green_serve(listener, &(green_serve_options){.concurrency = 1}, wait_for_end, NULL);
}

TEST(left_at_limit, "clients beyond a server's concurrency are left to the processes that share the listener") {
    struct shared shared = share();
    int clients[CLIENTS], first = connect_there(&shared);
    green_thread *server = start(serve_one, shared.listener);
    UNTIL(one_running == 1);
    connect_many(&shared, clients);
    run_on();
    expect_all_left(&shared, clients);
    close(first);
    CHECK(green_listener_close(shared.listener), ==, 0);
    CHECK(finish(server), ==, 0);
    green_listener_release(shared.listener);
}

/* Sharing ------------------------------------------------------------------------ */

TEST(lost, "an accept whose connection another process has taken keeps waiting and blocks no other thread") {
    struct shared shared = share();
    CHECK(fcntl(shared.copy, F_SETFL, O_NONBLOCK), ==, 0);
    green_thread *acceptor = start(accept_any, shared.listener);
    for (int i = 0; i < CLIENTS; i++) {
        run_on();
        int client = connect_there(&shared), taken = accept(shared.copy, NULL, NULL);
        CHECK(taken, >=, 0); /* before the hub has accepted it */
        close(taken);
        close(client);
    }
    run_on();
    CHECK(!green_thread_is_finished(acceptor));
    int client = connect_there(&shared);
    CHECK(finish(acceptor), ==, 0);
    close(client);
    close(shared.copy);
    green_listener_release(shared.listener);
}

static green_listener *adopt_blocking(int *copy) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    green_listener *listener = NULL;
    CHECK(bind(fd, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t)), ==, 0); /* autobind */
    CHECK(listen(fd, CLIENTS), ==, 0);
    *copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    CHECK(green_listener_adopt(&listener, fd), ==, 0);
    return listener;
}

TEST(adopted_blocking, "a blocking listener becomes non-blocking when adopted, so a lost connection blocks no hub") {
    struct shared shared = {0};
    shared.listener = adopt_blocking(&shared.copy);
    CHECK(fcntl(shared.copy, F_GETFL) & O_NONBLOCK);
    CHECK(green_listener_address(shared.listener, &shared.address), ==, 0);
    green_thread *acceptor = start(accept_any, shared.listener);
    run_on();
    int client = connect_there(&shared), taken = accept(shared.copy, NULL, NULL);
    CHECK(taken, >=, 0);
    run_on();
    CHECK(!green_thread_is_finished(acceptor));
    CHECK(kill_and_finish(acceptor), ==, -ECANCELED);
    green_listener_release(shared.listener);
    close(client);
    close(taken);
    close(shared.copy);
}

/* The number of descriptors watched by epolls of this process. */
static int watched_count(void) {
    int count = 0;
    for (int fd = 0; fd < 2048; fd++) {
        char name[64], line[256];
        snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
        FILE *file = fopen(name, "re");
        while (file && fgets(line, sizeof line, file))
            count += strncmp(line, "tfd:", 4) == 0;
        if (file)
            fclose(file);
    }
    return count;
}

/* An epoll keeps watching a file that is still open under another descriptor. */
TEST(forgotten, "a closed listener no longer wakes its hub, even if another process has it open") {
    struct shared shared = share();
    int client = connect_there(&shared), before = watched_count();
    CHECK(accept_any(shared.listener), ==, 0);
    green_thread *acceptor = start(accept_any, shared.listener);
    run_on();
    CHECK(watched_count(), ==, before + 1);
    CHECK(green_listener_close(shared.listener), ==, 0);
    CHECK(finish(acceptor), ==, -EBADF);
    CHECK(watched_count(), ==, before);
    close(client);
    close(shared.copy);
    green_listener_release(shared.listener);
}
