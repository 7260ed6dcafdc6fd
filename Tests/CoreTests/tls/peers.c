/* TLS of other programs: openssl s_client, openssl s_server and curl. */
#include "tls_helpers.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

/* A program whose standard input and output are a socket of the test. */
struct program {
    pid_t pid;
    green_socket *talk;
};

static struct program run(char *const *arguments) {
    struct program program;
    green_socket *theirs;
    posix_spawn_file_actions_t actions;
    CHECK(green_socket_pair(&program.talk, &theirs), ==, 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, green_socket_fd(theirs), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, green_socket_fd(theirs), STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&program.pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    green_socket_release(theirs);
    if (error == ENOENT)
        skip("the program is not installed");
    CHECK(error, ==, 0);
    green_socket_set_timeouts(program.talk, PATIENTLY(20 * GREEN_SECOND), PATIENTLY(20 * GREEN_SECOND));
    return program;
}

static int end(struct program *program) {
    int status;
    green_socket_release(program->talk);
    for (int i = 0; waitpid(program->pid, &status, WNOHANG) == 0; i++) {
        if (i == 5000 * (int)time_factor())
            kill(program->pid, SIGKILL);
        green_sleep(GREEN_MILLISECOND);
    }
    return status;
}

static int echo(green_socket *client, void *context) {
    char line[512];
    ssize_t length;
    (void)context;
    while ((length = green_read_line(client, line, sizeof line)) > 0)
        if ((length = green_write(client, line, (size_t)length)) < 0)
            break;
    return length < 0 && length != -EPROTO ? (int)length : 0;
}

static int answer(green_socket *client, void *context) {
    char line[512];
    (void)context;
    while (green_read_line(client, line, sizeof line) > 2)
        ;
    send_text(client, "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
    return 0;
}

struct service {
    green_listener *listener;
    green_handler *handler;
};

static int serve(void *argument) {
    const struct service *service = argument;
    return green_serve(service->listener, NULL, service->handler, NULL);
}

/* Runs body with the address of a TLS server and the file of its authority. */
static void with_server(green_handler *handler, void (*body)(const char *address, char *authorities)) {
    green_tls_context *context = server_context(localhost());
    struct service service = {listen_any(TCP4), handler};
    CHECK(green_tls_listen(service.listener, context), ==, 0);
    green_thread *server = start(serve, &service);
    char *authorities = file_with(make_directory(), "authority.pem", authority()->chain);
    body(address_of(service.listener), authorities);
    CHECK(green_listener_stop(service.listener, GREEN_SECOND), >=, 0);
    CHECK(finish(server), ==, 0);
    green_listener_release(service.listener);
    green_tls_context_release(context);
    free(authorities);
    remove_directory();
}

static void talk_to(const char *address, char *authorities, char *version) {
    char copy[64];
    snprintf(copy, sizeof copy, "%s", address);
    struct program client =
        run((char *[]){"openssl", "s_client", "-connect", copy, "-CAfile", authorities, "-verify_hostname", "localhost",
                       "-verify_return_error", "-servername", "localhost", "-quiet", version, NULL});
    send_text(client.talk, "hello\n");
    expect_text(client.talk, "hello\n");
    kill(client.pid, SIGTERM);
    end(&client);
}

static void talk_in_both(const char *address, char *authorities) {
    talk_to(address, authorities, "-tls1_2");
    talk_to(address, authorities, "-tls1_3");
}

TEST(s_client, "openssl s_client verifies a Green server and exchanges data with it, by TLS 1.2 and 1.3") {
    with_server(echo, talk_in_both);
}

static void fetch(const char *address, char *authorities) {
    char url[64], body[128];
    snprintf(url, sizeof url, "https://localhost:%s/", strrchr(address, ':') + 1);
    struct program curl = run((char *[]){"curl", "--silent", "--fail", "--ipv4", "--noproxy", "*", "--max-time", "20",
                                         "--cacert", authorities, url, NULL});
    ssize_t length = green_read(curl.talk, body, sizeof body);
    CHECK(length, ==, 6);
    CHECK(memcmp(body, "hello\n", 6), ==, 0);
    CHECK(end(&curl), ==, 0);
}

TEST(curl, "curl fetches a page from a Green server") {
    with_server(answer, fetch);
}

/* A port without a listener, which may be taken at any moment. */
static void free_address(char *text, size_t size) {
    green_listener *listener = listen_any(TCP4);
    snprintf(text, size, "%s", address_of(listener));
    green_listener_release(listener);
}

static green_socket *connect_when_there(const char *address, green_tls_context *context) {
    green_socket *socket;
    int error = -ECONNREFUSED;
    for (int i = 0; i < 5000 && error == -ECONNREFUSED; i++) {
        error = green_tls_connect(&socket, address, &(green_connect_options){.timeout = PATIENTLY(20 * GREEN_SECOND)},
                                  context, "localhost");
        if (error == -ECONNREFUSED)
            green_sleep(2 * GREEN_MILLISECOND);
    }
    CHECK(error, ==, 0);
    return socket;
}

static void ask_server(char *version, char *certificate, char *key) {
    char address[64], line[64];
    free_address(address, sizeof address);
    struct program server = run((char *[]){"openssl", "s_server", "-accept", address, "-cert", certificate, "-key", key,
                                           "-rev", "-naccept", "2", "-quiet", version, NULL});
    green_tls_context *context = client_context();
    for (int i = 0; i < 2; i++) {
        green_socket *socket = connect_when_there(address, context);
        send_text(socket, "drawer\n");
        CHECK(green_read_line(socket, line, sizeof line), ==, 7);
        CHECK_TEXT(line, "reward\n");
        CHECK(info_of(socket).resumed, ==, i == 1);
        green_socket_release(socket);
    }
    kill(server.pid, SIGTERM);
    end(&server);
    green_tls_context_release(context);
}

TEST(s_server, "a Green client verifies openssl s_server and resumes its session, by TLS 1.2 and 1.3") {
    const char *directory = make_directory();
    char *certificate = file_with(directory, "server.pem", localhost()->chain);
    char *key = file_with(directory, "server.key", localhost()->key);
    ask_server("-tls1_2", certificate, key);
    ask_server("-tls1_3", certificate, key);
    free(certificate);
    free(key);
    remove_directory();
}
