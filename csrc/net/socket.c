/* The life of a socket: make, begin and end calls, close. */
#include "../base/descriptor.h"
#include "../core/fork.h"
#include "../hubs/remote_thread.h"
#include "transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *green__socket_label(const green_socket *socket, char *text, size_t size) {
    char here[GREEN_ADDRESS_TEXT_MAX] = "?", there[GREEN_ADDRESS_TEXT_MAX] = "?";
    green_address address;
    if (green_socket_local_address(socket, &address) == 0)
        green_address_print(&address, here, sizeof here);
    if (green_socket_peer_address(socket, &address) == 0)
        green_address_print(&address, there, sizeof there);
    snprintf(text, size, "socket %d (%s - %s)", socket->fd, here, there);
    return text;
}

int green__socket_make(green_hub *hub, int fd, green_socket **made) {
    green_socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        return green__fail(-ENOMEM, "cannot make a socket");
    socket->hub = hub;
    socket->references = 1;
    socket->fd = fd;
    socket->read_timeout = socket->write_timeout = GREEN_FOREVER;
    green__wait_list_init(&socket->closers);
    hub->sockets++;
    *made = socket;
    return 0;
}

void green__socket_unmake(green_socket *socket) {
    socket->hub->sockets--;
    free(socket);
}

int green_socket_adopt(green_socket **socket, int fd) {
    int error = 0, type;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type}) < 0)
        return green__fail(-errno, "cannot adopt descriptor %d as a socket", fd);
    return green__socket_make(hub, fd, socket);
}

int green_socket_pair(green_socket **first, green_socket **second) {
    int error = 0, fds[2];
    green_hub *hub = green__hub_here(&error);
    green_socket *one = NULL;
    if (!hub)
        return error;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 || green__both_above_stdio(fds) < 0)
        return green__fail(-errno, "cannot make a pair of sockets");
    error = green__socket_make(hub, fds[0], &one);
    if (error == 0)
        error = green__socket_make(hub, fds[1], second);
    if (error < 0)
        goto failed;
    *first = one;
    return 0;

failed:
    if (one)
        green__socket_unmake(one);
    close(fds[0]);
    close(fds[1]);
    return error;
}

green_socket *green_socket_retain(green_socket *socket) {
    socket->references++;
    return socket;
}

/* Closes the descriptor of a socket whose hub has ended. Several OS threads may do this. An
 * operation of a blocked thread may still be in the ring of the hub and hold the connection, so
 * the connection is shut down. A child must not do that to its parent. */
static void close_after_end(green_socket *socket) {
    int fd = __atomic_exchange_n(&socket->fd, -1, __ATOMIC_ACQ_REL);
    if (fd < 0)
        return;
    if ((socket->reader || socket->writer) && !green__hub_is_abandoned(socket->hub))
        shutdown(fd, SHUT_RDWR);
    close(fd);
}

/* It may be a detached socket. */
void green__socket_free(green_socket *socket) {
    green__socket_drop_unread(socket);
    if (socket->transport)
        socket->transport->class->destroy(socket->transport);
    free(socket);
}

/* Its hub has ended, or belongs to the process before a fork. The threads that are blocked in
 * the socket never run again. */
static void subtract_after_end(green_socket *socket, uint32_t count) {
    uint32_t users = (socket->reader != NULL) + (socket->writer != NULL);
    if (green__references_subtract(&socket->references, count) != users)
        return;
    close_after_end(socket);
    green__socket_free(socket);
}

static void foreign_released(green_post *post, int error) {
    green_socket *socket = GREEN_CONTAINER(post, green_socket, foreign_release.post);
    uint32_t count = green__foreign_release_take(&socket->foreign_release);
    if (error < 0)
        subtract_after_end(socket, count);
    else
        while (count-- > 0)
            green_socket_release(socket);
}

static void release_elsewhere(green_socket *socket) {
    uint32_t count = green__foreign_release(socket->hub, &socket->foreign_release, foreign_released);
    if (count > 0)
        subtract_after_end(socket, count);
}

void green_socket_release(green_socket *socket) {
    if (!socket)
        return;
    if (GREEN_UNLIKELY(socket->hub != green__hub)) {
        release_elsewhere(socket);
        return;
    }
    /* Threads blocked in it hold references too, but do not own it. */
    uint32_t users = (socket->reader != NULL) + (socket->writer != NULL);
    if (socket->references == 1 + users && !socket->closed)
        green_close(socket);
    if (--socket->references == 0)
        green__socket_free(socket);
}

/* If the hub has ended, so has its engine. */
void green__unread_free(green_socket *socket, green_unread *unread) {
    if (unread->provided.bytes && socket->hub == green__hub)
        socket->hub->engine->class->release_buffer(socket->hub->engine, &unread->provided);
    free(unread->chunk);
    *unread = (green_unread){0};
}

