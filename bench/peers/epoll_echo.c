// epoll_echo: a TCP echo server on epoll, written the plain good way; the yardstick for io_uring.
//
// Edge-triggered, because a level-triggered epoll polls every ready socket a second time. Each
// descriptor is added once, for both directions, and never modified. All connections share one
// buffer; only what a slow client has not taken yet costs memory of its own.

#define _GNU_SOURCE
#include "echo_server.h"
#include <getopt.h>
#include <stdbool.h>
#include <sys/epoll.h>

enum { EVENTS_MAX = 1024 };

struct connection {
    char *unsent; // NULL unless the client reads slower than it writes
    size_t unsent_from, unsent_to;
    bool open, hung_up;
};

static const char *host = "127.0.0.1";
static int port;
static size_t buffer_bytes = 16384;
static char *buffer;
static int poller, listener, spare;
static struct connection *connections; // indexed by descriptor
static unsigned long enters, messages;

static void close_connection(int fd) {
    free(connections[fd].unsent);
    connections[fd] = (struct connection){0};
    close(fd);
}

// Both return false once the connection is of no more use.

static bool flush_unsent(int fd, struct connection *c) {
    ssize_t sent = send(fd, c->unsent + c->unsent_from, c->unsent_to - c->unsent_from, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    c->unsent_from += sent;
    if (c->unsent_from < c->unsent_to)
        return true;
    free(c->unsent);
    c->unsent = NULL;
    return true;
}

static bool echo(int fd, struct connection *c) {
    if (c->unsent && !flush_unsent(fd, c))
        return false;
    while (!c->unsent) {
        ssize_t received = recv(fd, buffer, buffer_bytes, 0);
        if (received == 0)
            return false;
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return errno == EAGAIN;
        messages++;

        ssize_t sent = send(fd, buffer, received, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (sent < 0)
            sent = 0;
        if (sent < received) {
            c->unsent = malloc(received - sent);
            if (!c->unsent)
                return false;
            memcpy(c->unsent, buffer + sent, received - sent);
            c->unsent_from = 0;
            c->unsent_to = received - sent;
            // The space may have come back in between, and then no edge would tell.
            if (!flush_unsent(fd, c))
                return false;
        } else if ((size_t)received < buffer_bytes && !c->hung_up) {
            // A short read has emptied the socket, so the call that would say EAGAIN is saved. Not
            // after a hang-up: its edge has come already, and only a read of 0 bytes ends us.
            return true;
        }
    }
    return true;
}

static void accept_all(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            // Turn the client away with the descriptor kept for that, or the edge is lost.
            close(spare);
            close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
            spare = dup(listener);
            continue;
        }
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0)
            return;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        connections[fd].open = true;
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
            close_connection(fd);
    }
}

static void parse_options(int argc, char **argv) {
    static const struct option known[] = {
        {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"buffer", 1, 0, 'b'}, {"help", 0, 0, 'H'}, {0}};
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (o) {
        case 'h':
            host = optarg;
            break;
        case 'p':
            port = atoi(optarg);
            break;
        case 'b':
            buffer_bytes = strtoul(optarg, NULL, 0);
            break;
        default:
            puts("epoll_echo [--host 127.0.0.1] [--port 0] [--buffer 16384]");
            exit(o == 'H' ? 0 : 2);
        }
    if (optind < argc)
        fail(argv[optind], EINVAL);
    if (buffer_bytes == 0)
        fail("--buffer", EINVAL);
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    connections = calloc(raise_descriptor_limit(), sizeof *connections);
    buffer = malloc(buffer_bytes);
    if (!connections || !buffer)
        fail("malloc", ENOMEM);

    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        fail("epoll_create1", errno);
    int stop = open_stop_signal();
    listener = open_listener(host, port, SOCK_NONBLOCK);
    spare = dup(listener);
    epoll_ctl(poller, EPOLL_CTL_ADD, stop, &(struct epoll_event){.events = EPOLLIN, .data.fd = stop});
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN | EPOLLET, .data.fd = listener});

    for (bool stopping = false; !stopping;) {
        struct epoll_event events[EVENTS_MAX];
        enters++;
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait", errno);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            struct connection *c = &connections[fd];
            if (fd == stop)
                stopping = true;
            else if (fd == listener)
                accept_all();
            else if (c->open) {
                c->hung_up |= !!(events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
                if (!echo(fd, c))
                    close_connection(fd);
            }
        }
    }
    print_totals(enters, messages);
}
