/* The listener: one accept that goes on by itself, and what it has brought. */
#ifndef GREEN_NET_LISTENER_H
#define GREEN_NET_LISTENER_H

#include "socket.h"
#include "socket_file.h"

#include <green/listener.h>

struct green_listener {
    green_hub *hub;
    uint32_t references; /* of owners, and of the accept under way */
    int fd;              /* -1 once gone */
    bool closed;
    bool armed;  /* the accept is under way */
    bool single; /* it is to bring one connection, not one after the other */
    int error;   /* that ended it, for the next green_accept() */
    green_op op;
    green_wait *acceptor;
    green_wait_list closers;
    struct green_server *server;
    /* Called with each connection that is accepted, TLS for one. */
    int (*on_accept)(green_socket *socket, void *context);
    void (*forget)(void *context);
    void *context;
    green_socket_file file; /* of a unix socket */

    /* Connections accepted and not yet asked for: a ring. */
    int *accepted;
    size_t first, count, capacity;
};

int green__listener_make(green_hub *hub, int fd, green_listener **listener);

/* Has hook(socket, context) called with each new connection; forget(context)
 * when that ends. */
void green__listener_set_accepted(green_listener *listener, int (*hook)(green_socket *socket, void *context),
                                  void (*forget)(void *context), void *context);

/* Stops accepting for now; connections stay in the kernel's queue. */
void green__accept_pause(green_listener *listener);

/* Tells whoever serves the listener that it is closed. */
void green__serve_closed(struct green_server *server);

/* Gives back the descriptor, when no accept is under way. */
void green__listener_close_descriptor(green_listener *listener);

#endif
