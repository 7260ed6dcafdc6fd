/* Connected sockets between two hubs. */
#include "../core/fork.h"
#include "transport.h"

#include <green/detached_socket.h>

#include <stdlib.h>
#include <unistd.h>

/* A socket without a hub, so that an attach needs no memory. */
struct green_detached_socket {
    green_socket socket;
    uint32_t generation; /* see green__is_inherited() */
};

static int check(const green_socket *socket) {
    if (socket->hub != green__hub)
        return green__fail(-EXDEV, "cannot detach the socket: it %s", green__foreign_hub_reason(socket->hub));
    if (socket->closed)
        return green__fail(-EBADF, "cannot detach the socket: it is closed");
    const green_wait *user = socket->reader ? socket->reader : socket->writer;
    if (!user)
        return 0;
    char text[GREEN_SOCKET_LABEL_MAX], label[GREEN_LABEL_MAX];
    return green__fail(-EBUSY, "cannot detach %s: %s uses it", green__socket_label(socket, text, sizeof text),
                       green__thread_label(user->thread, label, sizeof label));
}

/* Cannot fail. */
static void move(green_socket *from, green_socket *to) {
    to->references = 1;
    to->fd = from->fd;
    to->read_timeout = from->read_timeout;
    to->write_timeout = from->write_timeout;
    to->unread = from->unread;
    to->bytes_lost = from->bytes_lost;
    to->transport = from->transport;
    to->failed[GREEN_READING] = from->failed[GREEN_READING];
    to->failed[GREEN_WRITING] = from->failed[GREEN_WRITING];
    green__wait_list_init(&to->closers);

    green_hub *hub = from->hub;
    hub->engine->class->forget(hub->engine, from->fd, true);
    hub->sockets--;
    from->fd = -1;
    from->closed = true;
    from->unread = (green_unread){0};
    from->borrowed = false;
    from->transport = NULL;
}

int green_socket_detach(green_socket *socket, green_detached_socket **made) {
    int error = check(socket);
    if (error < 0)
        return error;
    green_transport *transport = socket->transport;
    green_detached_socket *detached = calloc(1, sizeof *detached);
    if (!detached || green__unread_keep(socket, &socket->unread) < 0 ||
        (transport && transport->class->move(transport, &detached->socket) < 0)) {
        free(detached);
        return green__fail(-ENOMEM, "cannot detach the socket");
    }
    detached->generation = green__generation;
    move(socket, &detached->socket);
    *made = detached;
    return 0;
}

int green_socket_attach(green_socket **socket, green_detached_socket *detached) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    detached->socket.hub = hub;
    hub->sockets++;
    *socket = &detached->socket;
    return 0;
}

/* A child must not end its parent's connection. */
void green_detached_socket_free(green_detached_socket *detached) {
    if (!detached)
        return;
    green_socket *socket = &detached->socket;
    if (socket->transport && !green__is_inherited(detached->generation))
        socket->transport->class->close(socket->transport);
    close(socket->fd);
    green__socket_free(socket);
}
