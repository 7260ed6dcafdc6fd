/* Programs that are started with standard descriptors closed. Green's own descriptors
 * are never 0, 1 or 2; otherwise the program's output would go into a connection or a
 * file.
 *
 * Green's close() is wrapped to detect low descriptors that exist only for a moment: a
 * low number may be closed only after the descriptor has been moved. */
#include "helpers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/un.h>

enum { ALL = 7, STDERR_COPY = 100 };

static _Thread_local int moved = -1; /* the last low descriptor that was moved to a higher number */
static unsigned closed_at_start;     /* standard descriptors, as a bit set */

static void report_low(const char *what) {
    dup2(STDERR_COPY, STDERR_FILENO);
    fprintf(stderr, "a standard descriptor was taken by: %s\n", what);
    _exit(1);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    if (fd >= 0 && fd <= STDERR_FILENO && (closed_at_start & 1u << fd) && moved != fd)
        report_low("a descriptor that was closed soon");
    moved = -1;
    return __real_close(fd);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    if (command == F_DUPFD_CLOEXEC)
        moved = fd;
    return __real_fcntl(fd, command, argument);
}

static void expect_free(const char *what) {
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if ((closed_at_start & 1u << fd) && __real_fcntl(fd, F_GETFD, 0) >= 0)
            report_low(what);
}

static void meet(const char *at) {
    green_listener *listener = NULL;
    green_socket *client = NULL;
    CHECK(green_listen(&listener, at, NULL), ==, 0);
    expect_free("green_listen");
    CHECK(green_connect(&client, address_of(listener), NULL), ==, 0);
    expect_free("green_connect");
    green_socket *server = accept_from(listener);
    expect_free("green_accept");
    send_text(client, "hello");
    expect_text(server, "hello");
    green_socket_release(server);
    green_socket_release(client);
    green_listener_release(listener);
}

/* Several at once, because the engine may accept more than one. */
static void meet_many(void) {
    enum { CLIENTS = 5 };
    green_listener *listener = listen_any(TCP4);
    green_socket *clients[CLIENTS], *servers[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(listener);
    for (int i = 0; i < CLIENTS; i++) {
        servers[i] = accept_from(listener);
        expect_free("green_accept of many");
    }
    for (int i = 0; i < CLIENTS; i++) {
        green_socket_release(servers[i]);
        green_socket_release(clients[i]);
    }
    green_listener_release(listener);
}

static int stop_serving(green_socket *client, void *context) {
    (void)client, (void)context;
    expect_free("green_serve");
    return GREEN_STOP_SERVE;
}

static int serve_one(void *listener) {
    green_serve_options options = {.concurrency = 1};
    return green_serve(listener, &options, stop_serving, NULL);
}

static void exchange_byte(void) {
    green_listener *listener = listen_any(TCP4);
    green_thread *thread = start(serve_one, listener);
    green_socket *client = connect_to(listener);
    CHECK(finish(thread), ==, 0);
    green_socket_release(client);
    green_listener_release(listener);
}

static void replace_dead(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path + strlen("unix:"));
    int low = socket(AF_UNIX, SOCK_STREAM, 0), fd = __real_fcntl(low, F_DUPFD_CLOEXEC, 3);
    __real_close(low);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    __real_close(fd);
    meet(path);
}

static void use_sockets(const char *directory) {
    green_socket *near = NULL, *far = NULL;
    green_address any;
    char path[64];
    meet("127.0.0.1:0");
    meet("localhost:0");
    meet_many();
    exchange_byte();
    snprintf(path, sizeof path, "unix:%s/socket", directory);
    meet(path);
    replace_dead(path);
    CHECK(green_socket_pair(&near, &far), ==, 0);
    expect_free("green_socket_pair");
    green_socket_release(near);
    green_socket_release(far);
    CHECK(green_address_parse(&any, "127.0.0.1:0"), ==, 0);
    CHECK(green_datagram_open(&near, &any), ==, 0);
    expect_free("green_datagram_open");
    green_socket_release(near);
    CHECK(green_connect(&near, "host.invalid:80", NULL), <, 0);
    expect_free("green_resolve");
}