int green__unread_keep(green_socket *socket, green_unread *unread) {
    size_t count = unread->count;
    if (!unread->provided.bytes)
        return 0;
    if (count == 0) {
        green__unread_free(socket, unread);
        return 0;
    }
    char *chunk = malloc(count);
    if (!chunk)
        return -ENOMEM;
    memcpy(chunk, unread->bytes, count);
    green__unread_free(socket, unread);
    *unread = (green_unread){.bytes = chunk, .count = count, .chunk = chunk, .capacity = count};
    return 0;
}

void green__socket_drop_unread(green_socket *socket) {
    green__unread_free(socket, &socket->unread);
}

/* The descriptor is closed only when the last operation on it has ended. Otherwise its
 * number could be reused while an operation still refers to it. */
static void close_descriptor(green_socket *socket) {
    green__io_close_fd(socket->hub, socket->fd);
    socket->fd = -1;
    socket->hub->sockets--;
    if (!socket->borrowed)
        green__socket_drop_unread(socket);
    green__ready_all(&socket->closers);
}

static void describe_close(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "closing a socket that other threads use");
}

/* Has no cancel, because the socket is closed even if the thread is interrupted. */
static const green_wait_kind close_wait = {NULL, describe_close};

static int close_on_hub(void *socket) {
    return green_close(socket);
}

static int close_elsewhere(green_socket *socket) {
    int error = green__hub_call_if_open(socket->hub, close_on_hub, socket);
    if (error != -ESRCH)
        return error;
    __atomic_store_n(&socket->closed, true, __ATOMIC_RELAXED);
    close_after_end(socket);
    return 0;
}

int green_close(green_socket *socket) {
    if (GREEN_UNLIKELY(socket->hub != green__hub))
        return close_elsewhere(socket);
    if (socket->closed)
        return 0;
    green_hub *hub = socket->hub;
    if (socket->transport)
        socket->transport->class->close(socket->transport);
    socket->closed = true;
    if (!socket->reader && !socket->writer) {
        close_descriptor(socket);
        return 0;
    }
    if (socket->reader)
        green__wait_end(socket->reader, -EBADF);
    if (socket->writer)
        green__wait_end(socket->writer, -EBADF);
    if (hub->current->must_not_block)
        return 0; /* the last call to end closes the descriptor */
    green__park_in(hub, &socket->closers, &close_wait);
    return 0;
}

static int shut_down(green_socket *socket, int how) {
    char label[GREEN_SOCKET_LABEL_MAX];
    if (shutdown(socket->fd, how) == 0)
        return 0;
    int error = green__socket_set_failed(socket, how == SHUT_RD ? GREEN_READING : GREEN_WRITING, -errno);
    return green__fail(error, "cannot shut down %s", green__socket_label(socket, label, sizeof label));
}

/* Shuts down the transport, then the descriptor. Both happen within one call, since other
 * threads may release the socket meanwhile. */
static int shut_down_transport(green_socket *socket, int how) {
    green_socket_io call;
    int error = green__socket_begin(socket, &call, GREEN_WRITING);
    if (error < 0)
        return error;
    error = socket->transport->class->shutdown(&call);
    if (error == 0 && (error = shut_down(socket, how)) < 0)
        call.explained = true;
    return (int)green__socket_end(&call, error);
}

int green_shutdown(green_socket *socket, int how) {
    if (socket->hub != green__hub)
        return green__fail(-EXDEV, "cannot shut down the socket: it %s", green__foreign_hub_reason(socket->hub));
    if (socket->closed)
        return green__fail(-EBADF, "cannot shut down the socket: it is closed");
    return socket->transport && how != SHUT_RD ? shut_down_transport(socket, how) : shut_down(socket, how);
}

/* Excludes interrupts, lack of resources and programming errors. */
static bool is_connection_error(int error) {
    switch (error) {
    case -ENOMEM:
    case -ENOBUFS:
    case -EDEADLK:
    case -EINVAL:
    case -EFAULT:
        return false;
    default:
        return error < 0 && !green__is_explained(error);
    }
}

int green__socket_set_failed(green_socket *socket, green_socket_direction direction, int error) {
    if (is_connection_error(error))
        socket->failed[direction] = error;
    return error;
}

bool green_socket_failed_with(const green_socket *socket, int error) {
    return error < 0 && (socket->failed[GREEN_READING] == error || socket->failed[GREEN_WRITING] == error);
}

static const char *const verbs[] = {"read from", "write to"};

static void describe_io(const green_wait *wait, char *text, size_t size) {
    const green_socket_io *call = GREEN_CONTAINER(wait, const green_socket_io, io.wait);
    char label[GREEN_SOCKET_LABEL_MAX];
    snprintf(text, size, "%s %s", call->direction == GREEN_READING ? "reading from" : "writing to",
             green__socket_label(call->socket, label, sizeof label));
}

