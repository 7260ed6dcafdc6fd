/* Servers: accept connections, and start a green thread for each. */
#include "../core/fork.h"
#include "accept.h"

#include <green/serve.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    CONCURRENCY_DEFAULT = 1000,
    /* The maximum number of clients that a stop accepts at once. It exceeds the usual size
     * of the kernel's queue, and bounds the stop if new clients keep connecting. */
    TAKEN_MAX = 65536,
};

/* How long to wait before the next attempt if no descriptor or memory is available, unless a
 * handler ends earlier. */
static const int64_t PAUSE_MIN = INT64_C(10) * 1000 * 1000;
static const int64_t PAUSE_MAX = INT64_C(1000) * 1000 * 1000;

/* Owned by the serving thread and by each handler, since handlers may outlive
 * green_serve(). */
typedef struct green_service {
    uint32_t references;
    green_hub *hub;
    green_listener *listener;
    green_serve_options options;
    green_handler *handler;
    void *context;
    size_t running;
    green_socket *clients;                 /* with a running handler */
    green_socket *waiting, **last_waiting; /* clients that a stop has accepted, linked by next */

    bool ended; /* a handler ended green_serve(), which returns outcome */
    int outcome;
    unsigned stops;            /* green_listener_stop() calls in progress */
    size_t stoppers;           /* handlers that called green_listener_stop() */
    green_thread *thread;      /* in green_serve(), or NULL */
    green_interrupt interrupt; /* ends its accept */
    green_wait_list changes;   /* threads that wait for a handler or a stop to end */
} green_service;

static void server_release(green_service *server) {
    if (--server->references > 0)
        return;
    if (server->options.discard)
        server->options.discard(server->context);
    free(server);
}

struct change {
    green_wait wait;
    const green_service *server;
};

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_service *server = GREEN_CONTAINER(wait, const struct change, wait)->server;
    snprintf(text, size, "serving: waiting for one of %zu handlers to end", server->running);
}

static const green_wait_kind awaiting_change = {green__wait_leave_list, describe};

/* Waits until a handler or a stop ends. */
static int await_change(green_service *server, int64_t timeout) {
    int error = green__begin(server->hub, timeout);
    if (error < 0)
        return error;
    struct change change = {.server = server};
    green__wait_init(server->hub, &change.wait, &awaiting_change);
    green__wait_list_append(&server->changes, &change.wait);
    return green__wait(server->hub, &change.wait, timeout);
}

static void announce_change(green_service *server) {
    green__ready_all(&server->changes);
}

static void add_client(green_service *server, green_socket *client) {
    client->server = server;
    client->previous = NULL;
    client->next = server->clients;
    if (server->clients)
        server->clients->previous = client;
    server->clients = client;
    server->references++;
    server->running++;
}

/* Called when a handler has ended, or could not start. */
static void remove_client(green_service *server, green_socket *client) {
    if (client->previous)
        client->previous->next = client->next;
    else
        server->clients = client->next;
    if (client->next)
        client->next->previous = client->previous;
    client->server = NULL;
    client->handler = NULL;
    green_socket_release(client);
    server->running--;
    announce_change(server);
    server_release(server);
}

/* Called when a handler returned GREEN_STOP_SERVE, or failed without on_error. */
static void end_serving(green_service *server, int outcome) {
    char label[GREEN_LABEL_MAX];
    if (outcome < 0 && (server->ended || !server->thread))
        green__report("%s, a handler that outlived green_serve(), failed: %s",
                      green__thread_label(server->hub->current, label, sizeof label), green_explain(outcome));
    if (server->ended)
        return;
    server->ended = true;
    server->outcome = outcome;
    /* Delivered before other interrupts: a kill or a timeout at the same time is left for
     * the next call. */
    if (server->thread)
        green__interrupt_first(server->thread, &server->interrupt);
}

/* A client can break its own connection at any time, so its error ends only the
 * connection. */
static void report_client(const green_socket *client, int error) {
    char label[GREEN_LABEL_MAX], text[GREEN_ADDRESS_TEXT_MAX] = "a client";
    green_address address;
    if (green_socket_peer_address(client, &address) == 0)
        green_address_print(&address, text, sizeof text);
    green__report_nonblocking("%s, serving %s: %s", green__thread_label(green__hub->current, label, sizeof label), text,
                              green_explain(error));
}

