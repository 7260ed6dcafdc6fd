/* Lack of descriptors, memory, backlog and time. A refused call is an error that says why,
 * and everything else continues. */
#include "helpers.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static size_t count_from(const char *variable, size_t otherwise) {
    const char *asked = getenv(variable);
    return asked ? strtoul(asked, NULL, 10) : otherwise;
}

static rlim_t limit_of(int resource) {
    struct rlimit limit;
    CHECK(getrlimit(resource, &limit), ==, 0);
    return limit.rlim_cur;
}

/* The requested number, or as many as there are descriptors for both ends. */
static size_t client_count(size_t otherwise) {
    size_t wanted = count_from("GREEN_CLIENTS", SCALED(otherwise)), room = (limit_of(RLIMIT_NOFILE) - 100) / 2;
    return wanted < room ? wanted : room;
}

static void set_limit(int resource, rlim_t value) {
    struct rlimit limit;
    CHECK(getrlimit(resource, &limit), ==, 0);
    limit.rlim_cur = value;
    CHECK(setrlimit(resource, &limit), ==, 0);
}

/* Servers ---------------------------------------------------------------------- */

struct server {
    green_listener *listener;
    green_thread *thread;
    size_t served; /* handlers that have ended */
    size_t failed; /* those that ended with an error */
    int64_t read_timeout;
};

static int echo_lines(green_socket *client, void *context) {
    struct server *server = context;
    char line[64];
    ssize_t length;
    if (server->read_timeout)
        green_socket_set_timeouts(client, server->read_timeout, GREEN_FOREVER);
    while ((length = green_read_line(client, line, sizeof line)) > 0)
        if ((length = green_write(client, line, (size_t)length)) < 0)
            break;
    server->served++;
    server->failed += length < 0;
    return (int)length;
}

static void ignore_error(int error, void *context) {
    (void)error, (void)context;
}

static int run_server(void *argument) {
    struct server *server = argument;
    green_serve_options options = {.concurrency = 20000, .on_error = ignore_error, .stack_size = 64 << 10};
    return green_serve(server->listener, &options, echo_lines, server);
}

static void start_server(struct server *server) {
    server->listener = listen_any(TCP4);
    server->thread = start(run_server, server);
    let_run();
}

static void stop_server(struct server *server) {
    CHECK(green_listener_stop(server->listener, 0), >=, 0);
    CHECK(finish(server->thread), ==, 0);
    green_listener_release(server->listener);
}

static void ask(green_socket *socket) {
    send_text(socket, "ping\n");
    expect_text(socket, "ping\n");
}

/* Descriptors ------------------------------------------------------------------- */

