/* green-bench-echo: an echo server, written like that of a user of Green. */
#include <green/green.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { CONCURRENCY = 100000, BUFFER_SIZE = 16 * 1024 };

/* Reads into a buffer on the thread's own stack. */
static int echo(green_socket *client, void *context) {
    (void)context;
    char bytes[BUFFER_SIZE];
    ssize_t n;
    while ((n = green_read(client, bytes, sizeof bytes)) > 0)
        if ((n = green_write(client, bytes, (size_t)n)) < 0)
            break;
    return (int)n;
}

/* Holds no buffer while it waits: answers from the provided buffer. */
static int echo_in_place(green_socket *client, void *context) {
    (void)context;
    const void *bytes;
    ssize_t n;
    while ((n = green_receive(client, &bytes)) > 0) {
        ssize_t sent = green_write(client, bytes, (size_t)n);
        if (sent < 0)
            return (int)sent;
        green_consume(client, (size_t)n);
    }
    return (int)n;
}

/* Clients that reset the connection are normal. */
static void ignore(int error, void *context) {
    (void)error;
    (void)context;
}

static void allow_many_descriptors(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const char *address, green_handler *handler) {
    const green_serve_options options = {.concurrency = CONCURRENCY, .on_error = ignore};
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_listener *listener;
    green_address bound;
    int error = green_listen(&listener, address, NULL);
    if (error == 0)
        error = green_listener_address(listener, &bound);
    if (error < 0)
        return error;
    green_address_print(&bound, text, sizeof text);
    printf("listening on %s\n", text);
    fflush(stdout);
    error = green_serve(listener, &options, handler, NULL);
    green_listener_release(listener);
    return error;
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"listen", 1, 0, 'a'}, {"in-place", 0, 0, 'p'}, {"help", 0, 0, 'h'}, {0}};
    const char *address = "127.0.0.1:0";
    green_handler *handler = echo;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'a') {
            address = optarg;
        } else if (option == 'p') {
            handler = echo_in_place;
        } else {
            puts("green-bench-echo [--listen 127.0.0.1:0] [--in-place]");
            return option == 'h' ? 0 : 2;
        }
    }
    allow_many_descriptors();
    int error = run(address, handler);
    if (error < 0)
        fprintf(stderr, "green-bench-echo: %s\n", green_explain(error));
    return error < 0;
}
