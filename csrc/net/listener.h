/* A listener: a descriptor, and the thread that accepts. */
#ifndef GREEN_NET_LISTENER_H
#define GREEN_NET_LISTENER_H

#include "socket.h"
#include "socket_file.h"

#include <green/listener.h>

struct green_listener {
    green_hub *hub;
    uint32_t references; /* of owners, and of threads in green_accept() and green_serve() */
    int fd;              /* -1 once closed; non-blocking */
    int unaccepted_fd;   /* descriptor of a connection that could not get a socket for lack of memory, or -1 */
    bool closed;         /* the descriptor is closed when the accepting thread has left */
    unsigned accepts;    /* connections accepted so far */
    green_wait *acceptor;
    green_wait_list closers;
    struct green_service *service; /* that accepts its connections, or NULL */
    void (*on_close)(struct green_service *service);
    /* Called with each new connection, to set up TLS for example. Its error fails the accept. */
    int (*on_accept)(green_socket *socket, void *context);
    void (*forget)(void *context);
    void *context;
    green_socket_file file; /* of a unix listener */
    green_foreign_release foreign_release;
};

/* Sets a hook that is called with each new connection. forget(context) is called when
 * another hook replaces it, or with the listener. NULL removes the hook. */
void green__listener_set_accept_hook(green_listener *listener, int (*hook)(green_socket *socket, void *context),
                                     void (*forget)(void *context), void *context);

/* Closes a listener whose hub has ended. Returns 0. Several OS threads may do this. */
int green__listener_close_after_end(green_listener *listener);

/* Closes the descriptor if no thread accepts. */
void green__listener_close_descriptor(green_listener *listener);

#endif
