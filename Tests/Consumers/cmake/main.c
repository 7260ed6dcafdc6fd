/* An echo server and its client in one program. It tries TLS if Green has it. */
#include <green/green.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef WITH_TLS
#define EXPECTED_TLS 1
#else
#define EXPECTED_TLS 0
#endif
#if !defined GREEN_HAS_TLS || GREEN_HAS_TLS != EXPECTED_TLS
#error "GREEN_HAS_TLS is not what Green was built with"
#endif

/* The constants are usable wherever C requires a constant expression. */
#if GREEN_SECOND != 1000 * GREEN_MILLISECOND || GREEN_MILLISECOND != 1000 * GREEN_MICROSECOND || GREEN_FOREVER >= 0
#error "the units of time do not fit each other"
#endif
static const int64_t LIMIT = 60 * GREEN_SECOND;

static const char *name_of(int64_t value) {
    switch (value) {
    case GREEN_FOREVER:
        return "forever";
    case GREEN_SECOND:
        return "a second";
    case GREEN_STOP_SERVE:
        return "stop";
    default:
        return "other";
    }
}

static int echo(green_socket *client, void *context) {
    (void)context;
    char bytes[256];
    ssize_t count;
    while ((count = green_read(client, bytes, sizeof bytes)) > 0)
        if ((count = green_write(client, bytes, (size_t)count)) < 0)
            break;
    return count < 0 ? (int)count : GREEN_STOP_SERVE;
}

static int run_server(void *listener) {
    return green_serve(listener, NULL, echo, NULL);
}

/* Sends a line and expects it back. */
static int talk(const green_address *address) {
    char line[64];
    green_socket *socket;
    int error = green_connect_address(&socket, address, NULL);
    if (error < 0)
        return error;
    ssize_t result = green_write(socket, "hello\n", 6);
    if (result >= 0)
        result = green_read_line(socket, line, sizeof line);
    green_socket_release(socket);
    if (result < 0)
        return (int)result;
    return strcmp(line, "hello\n") == 0;
}

static int fail(int error) {
    fprintf(stderr, "consumer: %s\n", green_explain(error));
    return 1;
}

#ifdef WITH_TLS
/* A context can be made, and one whose authorities are missing says so. */
static int try_tls(void) {
    green_tls_context *context;
    green_tls_options options = {.role = GREEN_TLS_CLIENT};
    int error = green_tls_context_make(&context, &options);
    if (error < 0)
        return fail(error);
    green_tls_context_release(context);
    options.authorities.path = "/missing.pem";
    error = green_tls_context_make(&context, &options);
    bool is_right = error == -EPROTO && green_tls_last_problem() == GREEN_TLS_BAD_SETUP &&
                    strstr(green_explain(error), "/missing.pem cannot be read: No such file or directory");
    return is_right ? 0 : fail(error);
}
#endif

int main(void) {
    green_listener *listener;
    green_thread *server;
    green_address address;
    int served = 0;
    if (strcmp(name_of(GREEN_UNBOUNDED), "forever") != 0 || strcmp(name_of(GREEN_STOP_SERVE), "stop") != 0)
        return 1;
    int error = green_listen(&listener, "127.0.0.1:0", NULL);
    if (error < 0 || (error = green_listener_address(listener, &address)) < 0 ||
        (error = green_spawn(&server, run_server, listener)) < 0)
        return fail(error);
    int echoed = talk(&address);
    if (echoed < 0)
        return fail(echoed);
    if ((error = green_thread_wait(server, &served, LIMIT)) < 0 || (error = served) < 0)
        return fail(error);
    green_thread_release(server);
    green_listener_release(listener);
    if ((error = green_hub_close()) < 0)
        return fail(error);
#ifdef WITH_TLS
    if (try_tls() != 0)
        return 1;
#endif
    printf("Green %s echoed %s\n", green_version(), echoed ? "what was sent" : "something else");
    return echoed ? 0 : 1;
}
