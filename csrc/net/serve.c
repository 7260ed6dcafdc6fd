/* Serving: accept connections, and start their handlers. */
#include "../core/fork.h"
#include "service.h"

#include <stdlib.h>

/* Takes a waiting client, or accepts one. -EBADF: there will be no more. */
static int next_client(green_service *service, green_socket **client) {
    if ((*client = green__service_take(service)))
        return 0;
    if (service->listener)
        return green_accept(service->listener, client);
    int error = green__check_interrupt(service->hub);
    return error < 0 ? error : -EBADF;
}

/* Starts the handler of a client, on this hub or on another one. */
static int serve_one(green_service *service) {
    green_socket *client = NULL;
    int error = next_client(service, &client);
    if (error < 0)
        return error == -EBADF && service->waiting ? 0 : error;
    if (service->class && service->class->hand_over(service, client)) {
        green__service_announce(service); /* a stop may wait for it */
        return 0;
    }
    for (int64_t pause = GREEN_SHORTAGE_PAUSE_MIN; (error = green__service_handle(service, client)) == -ENOMEM;
         pause *= 2) {
        error = green__service_await_room(service, pause < GREEN_SHORTAGE_PAUSE_MAX ? pause : GREEN_SHORTAGE_PAUSE_MAX);
        if (error < 0)
            break;
    }
    if (error < 0)
        green__service_lose(service, client);
    return error;
}

/* Whether a client can be handled, and may be there. */
static bool has_work(green_service *service) {
    if (green__service_source_is_closed(service) && !service->waiting)
        return true; /* the end */
    if (!(service->class ? service->class->has_room(service) : green__service_has_room(service)))
        return false;
    return service->listener || service->waiting;
}

/* Until the source is closed: -EBADF. */
static int serve_clients(green_service *service) {
    int64_t pause = GREEN_SHORTAGE_PAUSE_MIN;
    int error = 0;
    while (error == 0 && !service->ended) {
        if (!has_work(service)) {
            error = green__service_await(service, GREEN_FOREVER);
            continue;
        }
        error = serve_one(service);
        if (green__is_shortage(error)) {
            error = green__service_await_room(service, pause);
            pause = pause * 2 < GREEN_SHORTAGE_PAUSE_MAX ? pause * 2 : GREEN_SHORTAGE_PAUSE_MAX;
        } else {
            pause = GREEN_SHORTAGE_PAUSE_MIN;
        }
    }
    return error;
}

static int await_stops(green_service *service) {
    int error = 0;
    while (error == 0 && service->stops > 0) {
        error = green__service_await(service, GREEN_FOREVER);
        if (error == service->interrupt.error)
            error = 0; /* a handler ended the service during the stop */
    }
    return error;
}

int green__service_run(green_service *service) {
    int error = serve_clients(service);
    if (service->class)
        service->class->accepted_all(service);
    if (service->ended)
        error = service->outcome;
    else if (error == -EBADF && green__service_source_is_closed(service))
        error = await_stops(service);
    if (error == 0 && service->ended)
        error = service->outcome;
    if (service->message)
        green__message_forward(&service->message, error, green__message_slot_of(service->hub->current));
    green__interrupt_withdraw(service->thread, &service->interrupt);
    service->thread = NULL;
    green__service_drop(service);
    green__service_announce(service); /* a stop may wait for these, or for this thread */
    return error;
}

static int service_make(green_listener *listener, const green_serve_options *options, green_handler *handler,
                        void *context, green_service **made) {
    green_hub *hub = listener->hub;
    if (hub != green__hub)
        return green__fail(-EXDEV, "cannot serve: the listener %s", green__foreign_hub_reason(hub));
    if (listener->service && listener->service->thread)
        return green__fail(-EBUSY, "cannot serve: another green thread already serves this listener");
    green_service *service = calloc(1, sizeof *service);
    if (!service)
        return green__fail(-ENOMEM, "cannot serve");
    green__service_init(service, listener, options, handler, context);
    *made = service;
    return 0;
}

int green_serve(green_listener *listener, const green_serve_options *options, green_handler *handler, void *context) {
    green_service *service = NULL;
    int error = service_make(listener, options, handler, context, &service);
    if (error < 0) {
        if (options && options->discard)
            options->discard(context);
        return error;
    }
    green_listener_retain(listener);
    listener->service = service;
    listener->on_close = green__service_announce;
    error = green__service_run(service);
    if (listener->service == service)
        listener->service = NULL;
    green_listener_release(listener);
    green__service_release(service);
    return error;
}
