/* Properties of a socket that can be read and set without blocking. */
#include "address.h"
#include "socket.h"

#include <netinet/in.h>
#include <stdio.h>

void green_socket_set_timeouts(green_socket *socket, int64_t read, int64_t write) {
    socket->read_timeout = read;
    socket->write_timeout = write;
}

void green_socket_timeouts(const green_socket *socket, int64_t *read, int64_t *write) {
    *read = socket->read_timeout;
    *write = socket->write_timeout;
}

int green_socket_fd(const green_socket *socket) {
    return socket->closed ? -EBADF : socket->fd;
}

/* Some options, such as the MTU, are unavailable after the connection has ended. That is a
 * failure of the connection, see green_socket_failed_with(). */
static int failed(const green_socket *socket, int error) {
    if (error == -ENOTCONN)
        ((green_socket *)socket)->failed[GREEN_READING] = error;
    return error;
}

int green_socket_option(const green_socket *socket, int level, int name, int *value) {
    if (socket->closed)
        return green__fail(-EBADF, "cannot access option %d of level %d: the socket is closed", name, level);
    if (getsockopt(socket->fd, level, name, value, &(socklen_t){sizeof *value}) < 0)
        return green__fail(failed(socket, -errno), "cannot read option %d of level %d", name, level);
    return 0;
}

int green_socket_set_option(green_socket *socket, int level, int name, int value) {
    if (socket->closed)
        return green__fail(-EBADF, "cannot access option %d of level %d: the socket is closed", name, level);
    if (setsockopt(socket->fd, level, name, &value, sizeof value) < 0)
        return green__fail(failed(socket, -errno), "cannot set option %d of level %d to %d", name, level, value);
    return 0;
}

bool green__socket_keeps_messages(const green_socket *socket) {
    int type = SOCK_STREAM;
    getsockopt(socket->fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type});
    return type != SOCK_STREAM;
}

/* getpeername() fails once the peer has reset the connection. SO_PEERNAME still returns
 * the address, but requires its exact length. */
static int ask_lost_peer(const green_socket *socket, green_address *address) {
    static const socklen_t lengths[] = {sizeof(struct sockaddr_in6), sizeof(struct sockaddr_in)};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        *address = (green_address){.length = lengths[i]};
        if (getsockopt(socket->fd, SOL_SOCKET, SO_PEERNAME, &address->storage, &address->length) == 0)
            return 0;
    }
    *address = (green_address){0};
    return -ENOTCONN;
}

int green_socket_local_address(const green_socket *socket, green_address *address) {
    return green__address_of(socket->fd, getsockname, address);
}

int green_socket_peer_address(const green_socket *socket, green_address *address) {
    int error = green__address_of(socket->fd, getpeername, address);
    return error == -ENOTCONN ? ask_lost_peer(socket, address) : error;
}
