/* An echo server. Ctrl-C gives its clients ten seconds to finish; a second Ctrl-C ends it at once. */
#include <green/green.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct server {
    green_listener *listener;
    green_signals *signals;
};

static int echo(green_socket *client, void *context) {
    (void)context;
    const void *bytes;
    ssize_t size;
    green_socket_set_timeouts(client, 300 * GREEN_SECOND, 300 * GREEN_SECOND);
    while ((size = green_receive(client, &bytes)) > 0 && (size = green_write(client, bytes, size)) > 0)
        green_consume(client, size);
    return (int)size;
}

static int stop_on_signal(void *argument) {
    struct server *server = argument;
    int signal = green_signals_next(server->signals, GREEN_FOREVER);
    if (signal < 0)
        return signal;
    fprintf(stderr, "%s: waiting for the clients to finish\n", strsignal(signal));
    green_signals_free(server->signals); /* the next signal ends the process */
    server->signals = NULL;
    return green_listener_stop(server->listener, 10 * GREEN_SECOND);
}

int main(int argc, char **argv) {
    if (argc != 2 || strcmp(argv[1], "--help") == 0) {
        fprintf(argc == 2 ? stdout : stderr, "usage: %s ADDRESS, for example 127.0.0.1:6000 or [::1]:0\n", argv[0]);
        return argc == 2 ? 0 : 2;
    }
    struct server server = {NULL, NULL};
    green_thread *stopper = NULL;
    green_address address;
    char text[GREEN_ADDRESS_TEXT_MAX];
    int error = green_signals_open(&server.signals, (const int[]){SIGINT, SIGTERM}, 2);
    if (error == 0 && (error = green_listen(&server.listener, argv[1], NULL)) == 0 &&
        (error = green_listener_address(server.listener, &address)) == 0 &&
        (error = green_spawn(&stopper, stop_on_signal, &server)) == 0) {
        green_address_print(&address, text, sizeof text);
        fprintf(stderr, "listening on %s\n", text);
        error = green_serve(server.listener, NULL, echo, NULL);
    }
    bool failed = error < 0;
    if (failed)
        fprintf(stderr, "%s: %s\n", argv[0], green_explain(error));
    if (stopper && green_thread_kill(stopper) == 0) /* it may still wait for a signal */
        failed |= green_thread_wait(stopper, NULL, GREEN_FOREVER) < 0;
    green_thread_release(stopper);
    green_listener_release(server.listener);
    green_signals_free(server.signals);
    return failed;
}
