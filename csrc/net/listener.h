/* The listener: a descriptor and its accepting thread. */
#ifndef GREEN_NET_LISTENER_H
#define GREEN_NET_LISTENER_H

#include "socket.h"
#include "socket_file.h"

#include <green/listener.h>

struct green_listener {
    green_hub *hub;
    uint32_t references; /* of owners, and of threads in green_accept() and green_serve() */
    int fd;              /* -1 once closed; non-blocking */
    int kept;            /* a connection for which there was no memory, or -1 */
    bool closed;         /* the descriptor is closed when the accepting thread returns */
    unsigned accepts;    /* connections accepted so far */
    green_wait *acceptor;
    green_wait_list closers;
    struct green_server *server; /* of the green_serve() that uses it, or NULL */
    void (*on_close)(struct green_server *server);
    /* Called with each connection that is accepted, TLS for one. */
    int (*on_accept)(green_socket *socket, void *context);
    void (*forget)(void *context);
    void *context;
    green_socket_file file; /* of a unix socket */
};

int green__listener_make(green_hub *hub, int fd, green_listener **listener);

/* Has hook(socket, context) called with each new connection; forget(context)
 * when that ends. */
void green__listener_set_accept_hook(green_listener *listener, int (*hook)(green_socket *socket, void *context),
                                     void (*forget)(void *context), void *context);

/* Closes the descriptor if no thread accepts. */
void green__listener_close_descriptor(green_listener *listener);

#endif
