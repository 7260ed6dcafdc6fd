/* Accepting: one operation of the engine brings connection after connection. */
#include "listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Connections that nobody asks for stay in the kernel's queue beyond these. */
enum { WAITING_MAX = 64, CAPACITY_MIN = 64 };

static int reserve(green_listener *listener) {
    if (listener->count < listener->capacity)
        return 0;
    size_t capacity = listener->capacity ? listener->capacity * 2 : CAPACITY_MIN;
    int *accepted = malloc(capacity * sizeof *accepted);
    if (!accepted)
        return -ENOMEM;
    for (size_t i = 0; i < listener->count; i++)
        accepted[i] = listener->accepted[(listener->first + i) % listener->capacity];
    free(listener->accepted);
    listener->accepted = accepted;
    listener->capacity = capacity;
    listener->first = 0;
    return 0;
}

static int push(green_listener *listener, int fd) {
    if (reserve(listener) < 0)
        return -ENOMEM;
    listener->accepted[(listener->first + listener->count++) % listener->capacity] = fd;
    return 0;
}

/* For a later call, in front of the others: it has just been taken. */
static void unpop(green_listener *listener, int fd) {
    listener->first = (listener->first + listener->capacity - 1) % listener->capacity;
    listener->accepted[listener->first] = fd;
    listener->count++;
}

static int pop(green_listener *listener) {
    int fd = listener->accepted[listener->first];
    listener->first = (listener->first + 1) % listener->capacity;
    listener->count--;
    return fd;
}

void green__accept_pause(green_listener *listener) {
    if (listener->armed)
        listener->hub->engine->class->cancel(listener->hub->engine, &listener->op);
}

/* It stays the acceptor until its call goes on, so that no other takes its place. */
static bool is_awaited(const green_listener *listener) {
    return listener->acceptor && listener->acceptor->thread->state == GREEN_PARKED;
}

static void on_connection(green_op *op, int32_t result, bool more) {
    green_listener *listener = GREEN_CONTAINER(op, green_listener, op);
    if (result >= 0 && (listener->closed || push(listener, result) < 0)) {
        close(result);
        result = listener->closed ? -EBADF : -ENOMEM;
    }
    if (result < 0 && result != -ECANCELED)
        listener->error = result;
    if (is_awaited(listener) && (listener->count > 0 || listener->error < 0 || !more)) {
        green__ready(listener->acceptor->thread);
    } else if (more && listener->count >= WAITING_MAX) {
        green__accept_pause(listener);
    }
    if (more)
        return;
    listener->armed = false;
    if (listener->closed && listener->fd >= 0)
        green__listener_close_descriptor(listener);
    green_listener_release(listener);
}

static void arm(green_listener *listener) {
    listener->armed = true;
    listener->references++;
    listener->op = (green_op){
        .complete = on_connection,
        .kind = listener->single ? GREEN_OP_ACCEPT_ONE : GREEN_OP_ACCEPT,
        .fd = listener->fd,
    };
    listener->hub->engine->class->submit(listener->hub->engine, &listener->op);
}

struct acceptance {
    green_wait wait;
    green_listener *listener;
};

/* The operation goes on: a connection that comes meanwhile is kept. */
static void stop_waiting(green_wait *wait) {
    green__ready(wait->thread);
}

static void describe(const green_wait *wait, char *text, size_t size) {
    char address_text[GREEN_ADDRESS_TEXT_MAX] = "?";
    green_address address;
    if (green_listener_address(GREEN_CONTAINER(wait, const struct acceptance, wait)->listener, &address) == 0)
        green_address_print(&address, address_text, sizeof address_text);
    snprintf(text, size, "accepting on %s", address_text);
}

static const green_wait_kind accepting = {stop_waiting, describe};

/* Errors of one connection that died in the queue, and of links that were down
 * for a moment: accept(2) says to try again. */