const green_wait_kind green__socket_wait_kind = {green__io_cancel, describe_io};

static int fail_busy(const green_socket *socket, const green_wait *user, green_socket_direction direction) {
    char label[GREEN_SOCKET_LABEL_MAX], first[GREEN_LABEL_MAX], second[GREEN_LABEL_MAX];
    return green__fail(-EBUSY, "%s cannot %s %s: %s already does",
                       green__thread_label(socket->hub->current, second, sizeof second), verbs[direction],
                       green__socket_label(socket, label, sizeof label),
                       green__thread_label(user->thread, first, sizeof first));
}

static inline green_wait **user_of(green_socket *socket, green_socket_direction direction) {
    return direction == GREEN_READING ? &socket->reader : &socket->writer;
}

int green__socket_check(green_socket *socket, green_socket_direction direction) {
    green_hub *hub = socket->hub;
    if (GREEN_UNLIKELY(hub != green__hub))
        return green__fail(-EXDEV, "cannot %s the socket: it %s", verbs[direction], green__foreign_hub_reason(hub));
    if (GREEN_UNLIKELY(socket->closed)) {
        green__socket_set_failed(socket, direction, -EBADF);
        return green__fail(-EBADF, "cannot %s the socket: it is closed", verbs[direction]);
    }
    if (GREEN_UNLIKELY(socket->bytes_lost && direction == GREEN_READING))
        return green__fail(-ENOMEM,
                           "cannot read from the socket: there was no memory to keep the bytes of an interrupted read; "
                           "close the socket");
    green_wait *user = *user_of(socket, direction);
    return GREEN_LIKELY(!user) ? 0 : fail_busy(socket, user, direction);
}

int green__socket_begin(green_socket *socket, green_socket_io *call, green_socket_direction direction) {
    int64_t timeout = direction == GREEN_READING ? socket->read_timeout : socket->write_timeout;
    int error = green__socket_check(socket, direction);
    if (GREEN_UNLIKELY(error < 0) || GREEN_UNLIKELY((error = green__begin(socket->hub, timeout)) < 0))
        return error;
    *user_of(socket, direction) = &call->io.wait;
    call->socket = socket;
    call->direction = direction;
    call->explained = false;
    call->yields = false;
    call->timeout = timeout;
    call->deadline = green__deadline_after(timeout);
    socket->references++;
    return 0;
}

int green__socket_continue(green_socket_io *call) {
    return call->socket->closed ? -EBADF : green__begin(call->socket->hub, call->deadline);
}

/* The operation may fail with EINTR again before the hub looks at its timers. */
int green__socket_retry(green_socket_io *call) {
    return green__time_left(call->deadline) == 0 ? -ETIMEDOUT : green__socket_continue(call);
}

/* The timeout of the call has expired, or TCP has given up, as after unanswered
 * retransmissions. */
static void explain_timeout(const green_socket_io *call, const char *label) {
    const char *verb = verbs[call->direction];
    if (green__time_left(call->deadline) != 0)
        green__fail_with_advice(-ETIMEDOUT, "the peer does not answer", "cannot %s %s", verb, label);
    else
        green__fail_timed_out(call->timeout, "cannot %s %s: %s", verb, label,
                              call->direction == GREEN_READING ? "the data did not arrive"
                                                               : "the peer did not take the data");
}

/* Interrupts were explained when they were delivered. */
static void explain(const green_socket_io *call, ssize_t error) {
    char label[GREEN_SOCKET_LABEL_MAX];
    if (call->explained || green__is_explained((int)error))
        return;
    green__socket_label(call->socket, label, sizeof label);
    if (call->socket->closed)
        green__fail((int)error, "cannot %s the socket: it was closed", verbs[call->direction]);
    else if (error == -ETIMEDOUT)
        explain_timeout(call, label);
    else
        green__fail((int)error, "cannot %s %s", verbs[call->direction], label);
}

void green__socket_enter(green_socket *socket, green_socket_direction direction, green_wait *wait) {
    *user_of(socket, direction) = wait;
    socket->references++;
}

void green__socket_leave(green_socket *socket, green_socket_direction direction) {
    *user_of(socket, direction) = NULL;
    if (GREEN_UNLIKELY(socket->closed && socket->fd >= 0 && !socket->reader && !socket->writer))
        close_descriptor(socket);
    green_socket_release(socket);
}

ssize_t green__socket_end(green_socket_io *call, ssize_t result) {
    green_socket *socket = call->socket;
    socket->failed[call->direction] = 0;
    if (GREEN_UNLIKELY(result < 0)) {
        explain(call, result);
        green__socket_set_failed(socket, call->direction, (int)result);
    }
    green__socket_leave(socket, call->direction);
    if (GREEN_UNLIKELY(call->yields && result >= 0))
        green__yield(green__hub);
    return result;
}
