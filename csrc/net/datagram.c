#include "../base/descriptor.h"
#include "address.h"
#include "socket.h"

#include <green/datagram.h>

#include <unistd.h>

int green_datagram_open(green_socket **made, const green_address *at) {
    int error = 0;
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    int fd = green__above_stdio(socket(at->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    error = fd < 0 ? -errno : green__address_bind(fd, at);
    if (error == 0)
        error = green__socket_make(hub, fd, made);
    if (error == 0)
        return 0;
    if (fd >= 0)
        close(fd);
    green_address_print(at, text, sizeof text);
    return green__fail(error, "cannot open a datagram socket on %s", text);
}

ssize_t green_receive_from(green_socket *socket, void *bytes, size_t size, green_address *from) {
    green_socket_io call;
    int error = green__socket_begin_sized(socket, &call, GREEN_READING, size);
    if (error < 0)
        return error;
    struct iovec piece = {bytes, size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (from) {
        *from = (green_address){0};
        message.msg_name = &from->storage;
        message.msg_namelen = sizeof from->storage;
    }
    /* MSG_TRUNC makes the result the datagram's size, not the part that fit. */
    ssize_t result = green__socket_run(&call, GREEN_OP_RECEIVE_MSG, &message, 0, MSG_TRUNC);
    if (from)
        from->length = result >= 0 ? message.msg_namelen : 0;
    return green__socket_end(&call, result);
}

ssize_t green_send_to(green_socket *socket, const void *bytes, size_t size, const green_address *to) {
    green_socket_io call;
    int error = green__socket_begin_sized(socket, &call, GREEN_WRITING, size);
    if (error < 0)
        return error;
    struct iovec piece = {(void *)bytes, size};
    struct msghdr message = {
        .msg_name = (void *)&to->storage, .msg_namelen = to->length, .msg_iov = &piece, .msg_iovlen = 1};
    return green__socket_end(&call, green__socket_run(&call, GREEN_OP_SEND_MSG, &message, 0, MSG_NOSIGNAL));
}
