/* The readiness of a socket as a case of a select. */
#include "../sync/descriptor_case.h"
#include "transport.h"

#include <poll.h>
#include <stdio.h>

static green_socket_direction direction_of(const green_case *c) {
    return c->argument == POLLIN ? GREEN_READING : GREEN_WRITING;
}

static bool has_unread(const green_socket *socket) {
    return socket->unread.count > 0 || (socket->transport && socket->transport->class->has_unread(socket->transport));
}

static bool attempt(green_case *c, green_hub *hub) {
    (void)hub;
    green_socket *socket = c->object;
    c->error = green__socket_check(socket, direction_of(c));
    return c->error < 0 || (c->argument == POLLIN && has_unread(socket)) ||
           green__descriptor_case_poll(socket->fd, (int)c->argument) != 0;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_case *c = GREEN_CONTAINER(wait, const green_case_wait, wait)->of;
    char label[GREEN_SOCKET_LABEL_MAX];
    snprintf(text, size, "%s %s", direction_of(c) == GREEN_READING ? "reading from" : "writing to",
             green__socket_label(c->object, label, sizeof label));
}

/* Called by a close. */
static void cancel(green_wait *wait) {
    green__select_serve(wait, -EBADF);
}

static const green_wait_kind waiting = {cancel, describe};

static void enter(green_case_wait *wait, green_hub *hub) {
    (void)hub;
    green_socket *socket = wait->of->object;
    green__socket_enter(socket, direction_of(wait->of), &wait->wait);
    green__descriptor_case_enter(wait, &waiting, socket->fd, (int)wait->of->argument);
}

static void end(green_case_wait *wait) {
    green__socket_leave(wait->of->object, direction_of(wait->of));
}

static void finish(green_case_wait *wait) {
    int error = wait->wait.cause;
    wait->of->error = error < 0 ? green__fail(error, "cannot wait for a socket: it was closed") : 0;
}

static const green_case_kind socket_case = {
    .attempt = attempt, .enter = enter, .leave = green__descriptor_case_leave, .end = end, .finish = finish};

green_case green_case_readable(green_socket *socket) {
    return (green_case){.kind = socket ? &socket_case : NULL, .object = socket, .argument = POLLIN};
}

green_case green_case_writable(green_socket *socket) {
    return (green_case){.kind = socket ? &socket_case : NULL, .object = socket, .argument = POLLOUT};
}
