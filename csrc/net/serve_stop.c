/* Stopping a service: drain, then kill. */
#include "../hubs/remote_thread.h"
#include "accept.h"
#include "service.h"

/* The maximum number of clients that a stop accepts at once. It exceeds the usual size of the
 * kernel's queue, and bounds the stop if new clients keep connecting. */
enum { TAKEN_MAX = 65536 };

/* Whether handlers run or have yet to start, apart from those in a stop from inside. */
static bool has_others(const green_service *service, bool inside) {
    return service->waiting || service->running > (inside ? service->stoppers : 0) ||
           (service->thread && !service->listener && !service->source_closed);
}

/* Accepts the clients in the kernel's queue. */
static int take_clients(green_service *service) {
    green_socket *client;
    int error = 0;
    for (unsigned count = 0; count < TAKEN_MAX; count++) {
        if ((error = green__listener_accept_now(service->listener, &client)) < 0)
            break;
        green__service_append(service, client);
    }
    green__service_announce(service);
    return error;
}

/* Accepts the clients that have connected. If descriptors or memory run out, it waits
 * for handlers to end. */
static int take_over(green_service *service, int64_t deadline, bool inside) {
    while (!service->listener->closed && service->thread && green__is_shortage(take_clients(service)) &&
           has_others(service, inside)) {
        int64_t left = green__time_left(deadline);
        if (left == 0)
            return 0;
        int error = green__service_await(service,
                                         left > 0 && left < GREEN_SHORTAGE_PAUSE_MIN ? left : GREEN_SHORTAGE_PAUSE_MIN);
        if (error < 0 && error != -ETIMEDOUT)
            return error;
    }
    return 0;
}

static int drain(green_service *service, int64_t deadline, bool inside) {
    while (has_others(service, inside)) {
        int64_t left = green__time_left(deadline);
        if (left == 0)
            return 0;
        int error = green__service_await(service, left);
        if (error < 0 && error != -ETIMEDOUT)
            return error;
    }
    return 0;
}

static int kill_others(green_service *service, bool inside) {
    int killed = green__service_drop(service);
    service->drops = true;
    for (green_socket *client = service->clients; client; client = client->next)
        if (!inside || !client->stopping) {
            green_thread_kill(client->handler);
            killed++;
        }
    green__service_announce(service);
    return killed;
}

static int close_and_drain(green_service *service, int64_t limit, int64_t deadline, bool inside) {
    green_listener *listener = service->listener;
    int error = limit == 0 || !listener ? 0 : take_over(service, deadline, inside);
    int closed = listener ? green_listener_close(listener) : 0, killed = 0;
    if (error == 0)
        error = closed;
    if (error == 0)
        error = green__check_interrupt(service->hub);
    if (error == 0)
        error = drain(service, deadline, inside);
    if (error == 0 && has_others(service, inside)) {
        killed = kill_others(service, inside);
        error = drain(service, GREEN_FOREVER, inside);
        killed += service->dropped;
        service->dropped = 0;
    }
    return error < 0 ? error : killed;
}

int green__service_stop(green_service *service, int64_t limit, int64_t deadline, bool inside) {
    green_listener *listener = service->listener;
    if (listener)
        green_listener_retain(listener);
    service->references++;
    service->stops++;
    int result = close_and_drain(service, limit, deadline, inside);
    service->stops--;
    green__service_announce(service);
    green__service_release(service);
    green_listener_release(listener);
    return result;
}

struct stop {
    green_listener *listener;
    int64_t limit;
};

static int stop_on_hub(void *argument) {
    const struct stop *stop = argument;
    return green_listener_stop(stop->listener, stop->limit);
}

int green_listener_stop(green_listener *listener, int64_t limit) {
    if (GREEN_UNLIKELY(listener->hub != green__hub)) {
        int result = green__hub_call_if_open(listener->hub, stop_on_hub, &(struct stop){listener, limit});
        return result == -ESRCH ? green__listener_close_after_end(listener) : result;
    }
    green_service *service = listener->service;
    if (!service) {
        int error = green_listener_close(listener);
        return error < 0 ? error : green__check_interrupt(listener->hub);
    }
    green_socket *client = green__service_client_here(service);
    if (client)
        green__service_begin_stop(service, client);
    int result = green__service_stop(service, limit, green__deadline_after(limit), client);
    if (client)
        green__service_end_stop(service, client);
    return result;
}
