/* Making and closing listeners. */
#include "../base/descriptor.h"
#include "../core/fork.h"
#include "../hubs/remote_thread.h"
#include "address.h"
#include "listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int listener_make(green_hub *hub, int fd, green_listener **made) {
    green_listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return green__fail(-ENOMEM, "cannot make a listener");
    listener->hub = hub;
    listener->references = 1;
    listener->fd = fd;
    listener->unaccepted_fd = -1;
    green__wait_list_init(&listener->closers);
    hub->sockets++;
    *made = listener;
    return 0;
}

/* accept4() has no flag for a single non-blocking call, and another process may have
 * taken a connection that poll(2) reported. */
static int stop_blocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int green_listener_adopt(green_listener **listener, int fd) {
    int error = 0, listening = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &(socklen_t){sizeof listening}) < 0)
        return green__fail(-errno, "cannot adopt descriptor %d as a listener", fd);
    if (!listening)
        return green__fail(-EINVAL, "cannot adopt descriptor %d as a listener: it does not listen", fd);
    error = stop_blocking(fd);
    if (error < 0)
        return green__fail(error, "cannot make descriptor %d non-blocking", fd);
    return listener_make(hub, fd, listener);
}

static const char *advice(int error, const green_address *on) {
    switch (error) {
    case -EADDRINUSE:
        return "another socket uses this address: stop its owner, or choose another port (port 0: any free one)";
    case -EACCES:
        return on->storage.ss_family == AF_UNIX ? "the directory must be writable"
                                                : "ports below 1024 need CAP_NET_BIND_SERVICE";
    case -EADDRNOTAVAIL:
        return "no interface of this machine has this address";
    case -EMFILE:
        return GREEN_ADVICE_EMFILE;
    default:
        return "";
    }
}

static int set(int fd, int level, int name) {
    return setsockopt(fd, level, name, &(int){1}, sizeof(int)) < 0 ? -errno : 0;
}

static int set_options(int fd, const green_address *on, const green_listen_options *options) {
    int error = 0;
    if (on->storage.ss_family == AF_UNIX)
        return 0;
    if (!options->no_reuse_address)
        error = set(fd, SOL_SOCKET, SO_REUSEADDR);
    if (error == 0 && options->reuse_port)
        error = set(fd, SOL_SOCKET, SO_REUSEPORT);
    if (error == 0 && options->ipv6_only && on->storage.ss_family == AF_INET6)
        error = set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    /* Connections inherit this, which saves a system call for each. */
    return error < 0 ? error : set(fd, IPPROTO_TCP, TCP_NODELAY);
}

static int bind_and_listen(int fd, const green_address *on, int backlog, green_socket_file *file) {
    int error = green__address_bind(fd, on);
    if (error == -EADDRINUSE && green__socket_file_replace(on))
        error = green__address_bind(fd, on);
    if (error < 0)
        return error;
    green__socket_file_record(file, on);
    /* The kernel limits it to net.core.somaxconn. */
    return listen(fd, backlog > 0 ? backlog : INT32_MAX) < 0 ? -errno : 0;
}

