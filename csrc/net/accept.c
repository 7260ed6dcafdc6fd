/* Accepting. A connection stays in the kernel's queue until a call accepts it.
 *
 * If this process closes its listener or ends, other processes that share the listener
 * can still accept the connection. */
#include "accept.h"
#include "../base/descriptor.h"
#include "../core/fork.h"

#include <stdio.h>
#include <unistd.h>

/* Number of connections that a thread accepts before it lets other threads run. */
enum { BURST_MAX = 16 };

struct acceptance {
    green_io io;
    const green_listener *listener;
};

static void describe(const green_wait *wait, char *text, size_t size) {
    char address_text[GREEN_ADDRESS_TEXT_MAX] = "?";
    green_address address;
    if (green_listener_address(GREEN_CONTAINER(wait, const struct acceptance, io.wait)->listener, &address) == 0)
        green_address_print(&address, address_text, sizeof address_text);
    snprintf(text, size, "accepting on %s", address_text);
}

static const green_wait_kind accepting = {green__io_cancel, describe};

/* Errors of a single connection that failed in the queue, and network errors that accept(2)
 * says to retry. */
static bool is_transient(int error) {
    switch (error) {
    case -ECONNABORTED:
    case -EINTR:
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

static int fail_busy(const green_listener *listener) {
    char first[GREEN_LABEL_MAX], second[GREEN_LABEL_MAX];
    return green__fail(-EBUSY, "%s cannot accept: %s already accepts on this listener",
                       green__thread_label(listener->hub->current, second, sizeof second),
                       green__thread_label(listener->acceptor->thread, first, sizeof first));
}

static const char *advice(int error) {
    return error == -EMFILE || error == -ENFILE ? GREEN_ADVICE_EMFILE : "";
}

/* Runs one accept. Returns a descriptor or -errno, and whether the accept was cancelled. */
static int32_t run_accept(green_hub *hub, green_listener *listener, bool *cancelled) {
    struct acceptance acceptance = {.listener = listener};
    green__io_init(hub, &acceptance.io, &accepting, GREEN_OP_ACCEPT, listener->fd);
    listener->acceptor = &acceptance.io.wait;
    if (++listener->accepts % BURST_MAX != 0)
        hub->current->completed_inline = false;
    int32_t result = green__io_run(hub, &acceptance.io, GREEN_FOREVER);
    listener->acceptor = NULL;
    *cancelled = acceptance.io.wait.cancelled;
    if (listener->closed && listener->fd >= 0)
        green__listener_close_descriptor(listener);
    return result;
}

static int take_unaccepted(green_listener *listener) {
    int fd = listener->unaccepted_fd;
    listener->unaccepted_fd = -1;
    return fd;
}

/* Returns a descriptor, or -errno, explained. */
static int next_connection(green_hub *hub, green_listener *listener) {
    for (;;) {
        int error = green__begin(hub, GREEN_FOREVER);
        if (error < 0)
            return error;
        if (listener->closed)
            return green__fail(-EBADF, "cannot accept: the listener is closed");
        if (listener->unaccepted_fd >= 0)
            return take_unaccepted(listener);
        bool cancelled;
        int32_t result = run_accept(hub, listener, &cancelled);
        if (result >= 0 || green__is_explained(result))
            return result;
        if (listener->closed)
            return green__fail(-EBADF, "cannot accept: the listener was closed");
        if (cancelled)
            return result;
        if (!is_transient(result))
            return green__fail_with_advice(result, advice(result), "cannot accept");
    }
}

/* Makes a socket from an accepted descriptor and calls the hook. */
static int make_socket(green_listener *listener, int fd, green_socket **made) {
    green_socket *socket = NULL;
    int error = green__socket_make(listener->hub, fd, &socket);
    if (error == 0 && listener->on_accept && (error = listener->on_accept(socket, listener->context)) < 0)
        green__socket_unmake(socket);
    if (error == 0)
        *made = socket;
    return error;
}

/* Makes a socket. If there is no memory for it, the descriptor stays in the listener for a
 * later call, as a connection stays in the kernel's queue if no descriptor is left. */
static int make_or_postpone(green_listener *listener, int fd, green_socket **made) {
    int error = make_socket(listener, fd, made);
    if (error == -ENOMEM && !listener->closed)
        listener->unaccepted_fd = fd;
    else if (error < 0)
        close(fd);
    return error;
}

int green_accept(green_listener *listener, green_socket **socket) {
    green_hub *hub = listener->hub;
    if (hub != green__hub)
        return green__fail(-EXDEV, "cannot accept: the listener %s", green__foreign_hub_reason(hub));
    if (listener->acceptor)
        return fail_busy(listener);
    green_listener_retain(listener);
    int fd = next_connection(hub, listener);
    int error = fd < 0 ? fd : make_or_postpone(listener, fd, socket);
    green_listener_release(listener);
    return error;
}

int green__listener_accept_now(green_listener *listener, green_socket **socket) {
    int fd;
    if (listener->unaccepted_fd >= 0)
        return make_or_postpone(listener, take_unaccepted(listener), socket);
    do
        fd = green__above_stdio(accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC));
    while (fd < 0 && is_transient(-errno));
    return fd < 0 ? -errno : make_or_postpone(listener, fd, socket);
}