static void use_files(const char *directory) {
    char path[64];
    green_file *file = NULL;
    green_listing *listing = NULL;
    snprintf(path, sizeof path, "%s/file", directory);
    for (int i = 0; i < 3; i++) {
        CHECK(green_file_open(&file, path, O_CREAT | O_RDWR, 0600, GREEN_FOREVER), ==, 0);
        expect_free("green_file_open");
        green_file_free(file);
    }
    CHECK(green_directory_list(&listing, directory, GREEN_FOREVER), ==, 0);
    green_listing_free(listing);
}

static int add(void *argument) {
    return ++*(int *)argument;
}

static void use_processes(void) {
    static const char *const none[] = {NULL};
    green_file *pipes[2] = {NULL, NULL};
    green_process_options options = {
        .input = {.kind = GREEN_STDIO_PIPE, .pipe = &pipes[0]},
        .output = {.kind = GREEN_STDIO_PIPE, .pipe = &pipes[1]},
        .error = {.kind = GREEN_STDIO_NULL},
    };
    for (int i = 0; i < 2; i++) {
        green_process *process = NULL;
        CHECK(green_process_spawn(&process, "cat", none, &options), ==, 0);
        expect_free("green_process_spawn");
        if (i == 1) /* while it runs */
            green_process_free(process);
        green_file_free(pipes[0]);
        green_file_free(pipes[1]);
        if (i == 1)
            break;
        CHECK(green_process_wait(process, NULL, GREEN_FOREVER), ==, 0);
        green_process_free(process);
    }
    expect_free("green_process_free");
}

static void use_the_rest(void) {
    int number = 41, result = 0;
    CHECK(green_offload(NULL, add, &number, NULL, &result, GREEN_FOREVER), ==, 0);
    CHECK(result, ==, 42);
    expect_free("green_offload");
    green_signals *signals = NULL;
    CHECK(green_signals_open(&signals, (int[]){SIGUSR1}, 1), ==, 0);
    expect_free("green_signals_open");
    green_signals_free(signals);
    green_patch *patch = NULL;
    CHECK(green_monkey_patch(&patch, GREEN_PATCH_TIME), ==, 0);
    expect_free("green_monkey_patch");
    CHECK(green_unpatch(patch), ==, 0);
}

static const char *directory;

static void use_everything(void) {
    CHECK(green_hub_engine() != NULL);
    expect_free("the hub");
    use_sockets(directory);
    use_files(directory);
    use_processes();
    use_the_rest();
}

static void close_and_use(void) {
    CHECK(dup2(STDERR_FILENO, STDERR_COPY), ==, STDERR_COPY);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (closed_at_start & 1u << fd)
            CHECK(__real_close(fd), ==, 0);
    use_everything();
}

static void run_without(unsigned closed) {
    struct child child;
    closed_at_start = closed;
    run_child(&child, close_and_use);
    closed_at_start = 0;
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
}

TEST(all_closed, "Green's descriptors are above 2 if a program starts with 0, 1 and 2 closed") {
    directory = make_directory();
    run_without(ALL);
    remove_directory();
}

TEST(one_closed, "Green's descriptors are above 2 if a program starts with one of 0, 1 and 2 closed") {
    directory = make_directory();
    for (unsigned fd = 0; fd < 3; fd++)
        run_without(1u << fd);
    remove_directory();
}

static void use_up(void) {
    close_and_use();
    int last = open("/", O_PATH), error = 0;
    while (last >= 0 && last < STDERR_COPY - 2)
        last = open("/", O_PATH);
    CHECK(last, >=, 0);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        __real_close(fd);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)last + 1, (rlim_t)last + 1}), ==, 0);
    green_socket *near = NULL, *far = NULL;
    error = green_socket_pair(&near, &far);
    CHECK(error, ==, -EMFILE);
    expect_free("what has failed");
}

TEST(no_other, "if only a standard number is free, the call fails with -EMFILE and the number stays free") {
    struct child child;
    directory = make_directory();
    closed_at_start = ALL;
    run_child(&child, use_up);
    closed_at_start = 0;
    CHECK_TEXT(child.output, "");
    CHECK(child.status, ==, 0);
    remove_directory();
}