int green_listen_address(green_listener **made, const green_address *on, const green_listen_options *options) {
    static const green_listen_options defaults;
    int error = 0;
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    if (!options)
        options = &defaults;
    green_socket_file file = {0};
    green_listener *listener = NULL;
    int fd = green__above_stdio(socket(on->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0) {
        error = -errno;
        goto failed;
    }
    error = set_options(fd, on, options);
    if (error == 0)
        error = bind_and_listen(fd, on, options->backlog, &file);
    if (error == 0)
        error = listener_make(hub, fd, &listener);
    if (error < 0)
        goto failed;
    listener->file = file;
    *made = listener;
    return 0;

failed:
    green__socket_file_remove(&file);
    if (fd >= 0)
        close(fd);
    green_address_print(on, text, sizeof text);
    return green__fail_with_advice(error, advice(error, on), "cannot listen on %s", text);
}

int green_listen(green_listener **listener, const char *on, const green_listen_options *options) {
    green_address address;
    int count = green_resolve(&address, 1, on);
    return count < 0 ? count : green_listen_address(listener, &address, options);
}

green_listener *green_listener_retain(green_listener *listener) {
    listener->references++;
    return listener;
}

void green__listener_set_accept_hook(green_listener *listener, int (*hook)(green_socket *, void *),
                                     void (*forget)(void *), void *context) {
    if (listener->forget)
        listener->forget(listener->context);
    listener->on_accept = hook;
    listener->forget = hook ? forget : NULL;
    listener->context = context;
}

static void listener_free(green_listener *listener) {
    if (listener->forget)
        listener->forget(listener->context);
    green__socket_file_forget(&listener->file);
    free(listener);
}

static void close_unaccepted(green_listener *listener) {
    if (listener->unaccepted_fd >= 0)
        close(listener->unaccepted_fd);
    listener->unaccepted_fd = -1;
}

/* Closes the descriptor of a listener whose hub has ended, or belongs to the process before a
 * fork, which continues to listen. Several OS threads may do this. */
static void close_after_end(green_listener *listener) {
    int fd = __atomic_exchange_n(&listener->fd, -1, __ATOMIC_ACQ_REL);
    if (fd < 0)
        return;
    if (!green__hub_is_abandoned(listener->hub))
        green__socket_file_remove(&listener->file);
    close(fd);
    close_unaccepted(listener);
}

/* The threads that accept and serve hold references, but never run again. */
static void subtract_after_end(green_listener *listener, uint32_t count) {
    uint32_t users = (listener->acceptor != NULL) + (listener->service != NULL);
    if (green__references_subtract(&listener->references, count) != users)
        return;
    close_after_end(listener);
    listener_free(listener);
}

static void foreign_released(green_post *post, int error) {
    green_listener *listener = GREEN_CONTAINER(post, green_listener, foreign_release.post);
    uint32_t count = green__foreign_release_take(&listener->foreign_release);
    if (error < 0)
        subtract_after_end(listener, count);
    else
        while (count-- > 0)
            green_listener_release(listener);
}

static void release_elsewhere(green_listener *listener) {
    uint32_t count = green__foreign_release(listener->hub, &listener->foreign_release, foreign_released);
    if (count > 0)
        subtract_after_end(listener, count);
}

void green_listener_release(green_listener *listener) {
    if (!listener)
        return;
    if (GREEN_UNLIKELY(listener->hub != green__hub)) {
        release_elsewhere(listener);
        return;
    }
    if (listener->references == 1 && !listener->closed)
        green_listener_close(listener);
    if (--listener->references == 0)
        listener_free(listener);
}

static void describe_close(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    strncpy(text, "closing a listener", size);
}

static const green_wait_kind close_wait = {NULL, describe_close};

void green__listener_close_descriptor(green_listener *listener) {
    green__socket_file_remove(&listener->file);
    green__io_close_fd(listener->hub, listener->fd);
    listener->fd = -1;
    listener->hub->sockets--;
    close_unaccepted(listener);
    green__ready_all(&listener->closers);
}

static int close_on_hub(void *listener) {
    return green_listener_close(listener);
}

int green__listener_close_after_end(green_listener *listener) {
    __atomic_store_n(&listener->closed, true, __ATOMIC_RELAXED);
    close_after_end(listener);
    return 0;
}

int green_listener_close(green_listener *listener) {
    green_hub *hub = listener->hub;
    if (GREEN_UNLIKELY(hub != green__hub)) {
        int error = green__hub_call_if_open(hub, close_on_hub, listener);
        return error == -ESRCH ? green__listener_close_after_end(listener) : error;
    }
    if (listener->closed)
        return 0;
    listener->closed = true;
    if (listener->acceptor)
        green__wait_end(listener->acceptor, -EBADF);
    if (listener->service)
        listener->on_close(listener->service);
    if (!listener->acceptor) {
        green__listener_close_descriptor(listener);
        return 0;
    }
    if (hub->current->must_not_block)
        return 0; /* the accepting thread closes it when it returns */
    green__park_in(hub, &listener->closers, &close_wait);
    return 0;
}

int green_listener_fd(const green_listener *listener) {
    return listener->closed ? -EBADF : listener->fd;
}

int green_listener_address(const green_listener *listener, green_address *address) {
    int error = green__address_of(listener->closed ? -1 : listener->fd, getsockname, address);
    return error < 0
               ? green__fail(error, "cannot get the address of a listener%s", listener->closed ? ": it is closed" : "")
               : 0;
}