static bool is_passing(int error) {
    switch (error) {
    case -ECONNABORTED:
    case -EINTR:
    case -EAGAIN:
    case -EPROTO:
    case -ENETDOWN:
    case -ENOPROTOOPT:
    case -EHOSTDOWN:
    case -ENONET:
    case -EHOSTUNREACH:
    case -EOPNOTSUPP:
    case -ENETUNREACH:
    case -EPERM:
        return true;
    default:
        return false;
    }
}

static int take_error(green_listener *listener) {
    int error = listener->error;
    listener->error = 0;
    return error;
}

static int wait_for_connection(green_hub *hub, green_listener *listener) {
    struct acceptance acceptance = {.listener = listener};
    /* Before anything comes, so that what comes has a place. */
    if (reserve(listener) < 0)
        return green__fail(-ENOMEM, "accept: no memory for connections");
    if (!listener->armed)
        arm(listener);
    else if (listener->single && listener->op.kind == GREEN_OP_ACCEPT)
        green__accept_pause(listener);
    green__wait_init(hub, &acceptance.wait, &accepting);
    listener->acceptor = &acceptance.wait;
    hub->awaited++;
    int error = green__wait(hub, &acceptance.wait, GREEN_FOREVER);
    hub->awaited--;
    listener->acceptor = NULL;
    return error;
}

static int refuse(const green_listener *listener) {
    char first[GREEN_LABEL_MAX], second[GREEN_LABEL_MAX];
    return green__fail(-EBUSY, "accept: %s is accepting there already, so %s cannot too",
                       green__label(listener->acceptor->thread, first, sizeof first),
                       green__label(listener->hub->current, second, sizeof second));
}

/* A descriptor, or -errno. */
static int next_connection(green_hub *hub, green_listener *listener) {
    for (;;) {
        int error = green__begin(hub, GREEN_FOREVER);
        if (error < 0)
            return error;
        if (listener->closed)
            return green__fail(-EBADF, "accept: the listener is closed");
        if (listener->count > 0)
            return pop(listener);
        error = take_error(listener);
        if (error < 0 && !is_passing(error))
            return green__fail(
                error, "accept%s",
                error == -EMFILE || error == -ENFILE ? " (no descriptor is free: raise the limit, ulimit -n)" : "");
        error = wait_for_connection(hub, listener);
        if (error == -EBADF)
            return green__fail(error, "accept: the listener was closed meanwhile");
        if (error < 0)
            return error;
    }
}

void green__listener_set_accepted(green_listener *listener, int (*hook)(green_socket *, void *), void (*forget)(void *),
                                  void *context) {
    if (listener->forget)
        listener->forget(listener->context);
    listener->on_accept = hook;
    listener->forget = hook ? forget : NULL;
    listener->context = context;
}

/* A socket of an accepted descriptor, with what the listener puts on it. */
static int make_socket(green_listener *listener, int fd, green_socket **made) {
    green_socket *socket = NULL;
    int error = green__socket_make(listener->hub, fd, &socket);
    if (error == 0 && listener->on_accept && (error = listener->on_accept(socket, listener->context)) < 0)
        green__socket_unmake(socket);
    if (error == 0)
        *made = socket;
    return error;
}

int green_accept(green_listener *listener, green_socket **socket) {
    green_hub *hub = listener->hub;
    if (hub != green__hub)
        return green__fail(-EXDEV, "accept: the listener %s", green__whose(hub));
    if (listener->acceptor)
        return refuse(listener);
    green_listener_retain(listener);
    int fd = next_connection(hub, listener), error = fd;
    if (fd >= 0)
        error = make_socket(listener, fd, socket);
    /* Without memory for it the connection is kept, as one without a descriptor is by the kernel. */
    if (fd >= 0 && error == -ENOMEM)
        unpop(listener, fd);
    else if (fd >= 0 && error < 0)
        close(fd);
    green_listener_release(listener);
    return error < 0 ? error : 0;
}
