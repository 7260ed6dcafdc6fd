/* The listener: a descriptor, and who accepts there. */
#ifndef GREEN_NET_LISTENER_H
#define GREEN_NET_LISTENER_H

#include "socket.h"
#include "socket_file.h"

#include <green/listener.h>

struct green_listener {
    green_hub *hub;
    uint32_t references; /* of owners, and of threads in green_accept() and green_serve() */
    int fd;              /* -1 once gone; it does not block */
    int kept;            /* a connection that there was no memory for, or -1 */
    bool closed;         /* the descriptor goes when the acceptor has left */
    unsigned accepts;    /* so far */
    green_wait *acceptor;
    green_wait_list closers;
    struct green_server *server;
    /* Called with each connection that is accepted, TLS for one. */
    int (*on_accept)(green_socket *socket, void *context);
    void (*forget)(void *context);
    void *context;
    green_socket_file file; /* of a unix socket */
};

int green__listener_make(green_hub *hub, int fd, green_listener **listener);

/* Has hook(socket, context) called with each new connection; forget(context)
 * when that ends. */
void green__listener_set_accepted(green_listener *listener, int (*hook)(green_socket *socket, void *context),
                                  void (*forget)(void *context), void *context);

/* Accepts a connection that is there already. -EAGAIN: there is none. Also while
 * another thread waits for one. */
int green__accept_now(green_listener *listener, green_socket **socket);

/* Tells whoever serves the listener that it is closed. */
void green__serve_closed(struct green_server *server);

/* Gives back the descriptor, when nobody accepts. */
void green__listener_close_descriptor(green_listener *listener);

#endif
