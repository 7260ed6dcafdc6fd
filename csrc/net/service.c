/* Services: their clients, and the handlers of these. */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONCURRENCY_DEFAULT = 1000 };

void green__service_init(green_service *service, green_listener *listener, const green_serve_options *options,
                         green_handler *handler, void *context) {
    service->references = 1;
    service->hub = green__hub;
    service->listener = listener;
    if (options)
        service->options = *options;
    if (service->options.concurrency == 0)
        service->options.concurrency = CONCURRENCY_DEFAULT;
    service->handler = handler;
    service->context = context;
    service->thread = green__hub->current;
    service->interrupt.error = -ESHUTDOWN;
    service->interrupt.order = GREEN_INSIDE_SHIELDS;
    service->last_waiting = &service->waiting;
    green__wait_list_init(&service->changes);
}

void green__service_release(green_service *service) {
    if (--service->references > 0)
        return;
    green__message_free(&service->message);
    if (service->class) {
        service->class->unused(service);
        return;
    }
    if (service->options.discard)
        service->options.discard(service->context);
    free(service);
}

/* Changes ------------------------------------------------------------------- */

struct change {
    green_wait wait;
    const green_service *service;
};

static void describe(const green_wait *wait, char *text, size_t size) {
    const green_service *service = GREEN_CONTAINER(wait, const struct change, wait)->service;
    if (service->listener || !green__service_has_room(service))
        snprintf(text, size, "serving: waiting for one of %zu handlers to end", (size_t)service->running);
    else
        snprintf(text, size, "serving: waiting for connections from another hub");
}

static const green_wait_kind awaiting_change = {green__wait_leave_list, describe};

int green__service_await(green_service *service, int64_t timeout) {
    int error = green__begin(service->hub, timeout);
    if (error < 0)
        return error;
    struct change change = {.service = service};
    green__wait_init(service->hub, &change.wait, &awaiting_change);
    green__wait_list_append(&service->changes, &change.wait);
    service->hub->io_waiters++; /* another OS thread may stop the server */
    error = green__wait(service->hub, &change.wait, timeout);
    service->hub->io_waiters--;
    return error;
}

void green__service_announce(green_service *service) {
    green__ready_all(&service->changes);
}

int green__service_await_room(green_service *service, int64_t timeout) {
    if (service->class)
        service->class->expect_room(service);
    int error = green__service_await(service, timeout);
    return error == -ETIMEDOUT ? 0 : error;
}

static void announce_room(green_service *service) {
    green__service_announce(service);
    if (service->class)
        service->class->made_room(service);
}

/* Waiting clients ----------------------------------------------------------- */

void green__service_append(green_service *service, green_socket *client) {
    client->next = NULL;
    *service->last_waiting = client;
    service->last_waiting = &client->next;
}

green_socket *green__service_take(green_service *service) {
    green_socket *client = service->waiting;
    if (client && !(service->waiting = client->next))
        service->last_waiting = &service->waiting;
    return client;
}

void green__service_lose(green_service *service, green_socket *client) {
    bool assigned = client->service;
    green_socket_release(client);
    if (assigned)
        green__counter_increment(&service->finished);
    announce_room(service);
}

int green__service_drop(green_service *service) {
    int count = 0;
    for (green_socket *client; (client = green__service_take(service)); count++)
        green__service_lose(service, client);
    return count;
}

/* Handlers ------------------------------------------------------------------ */

static void add_client(green_service *service, green_socket *client) {
    client->service = service;
    client->stopping = false;
    client->previous = NULL;
    client->next = service->clients;
    if (service->clients)
        service->clients->previous = client;
    service->clients = client;
    service->references++;
    green__counter_increment(&service->running);
}

static void remove_client(green_service *service, green_socket *client) {
    if (client->previous)
        client->previous->next = client->next;
    else
        service->clients = client->next;
    if (client->next)
        client->next->previous = client->previous;
    client->handler = NULL;
    green__counter_decrement(&service->running);
}

static void end_client(green_service *service, green_socket *client) {
    remove_client(service, client);
    client->service = NULL;
    green_socket_release(client);
    green__counter_increment(&service->finished);
    announce_room(service);
    green__service_release(service);
}

void green__service_end(green_service *service, int outcome) {
    char label[GREEN_LABEL_MAX];
    if (outcome < 0 && (service->ended || !service->thread))
        green__report("%s, a handler that outlived its server, failed: %s",
                      green__thread_label(service->hub->current, label, sizeof label), green_explain(outcome));
    if (service->ended)
        return;
    service->ended = true;
    service->outcome = outcome;
    if (outcome < 0)
        green__message_forward(green__message_slot_of(service->hub->current), outcome, &service->message);
    /* Delivered before other interrupts: a kill or a timeout at the same time is left for
     * the next call. */
    if (service->thread)
        green__interrupt_first(service->thread, &service->interrupt);
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

static void take_result(green_service *service, const green_socket *client, int result) {
    if (result == GREEN_STOP_SERVE)
        green__service_end(service, 0);
    else if (result >= 0 || result == -ECANCELED)
        return;
    else if (service->options.on_error)
        service->options.on_error(result, service->context);
    else if (green_socket_failed_with(client, result))
        report_client(client, result);
    else
        green__service_end(service, result);
}

static int handle(void *argument) {
    green_socket *client = argument;
    green_service *service = client->service;
    client->handler = service->hub->current;
    take_result(service, client, service->handler(client, service->context));
    end_client(service, client);
    return 0;
}

static void never_handled(void *argument) {
    green_socket *client = argument;
    end_client(client->service, client);
}

int green__service_handle(green_service *service, green_socket *client) {
    green_spawn_options options = {.stack_size = service->options.stack_size, .discard = never_handled};
    int error = service->class ? service->class->prepare(service, client) : 0;
    if (error < 0)
        return error;
    add_client(service, client);
    green_thread *thread;
    error = green_spawn_with(&thread, &options, handle, client);
    if (error == 0) {
        client->handler = thread; /* the thread exists until end_client() */
        green_thread_release(thread);
        return 0;
    }
    remove_client(service, client);
    service->references--; /* not the last: the serving thread has one */
    return error;
}

green_socket *green__service_client_here(const green_service *service) {
    for (green_socket *client = service->clients; client; client = client->next)
        if (client->handler == service->hub->current)
            return client;
    return NULL;
}

void green__service_begin_stop(green_service *service, green_socket *client) {
    client->stopping = true;
    green__counter_increment(&service->stoppers);
    announce_room(service);
}

void green__service_end_stop(green_service *service, green_socket *client) {
    client->stopping = false;
    green__counter_decrement(&service->stoppers);
}