static void take_result(green_service *server, const green_socket *client, int result) {
    if (result == GREEN_STOP_SERVE)
        end_serving(server, 0);
    else if (result >= 0 || result == -ECANCELED)
        return;
    else if (server->options.on_error)
        server->options.on_error(result, server->context);
    else if (green_socket_failed_with(client, result))
        report_client(client, result);
    else
        end_serving(server, result);
}

static int handle(void *argument) {
    green_socket *client = argument;
    green_service *server = client->server;
    client->handler = server->hub->current;
    take_result(server, client, server->handler(client, server->context));
    remove_client(server, client);
    return 0;
}

static void never_handled(void *argument) {
    green_socket *client = argument;
    remove_client(client->server, client);
}

static int start_handler(green_service *server, green_socket *client) {
    green_spawn_options options = {.stack_size = server->options.stack_size, .discard = never_handled};
    add_client(server, client);
    green_thread *thread;
    int error = green_spawn_with(&thread, &options, handle, client);
    if (error == 0) {
        client->handler = thread; /* the thread exists until remove_client() */
        green_thread_release(thread);
        return 0;
    }
    green_socket_retain(client); /* still owned by the caller */
    remove_client(server, client);
    return error;
}

/* ENOSPC comes from epoll: fs.epoll.max_user_watches. */
static bool is_shortage(int error) {
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS || error == -ENOSPC;
}

static green_socket *take_waiting(green_service *server) {
    green_socket *client = server->waiting;
    if (client && !(server->waiting = client->next))
        server->last_waiting = &server->waiting;
    return client;
}

/* Closes the clients whose handler has not started, and returns their number. */
static int drop_waiting(green_service *server) {
    int count = 0;
    for (green_socket *client; (client = take_waiting(server)); count++)
        green_socket_release(client);
    return count;
}

/* A handler that waits in green_listener_stop() does not count towards the limit. */
static bool has_room(const green_service *server) {
    return server->running - server->stoppers < server->options.concurrency;
}

/* Takes a waiting client, or accepts one, and starts its handler. */
static int serve_one(green_service *server) {
    green_socket *client = take_waiting(server);
    int error = client ? 0 : green_accept(server->listener, &client);
    if (error < 0)
        return error == -EBADF && server->waiting ? 0 : error;
    for (int64_t pause = PAUSE_MIN; (error = start_handler(server, client)) == -ENOMEM; pause *= 2) {
        error = await_change(server, pause < PAUSE_MAX ? pause : PAUSE_MAX);
        if (error < 0 && error != -ETIMEDOUT)
            break;
    }
    if (error < 0)
        green_socket_release(client);
    return error;
}

static int serve_until_stopped(green_service *server) {
    int64_t pause = PAUSE_MIN;
    int error = 0;
    while (error == 0 && !server->ended) {
        if (!has_room(server) && (!server->listener->closed || server->waiting)) {
            error = await_change(server, GREEN_FOREVER);
            continue;
        }
        error = serve_one(server);
        if (is_shortage(error)) {
            error = await_change(server, pause);
            error = error == -ETIMEDOUT ? 0 : error;
            pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
        } else {
            pause = PAUSE_MIN;
        }
    }
    if (server->ended)
        return server->outcome;
    if (error == -EBADF && server->listener->closed) {
        error = 0;
        while (error == 0 && server->stops > 0) {
            error = await_change(server, GREEN_FOREVER);
            if (error == server->interrupt.error)
                error = 0; /* a handler ended green_serve() during the stop */
        }
    }
    return error == 0 && server->ended ? server->outcome : error;
}

static int server_make(green_listener *listener, const green_serve_options *options, green_handler *handler,
                       void *context, green_service **made) {
    green_hub *hub = listener->hub;
    if (hub != green__hub)
        return green__fail(-EXDEV, "cannot serve: the listener %s", green__foreign_hub_reason(hub));
    if (listener->server && listener->server->thread)
        return green__fail(-EBUSY, "cannot serve: another green thread already serves this listener");
    green_service *server = calloc(1, sizeof *server);
    if (!server)
        return green__fail(-ENOMEM, "cannot serve");
    server->references = 1;
    server->hub = hub;
    server->listener = listener;
    if (options)
        server->options = *options;
    if (server->options.concurrency == 0)
        server->options.concurrency = CONCURRENCY_DEFAULT;
    server->handler = handler;
    server->context = context;
    server->thread = hub->current;
    server->interrupt.error = -ESHUTDOWN;
    server->last_waiting = &server->waiting;
    green__wait_list_init(&server->changes);
    *made = server;
    return 0;
}

