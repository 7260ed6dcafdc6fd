/* An echo server on all cores. Ctrl-C gives its clients ten seconds to finish; a second Ctrl-C ends it at once. */
#include <green/green.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct program {
    green_signals *signals;
    green_server *server;
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
    struct program *program = argument;
    int signal = green_signals_next(program->signals, GREEN_FOREVER);
    if (signal < 0)
        return signal;
    fprintf(stderr, "%s: waiting for the clients to finish\n", strsignal(signal));
    green_signals_free(program->signals); /* the next signal ends the process */
    program->signals = NULL;
    return green_server_stop(program->server, 10 * GREEN_SECOND);
}

int main(int argc, char **argv) {
    struct program program = {NULL, NULL};
    green_hub_pool *hubs = NULL;
    green_thread *stopper = NULL;
    green_address address;
    char text[GREEN_ADDRESS_TEXT_MAX];
    /* Before the pool, so that its OS threads block the signals, too. */
    const char *on = argc > 1 ? argv[1] : "127.0.0.1:0";
    int error = green_signals_open(&program.signals, (const int[]){SIGINT, SIGTERM}, 2);
    if (error == 0 && (error = green_hub_pool_make(&hubs, NULL)) == 0 &&
        (error = green_server_start(&program.server, on, hubs, NULL, echo, NULL)) == 0 &&
        (error = green_spawn(&stopper, stop_on_signal, &program)) == 0) {
        green_server_address(program.server, &address);
        green_address_print(&address, text, sizeof text);
        fprintf(stderr, "listening on %s, %zu hubs\n", text, green_hub_pool_count(hubs));
        error = green_server_wait(program.server, GREEN_FOREVER);
    }
    if (error < 0)
        fprintf(stderr, "%s: %s\n", argv[0], green_explain(error));
    if (stopper && green_thread_kill(stopper) == 0) /* it may still wait for a signal */
        error |= green_thread_wait(stopper, NULL, GREEN_FOREVER);
    green_thread_release(stopper);
    green_server_release(program.server);
    green_hub_pool_release(hubs);
    green_signals_free(program.signals);
    return error < 0;
}
