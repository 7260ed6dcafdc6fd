/* Forwards connections to another server, in both directions. Ctrl-C ends it and all connections. */
#include <green/green.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void report(int error, void *target) {
    fprintf(stderr, "forwarding to %s: %s\n", (const char *)target, green_explain(error));
}

/* Copies one direction and its end. */
static int copy(void *argument) {
    green_socket **way = argument; /* from, to */
    const void *bytes;
    ssize_t size;
    while ((size = green_receive(way[0], &bytes)) > 0 && (size = green_write(way[1], bytes, size)) > 0)
        green_consume(way[0], size);
    return size < 0 ? (int)size : green_shutdown(way[1], SHUT_WR);
}

static int forward(green_socket *client, void *target) {
    green_socket *server;
    green_group *group;
    int error = green_connect(&server, target, &(green_connect_options){.timeout = 30 * GREEN_SECOND});
    if (error < 0)
        return error;
    if ((error = green_group_begin(&group, NULL)) == 0) {
        error = green_group_spawn(group, NULL, NULL, copy, (green_socket *[]){server, client});
        if (error == 0)
            error = copy((green_socket *[]){client, server});
        error = green_group_end(group, error); /* an error of one direction, or an interrupt, ends the other */
    }
    green_socket_release(server);
    return error;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s ADDRESS TARGET, for example 127.0.0.1:6001 127.0.0.1:6000\n", argv[0]);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_address address;
    green_listener *listener = NULL;
    int error = green_listen(&listener, argv[1], NULL);
    if (error == 0 && (error = green_listener_address(listener, &address)) == 0) {
        green_address_print(&address, text, sizeof text);
        fprintf(stderr, "listening on %s\n", text);
        green_serve_options options = {.concurrency = 500, .on_error = report}; /* two descriptors each */
        error = green_serve(listener, &options, forward, argv[2]);
    }
    if (error < 0)
        fprintf(stderr, "%s: %s\n", argv[0], green_explain(error));
    green_listener_release(listener);
    return error < 0;
}