int green_serve(green_listener *listener, const green_serve_options *options, green_handler *handler, void *context) {
    green_service *server = NULL;
    int error = server_make(listener, options, handler, context, &server);
    if (error < 0) {
        if (options && options->discard)
            options->discard(context);
        return error;
    }
    green_listener_retain(listener);
    listener->server = server;
    listener->on_close = announce_change;
    error = serve_until_stopped(server);
    green__interrupt_withdraw(server->thread, &server->interrupt);
    server->thread = NULL;
    if (drop_waiting(server) > 0)
        announce_change(server); /* a stop may wait for these */
    if (listener->server == server)
        listener->server = NULL;
    green_listener_release(listener);
    server_release(server);
    return error;
}

static bool is_handler(const green_service *server, const green_thread *thread) {
    for (const green_socket *client = server->clients; client; client = client->next)
        if (client->handler == thread)
            return true;
    return false;
}

/* Whether handlers other than the caller run or have yet to start. */
static bool has_others(const green_service *server) {
    return server->waiting || server->running > is_handler(server, server->hub->current);
}

/* Accepts the clients in the kernel's queue. */
static int take_clients(green_service *server) {
    green_socket *client;
    int error = 0;
    for (unsigned count = 0; count < TAKEN_MAX; count++) {
        if ((error = green__listener_accept_now(server->listener, &client)) < 0)
            break;
        client->next = NULL;
        *server->last_waiting = client;
        server->last_waiting = &client->next;
    }
    announce_change(server);
    return error;
}

/* Accepts the clients that have connected. If descriptors or memory run out, it waits
 * for handlers to end. */
static int take_over(green_service *server, int64_t deadline) {
    while (!server->listener->closed && server->thread && is_shortage(take_clients(server)) && has_others(server)) {
        int64_t left = green__time_left(deadline);
        if (left == 0)
            return 0;
        int error = await_change(server, left > 0 && left < PAUSE_MIN ? left : PAUSE_MIN);
        if (error < 0 && error != -ETIMEDOUT)
            return error;
    }
    return 0;
}

static int drain(green_service *server, int64_t deadline) {
    while (has_others(server)) {
        int64_t left = green__time_left(deadline);
        if (left == 0)
            return 0;
        int error = await_change(server, left);
        if (error < 0 && error != -ETIMEDOUT)
            return error;
    }
    return 0;
}

static int kill_others(green_service *server) {
    int killed = drop_waiting(server);
    for (green_socket *client = server->clients; client; client = client->next)
        if (client->handler != server->hub->current) {
            green_thread_kill(client->handler);
            killed++;
        }
    announce_change(server);
    return killed;
}

/* Returns the number of killed handlers, or the error that ended the wait for them. */
static int close_and_drain(green_service *server, int64_t limit) {
    int64_t deadline = green__deadline_after(limit);
    int error = limit == 0 ? 0 : take_over(server, deadline);
    int closed = green_listener_close(server->listener), killed = 0;
    if (error == 0)
        error = closed;
    if (error == 0)
        error = green__check_interrupt(server->hub);
    if (error == 0)
        error = drain(server, deadline);
    if (error == 0 && has_others(server)) {
        killed = kill_others(server);
        error = drain(server, GREEN_FOREVER);
    }
    return error < 0 ? error : killed;
}

int green_listener_stop(green_listener *listener, int64_t limit) {
    green_service *server = listener->server;
    if (listener->hub != green__hub)
        return green_listener_close(listener);
    if (!server) {
        int error = green_listener_close(listener);
        return error < 0 ? error : green__check_interrupt(listener->hub);
    }
    bool inside = is_handler(server, server->hub->current);
    green_listener_retain(listener);
    server->references++;
    server->stops++;
    server->stoppers += inside;
    int result = close_and_drain(server, limit);
    server->stoppers -= inside;
    server->stops--;
    announce_change(server);
    server_release(server);
    green_listener_release(listener);
    return result;
}