/* Uses all descriptors except `left`. */
static size_t take_descriptors(int *taken, size_t size, size_t left) {
    size_t count = 0;
    while (count < size && (taken[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    CHECK(count, <, size);
    CHECK(errno, ==, EMFILE);
    for (; left > 0; left--)
        close(taken[--count]);
    return count;
}

static void give_descriptors(const int *taken, size_t count) {
    while (count > 0)
        close(taken[--count]);
}

TEST(serve_descriptors, "serve waits while no descriptor is left for a connection, and continues") {
    static int taken[400];
    rlim_t before = limit_of(RLIMIT_NOFILE);
    struct server server = {0};
    start_server(&server);
    green_socket *first = connect_to(server.listener), *second, *more;
    ask(first);
    set_limit(RLIMIT_NOFILE, 256);
    size_t count = take_descriptors(taken, 400, 1);
    second = connect_to(server.listener); /* with the last one; the kernel completes it */
    send_text(second, "ping\n");
    CHECK(green_connect(&more, address_of(server.listener), NULL), ==, -EMFILE);
    CHECK_CONTAINS(green_explain(-EMFILE), "ulimit -n");
    CHECK(green_socket_pair(&more, &more), ==, -EMFILE);
    ask(first); /* all others are served */
    CHECK(green_sleep(30 * GREEN_MILLISECOND), ==, 0);
    ask(first);
    CHECK(!green_thread_is_finished(server.thread));
    give_descriptors(taken, count);
    expect_text(second, "ping\n");
    set_limit(RLIMIT_NOFILE, before);
    green_socket_release(first);
    green_socket_release(second);
    stop_server(&server);
}

TEST(accept_descriptors, "accept reports that no descriptor is left, and accepts the connection later") {
    static int taken[400];
    rlim_t before = limit_of(RLIMIT_NOFILE);
    green_listener *listener = listen_any(TCP4);
    set_limit(RLIMIT_NOFILE, 256);
    size_t count = take_descriptors(taken, 400, 1);
    green_socket *client = connect_to(listener), *served = NULL;
    for (int i = 0; i < 3; i++) {
        CHECK(green_accept(listener, &served), ==, -EMFILE);
        CHECK_CONTAINS(green_explain(-EMFILE), "ulimit -n");
    }
    give_descriptors(taken, count);
    set_limit(RLIMIT_NOFILE, before);
    served = accept_from(listener);
    send_text(client, "kept");
    expect_text(served, "kept");
    green_socket_release(client);
    green_socket_release(served);
    green_listener_release(listener);
}

/* Memory ------------------------------------------------------------------------ */

static void spawn_until_refused(void) {
    enum { MOST = 4000 };
    static green_thread *threads[MOST];
    struct pair pair = connected(UNIX_PAIR);
    CHECK(green_sleep(1), ==, 0);
    set_limit(RLIMIT_AS, address_space_bytes() + (256 << 20));
    size_t count = 0;
    int error = 0;
    while (count < MOST && (error = green_spawn(&threads[count], nap, NULL)) == 0)
        count++;
    CHECK(error, ==, -ENOMEM);
    CHECK_CONTAINS(green_explain(-ENOMEM), "address space");
    CHECK(count, >, 100); /* of a megabyte each */
    let_run();
    send_text(pair.near, "continues");
    expect_text(pair.far, "continues");
    CHECK(kill_and_finish(threads[--count]), ==, -ECANCELED);
    CHECK(green_spawn(&threads[count], nap, NULL), ==, 0); /* instead of that one */
    for (size_t i = 0; i <= count; i++)
        CHECK(kill_and_finish(threads[i]), ==, -ECANCELED);
    release_pair(&pair);
}

TEST(memory, "a spawn beyond the memory limit is an error, and other threads continue") {
    needs_kernel(); /* the emulator has no limit of address space */
    if (SANITIZED)
        skip("a sanitizer's address space has no limit");
    struct child child;
    run_child(&child, spawn_until_refused);
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

/* Clients ----------------------------------------------------------------------- */

TEST(slow_loris, "a timeout ends clients that send bytes very slowly, and others are served") {
    size_t slow_count = client_count(300);
    struct server server = {.read_timeout = 300 * GREEN_MILLISECOND};
    start_server(&server);
    green_socket **slow = calloc(slow_count, sizeof *slow), *quick;
    for (size_t i = 0; i < slow_count; i++)
        slow[i] = connect_to(server.listener);
    quick = connect_to(server.listener);
    int64_t begun = green_now();
    size_t ended = 0;
    /* The timeout covers the whole line, so a byte now and then does not extend it. */
    for (int round = 0; ended < slow_count && round < 1000; round++) {
        ended = 0;
        for (size_t i = 0; i < slow_count; i++) {
            char byte = 'x';
            ended += send(green_socket_fd(slow[i]), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
        }
        ask(quick);
        CHECK(green_sleep(20 * GREEN_MILLISECOND), ==, 0);
    }
    CHECK(ended, ==, slow_count);
    CHECK(green_now() - begun, >=, server.read_timeout);
    CHECK(server.failed, ==, slow_count);
    ask(quick);
    for (size_t i = 0; i < slow_count; i++)
        green_socket_release(slow[i]);
    free(slow);
    green_socket_release(quick);
    stop_server(&server);
}

/* A burst ------------------------------------------------------------------------ */

/* A process without Green that makes a number of connections at the same time and checks
 * that each one is answered. */
static pid_t start_burst(size_t count, const green_address *to) {
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid, >=, 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct pollfd *clients = calloc(count, sizeof *clients);
    for (size_t i = 0; i < count; i++) {
        clients[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        clients[i].events = POLLOUT;
        if (clients[i].fd < 0)
            _exit(2);
        if (connect(clients[i].fd, (const struct sockaddr *)&to->storage, to->length) < 0 && errno != EINPROGRESS)
            _exit(3);
    }
    for (size_t answered = 0; answered < count;) {
        if (poll(clients, count, 50000) <= 0)
            _exit(4);
        for (size_t i = 0; i < count; i++) {
            char bytes[8];
            if (clients[i].revents & POLLOUT && clients[i].events == POLLOUT) {
                if (send(clients[i].fd, "ping\n", 5, MSG_NOSIGNAL) != 5)
                    _exit(5);
                clients[i].events = POLLIN;
            } else if (clients[i].revents) {
                if (recv(clients[i].fd, bytes, sizeof bytes, 0) != 5)
                    _exit(6);
                clients[i].events = 0;
                clients[i].fd = ~clients[i].fd; /* open, and no longer polled */
                answered++;
            }
        }
    }
    _exit(0);
}

/* The requested number, or as many as there are descriptors. */
static size_t burst_count(size_t otherwise) {
    size_t wanted = count_from("GREEN_BURST", SCALED(otherwise)), room = limit_of(RLIMIT_NOFILE) - 100;
    size_t count = wanted < room ? wanted : room;
    printf("%zu connects\n", count);
    return count;
}

static void serve_burst(const green_listener *listener, size_t count) {
    green_address address;
    CHECK(green_listener_address(listener, &address), ==, 0);
    pid_t burst = start_burst(count, &address);
    int status = 0;
    for (int i = 0; i < 60000 && waitpid(burst, &status, WNOHANG) == 0; i++)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
    CHECK(status, ==, 0);
}

BIG_TEST(burst, "8000 connects at once are all served") {
    size_t count = burst_count(8000);
    struct server server = {0};
    start_server(&server);
    serve_burst(server.listener, count);
    UNTIL(server.served == count);
    CHECK(server.failed, ==, 0);
    stop_server(&server);
}

static int write_for_ever(green_socket *client, void *context) {
    static char bytes[64 << 10];
    ssize_t written;
    if (*(green_socket **)context)
        return echo_lines(client, &(struct server){0});
    *(green_socket **)context = client;
    while ((written = green_write(client, bytes, sizeof bytes)) >= 0)
        ;
    return (int)written;
}

struct unread {
    green_listener *listener;
    green_socket *first;
};

static int serve_unread(void *argument) {
    struct unread *unread = argument;
    green_serve_options options = {.concurrency = 20000, .on_error = ignore_error, .stack_size = 64 << 10};
    return green_serve(unread->listener, &options, write_for_ever, &unread->first);
}

BIG_TEST(never_reads, "a client that never reads delays none of 10 000 others") {
    struct unread unread = {.listener = listen_any(TCP4)};
    green_thread *server = start(serve_unread, &unread);
    green_socket *deaf = connect_to(unread.listener);
    UNTIL(unread.first);
    CHECK(green_sleep(10 * GREEN_MILLISECOND), ==, 0); /* its writer is blocked */
    serve_burst(unread.listener, burst_count(10000));
    reset_and_release(deaf);
    CHECK(green_listener_stop(unread.listener, GREEN_FOREVER), ==, 0);
    CHECK(finish(server), ==, 0);
    green_listener_release(unread.listener);
}

/* Time ---------------------------------------------------------------------------- */

static int sleep_too_long(void *argument) {
    (void)argument;
    int64_t begun = green_now();
    CHECK(green_sleep(5 * GREEN_MILLISECOND), ==, 0);
    CHECK(green_now() - begun, >=, 90 * GREEN_MILLISECOND);
    return 0;
}

/* A thread that runs in the same iteration as those before it: no timer expires in between. */
static int never_yield(void *client) {
    CHECK(send(green_socket_fd(client), "ping\n", 5, 0), ==, 5);
    int64_t until = green_now() + 100 * GREEN_MILLISECOND;
    while (green_now() < until)
        ;
    return 0;
}

TEST(never_yields, "threads continue after one that blocked the hub, and no timer is lost") {
    struct server server = {0};
    start_server(&server);
    green_socket *client = connect_to(server.listener);
    ask(client);
    green_thread *sleepers[50];
    for (int i = 0; i < 50; i++)
        sleepers[i] = start(sleep_too_long, NULL);
    CHECK(finish(start(never_yield, client)), ==, 0);
    for (int i = 0; i < 50; i++)
        CHECK(finish(sleepers[i]), ==, 0);
    expect_text(client, "ping\n");
    green_socket_release(client);
    stop_server(&server);
}

/* A wait for one event uses no processor time while another event is ready. */
static void wait_quietly(const char *engine) {
    green_hub_options options = {.engine = engine};
    if (green_hub_open(&options) < 0)
        return;
    int fd = eventfd(0, EFD_CLOEXEC);
    struct pair pair = connected(UNIX_PAIR);
    green_statistics before, after;
    CHECK(green_wait_fd(fd, POLLIN, GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_hub_statistics(&before), ==, 0);
    CHECK(green_wait_fd(fd, POLLIN, 50 * GREEN_MILLISECOND), ==, -ETIMEDOUT); /* always writable */
    CHECK(green_wait_fd(green_socket_fd(pair.near), POLLIN, 50 * GREEN_MILLISECOND), ==, -ETIMEDOUT);
    CHECK(green_hub_statistics(&after), ==, 0);
    CHECK(after.system_calls - before.system_calls, <=, 20);
    close(fd);
    release_pair(&pair);
    CHECK(green_hub_close(), ==, 0);
}

TEST(quiet_wait, "waiting for bytes on a writable socket uses no processor time") {
    wait_quietly("epoll");
    wait_quietly("uring");
}
